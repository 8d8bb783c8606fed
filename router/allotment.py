"""Which subtasks of a plan get a large call when not all can: the knapsack behind `budgeted`, and what a call takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import UsageError

Floats = NDArray[np.float64]
EXACT = 14
"""Candidates up to which every set of them is weighed: 16,384 sets, a few milliseconds."""
SWAPPED = 2000
"""Candidates up to which a greedy choice is improved by swaps of one for one."""
_CHARACTERS_PER_TOKEN = 4.0
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeBudget:
    """Limits on the large calls of one run, at least one. None means no limit."""

    usd: float | None = None
    tokens: float | None = None
    """Input and output together."""
    seconds: float | None = None
    """One after the other; calls made at the same time take less."""
    large_calls: int | None = None

    def __post_init__(self) -> None:
        for name, limit in self.limits().items():
            if not (math.isfinite(limit) and limit >= 0):
                raise UsageError(f"the budget {name}={limit!r} is not a number from 0 up")
        if not self.limits():
            raise UsageError("a budget needs a limit: give usd, tokens, seconds or large_calls")

    def limits(self) -> dict[str, float]:
        """The limits there are, by name."""
        given = {
            "usd": self.usd,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "large_calls": self.large_calls,
        }
        return {name: float(limit) for name, limit in given.items() if limit is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEstimate:
    """What one large call is expected to take."""

    price_in: float | None = None
    """Dollars per million tokens; None where it is not known."""
    price_out: float | None = None
    prompt_tokens: int = 150
    """Of the prompt around a subtask's text, upstream answers included."""
    output_tokens: int = 400
    seconds: float | None = None
    """Of one call; None where it is not known."""

    def check(self, budget: LargeBudget) -> None:
        """Raises `UsageError` when the budget has a limit that nothing is known to count against."""
        if budget.usd is not None and (self.price_in is None or self.price_out is None):
            raise UsageError(
                "a budget in dollars needs the large model's prices, which are not known: give price_in and price_out "
                "in dollars per million tokens, or large=MODEL with a priced model of the catalogue"
            )
        if budget.seconds is not None and self.seconds is None:
            raise UsageError(
                "a budget in seconds needs how long a large call takes, which is not known: give seconds_per_call"
            )

    def of(self, text: str, names: Sequence[str]) -> list[float]:
        """What a call on `text` takes of each limit in `names`."""
        tokens_in = self.prompt_tokens + math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
        usd = tokens_in * (self.price_in or 0.0) + self.output_tokens * (self.price_out or 0.0)
        taken = {
            "usd": usd / 1_000_000,
            "tokens": float(tokens_in + self.output_tokens),
            "seconds": self.seconds or 0.0,
            "large_calls": 1.0,
        }
        return [taken[name] for name in names]


def allot(gains: Floats, costs: Floats, limits: Floats) -> NDArray[np.bool_]:
    """Who gets a call: the set of largest total gain within every limit.

    `gains` has shape (n,), all positive; `costs` shape (n, k) and `limits` shape (k,), not negative. Exact up to
    `EXACT` candidates; beyond, the best of greedy by gain per cost and the best single, improved by swaps of one for
    one, which is exact where all calls cost the same.
    """
    if not len(gains):
        return np.zeros(0, dtype=np.bool_)
    limits = limits * (1.0 + _ROUNDING) + _ROUNDING  # sums of floats in another order are not over the limit
    if len(gains) <= EXACT:
        return _exact(gains, costs, limits)
    chosen = _greedy(gains, costs, limits)
    single = np.where((costs <= limits).all(axis=1), gains, 0.0)
    if single.max() > gains[chosen].sum():
        chosen = np.arange(len(gains)) == single.argmax()
    while len(gains) <= SWAPPED and _swap(chosen, gains, costs, limits):
        pass
    return chosen


def _exact(gains: Floats, costs: Floats, limits: Floats) -> NDArray[np.bool_]:
    sets = (np.arange(1 << len(gains))[:, None] >> np.arange(len(gains))) & 1
    feasible = (sets @ costs <= limits).all(axis=1)
    total = np.where(feasible, sets @ gains, -1.0)
    best = np.flatnonzero(total >= total.max() - _ROUNDING)
    # Of equally good sets the one with the fewest calls, then the one of the first candidates.
    return sets[best[np.argmin(sets[best].sum(axis=1), axis=0)]].astype(np.bool_)


def _greedy(gains: Floats, costs: Floats, limits: Floats) -> NDArray[np.bool_]:
    share = (costs / np.maximum(limits, 1e-9)).max(axis=1)
    order = np.argsort(-gains / np.maximum(share, 1e-9), kind="stable")
    chosen = np.zeros(len(gains), dtype=np.bool_)
    spent = np.zeros(len(limits))
    for one in order:
        if (spent + costs[one] <= limits).all():
            chosen[one] = True
            spent += costs[one]
    return chosen


def _swap(chosen: NDArray[np.bool_], gains: Floats, costs: Floats, limits: Floats) -> bool:
    """Put in, or exchange for one that is in, the candidate that adds most; whether there was one."""
    left = limits - costs[chosen].sum(axis=0)
    ins, outs = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    fits = (costs[ins] <= left).all(axis=1)
    if fits.any():
        chosen[ins[np.argmax(np.where(fits, gains[ins], -1.0))]] = True
        return True
    if not len(ins) or not len(outs):
        return False
    gained = gains[ins][:, None] - gains[outs][None, :]
    fits = (costs[ins][:, None, :] - costs[outs][None, :, :] <= left).all(axis=2)
    gained = np.where(fits, gained, 0.0)
    into, out = np.unravel_index(gained.argmax(), gained.shape)
    if gained[into, out] <= _ROUNDING:
        return False
    chosen[ins[into]], chosen[outs[out]] = True, False
    return True
