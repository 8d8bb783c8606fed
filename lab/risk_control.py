"""The cheapest threshold of a router that keeps a share of the large model's quality, with a finite-sample guarantee.

Learn-then-test (Angelopoulos et al. 2021, arXiv 2110.01052) with fixed-sequence testing: thresholds are tested from
the safest, where the large model answers everything, upwards; the first that cannot be certified ends the walk. What
this deliberately does not do is read or write anything, or know what a policy is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import PilotfishError, UsageError
from .risk_bounds import Bound, betting, critical_mean, critical_means, hoeffding_bentkus
from .table import Floats, Rows

FEWEST = 30
"""Rows below which nothing is certified, whatever their variance."""
MANY = 1500
MOST_ROWS = 10_000_000
ORDER = 20101
"""Seed of the order in which bets see the rows."""
_CHUNK = 64
_ROUNDING = 1e-12


class TooFewRowsError(PilotfishError):
    """The data cannot support what is asked of it; the message says how much more would."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, needed: int | None) -> None:
        super().__init__(message)
        self.needed = needed
        """Rows that would probably do, all counted; None where no number of rows would."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """What either choice comes to on `n` prompts; arrays of shape (n,)."""

    score: Floats
    """The large model answers where the score reaches the threshold."""
    small: Floats
    """Quality of the small model's answer, 0 to 1."""
    large: Floats
    small_cost: Floats
    large_cost: Floats
    """Everything paid where the large model answers, the small one's cost included where it was asked first."""

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: Rows) -> Outcomes:
        """These rows, in this order."""
        return Outcomes(
            score=self.score[rows],
            small=self.small[rows],
            large=self.large[rows],
            small_cost=self.small_cost[rows],
            large_cost=self.large_cost[rows],
        )

    def at(self, threshold: float) -> Point:
        """Means at one threshold."""
        calls = self.score >= threshold
        return Point(
            quality=float(np.where(calls, self.large, self.small).mean()),
            cost=float(np.where(calls, self.large_cost, self.small_cost).mean()),
            large_share=float(calls.mean()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Means per prompt at one threshold."""

    quality: float
    cost: float
    large_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is asked of a threshold."""

    target: float = 0.95
    """Share of the large model's quality, between 0 and 1."""
    confidence: float = 0.9
    """Probability, over calibration logs of this size, that the threshold found keeps `target`."""
    bound: Bound | None = None
    """None: `betting` below `MANY` rows, `normal` from there on, where it is sharper and far quicker."""
    fresh: float | None = 2 / 3
    """Share of the log's number of rows: the margin also covers the noise of measuring again on so many fresh rows or
    more, see `cheapest`. None leaves it at the guarantee. Two thirds were chosen on the two public logs whose checks
    are reported, RouteLLM's MMLU and GSM8K: the guarantee does not rest on it, those rates do."""

    def bound_for(self, n: int) -> Bound:
        """The bound for `n` rows; it does not depend on what is in them, so that none is chosen for its result."""
        return self.bound or ("betting" if n < MANY else "normal")

    def __post_init__(self) -> None:
        if not 0.0 < self.target < 1.0:
            raise UsageError(
                f"target {self.target!r} is not a share between 0 and 1, both left out: all of the large model's "
                "quality can only be had by always asking it"
            )
        if not 0.5 <= self.confidence < 1.0:
            raise UsageError(
                f"confidence {self.confidence!r} is not between 0.5 and 1; give, for instance, 0.9"
            )


def cheapest(outcomes: Outcomes, promise: Promise) -> float:
    """The threshold of least cost among those certified to keep the promise.

    For independent rows from the population that the router will meet, the chance that the expected quality at the
    threshold returned is below `target` times the large model's is at most 1 - `confidence`, for any number of rows
    in any order: a bet sees them in one drawn here. The argument:

    1. At a threshold u let z(u) = quality(u) - target * large, per row; it lies in [-target, 1], and u breaks the
       promise exactly where its mean is below 0. A test of `risk_bounds` rejects "the mean is at most 0".
    2. Let u0 be the lowest threshold above which the promise is first broken. To return one that breaks it the walk
       must pass every threshold below, hence those just above u0, and the chance that the test passes a given one of
       these is at most 1 - `confidence`. No correction for the number of thresholds is due.
    3. The walk tests the observed scores only. Between two neighbours of these nothing changes on the rows, so that
       passing the upper one is passing every threshold between them: the sequence tested is the whole line, which was
       fixed beforehand, though the points written down were not.
    4. All thresholds passed keep the promise at once, so the cheapest of them may be chosen freely.

    With `fresh`, a threshold must also stand so far above the target that a given threshold's mean over that many
    fresh rows would fall short with probability 1 - `confidence` by the normal approximation. This asks for more, so
    the guarantee stays; the approximation is no part of it. A threshold that was chosen falls short a little oftener
    than a given one, which is why the default minds fewer fresh rows than there were.

    Raises `TooFewRowsError` where even the safest threshold cannot be certified.
    """
    line = _Line(outcomes, promise.target)
    passed = _passed(line, promise)
    if not passed:
        raise _too_few(line, promise)
    costs = line.along(outcomes.small_cost, outcomes.large_cost)[:passed]
    return float(line.thresholds[passed - 1 - int(np.argmin(costs[::-1]))])


def uncorrected(outcomes: Outcomes, *, target: float) -> float:
    """The cheapest threshold that keeps the target on these very rows: in hindsight, or naively. The safest does."""
    line = _Line(outcomes, target)
    costs = line.along(outcomes.small_cost, outcomes.large_cost)
    return float(line.thresholds[int(np.argmin(np.where(line.mean >= -_ROUNDING, costs, np.inf)))])


def share_lower(outcomes: Outcomes, threshold: float, promise: Promise) -> float:
    """The largest share of the large model's quality that this threshold, taken alone, is certified to keep.

    Found by bisection between `promise.target`, where it is not checked, and 1.
    """
    calls = outcomes.score >= threshold
    quality = np.where(calls, outcomes.large, outcomes.small)
    low, high = promise.target, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        z = quality - middle * outcomes.large
        kept = float(z.mean()) >= _needed(len(z), float((z * z).mean()), promise)
        low, high = (middle, high) if kept else (low, middle)
    return low


def rows_needed(mean: float, mean_square: float, promise: Promise, *, least: int = FEWEST) -> int | None:
    """The number of rows at which this mean and mean square of z would be certified; None where it exceeds
    `MOST_ROWS` or the mean is not above 0. An extrapolation: the next rows will have another mean."""
    if mean <= 0:
        return None
    high = least
    while mean < _needed(high, mean_square, promise):
        high *= 2
        if high > MOST_ROWS:
            return None
    low = least if high == least else high // 2
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if mean >= _needed(middle, mean_square, promise) else (middle, high)
    return high


class _Line:
    """Every threshold that differs on the rows, from the safest up, and the means of z at each."""

    def __init__(self, outcomes: Outcomes, target: float) -> None:
        self.order = np.argsort(outcomes.score, kind="stable")
        self.score = outcomes.score[self.order]
        starts = np.flatnonzero(np.diff(self.score, prepend=-np.inf) > 0)
        self.cuts: NDArray[np.intp] = np.append(starts, len(self.score))
        """Rows, by ascending score, that the small model answers at each threshold."""
        self.thresholds = np.append(self.score[starts], np.nextafter(self.score[-1], np.inf))
        self.small_z = outcomes.small - target * outcomes.large
        self.large_z = (1.0 - target) * outcomes.large
        self.target = target
        self.mean = self.along(self.small_z, self.large_z)
        self.square = self.along(self.small_z**2, self.large_z**2)

    def __len__(self) -> int:
        return len(self.score)

    def along(self, small: Floats, large: Floats) -> Floats:
        """Mean at every threshold of what is `small` below and `large` from it on."""
        below = np.concatenate([[0.0], np.cumsum(small[self.order])])[self.cuts]
        above = np.concatenate([[0.0], np.cumsum(large[self.order])])
        return (below + above[-1] - above[self.cuts]) / len(self.score)

    def values(self, start: int, stop: int) -> Floats:
        """z of every row, in the order of the table, at thresholds `start` to `stop`; shape (stop - start, n)."""
        rank = np.empty(len(self.order), dtype=np.intp)
        rank[self.order] = np.arange(len(self.order))
        return np.where(rank >= self.cuts[start:stop, None], self.large_z, self.small_z)


def _passed(line: _Line, promise: Promise) -> int:
    """How many thresholds pass before the first that does not."""
    if len(line) < FEWEST:
        return 0
    kept = line.mean >= _margin(len(line), line.square, promise)
    bound = promise.bound_for(len(line))
    if bound in ("normal", "bentkus"):
        counts = np.minimum(np.ceil(len(line) * line.square), len(line)).astype(np.intp)
        level = 1.0 - promise.confidence
        kept &= line.mean >= critical_means(len(line), level=level, bound=bound)[counts]
        return _leading(kept)
    most, passed = _leading(kept), 0
    for p_values in _p_values(line, promise, bound, most):
        run = _leading(p_values <= 1.0 - promise.confidence)
        passed += run
        if run < len(p_values):
            break
    return passed


def _p_values(line: _Line, promise: Promise, bound: Bound, most: int) -> Iterator[Floats]:
    """For the bounds without a critical mean, of z moved into [0, 1]."""
    width = 1.0 + line.target
    null = line.target / width
    if bound == "hoeffding-bentkus":
        yield hoeffding_bentkus((line.mean[:most] + line.target) / width, len(line), null=null)
        return
    # A log may be sorted by what goes along with its outcomes, and the largest capital of a bet looks at the order.
    order = np.random.default_rng(ORDER).permutation(len(line))
    for start in range(0, most, _CHUNK):
        moved = (line.values(start, min(start + _CHUNK, most))[:, order] + line.target) / width
        yield betting(moved, null=null, level=1.0 - promise.confidence)


def _leading(kept: NDArray[np.bool_]) -> int:
    return len(kept) if kept.all() else int(np.argmin(kept))


def _needed(n: int, mean_square: float, promise: Promise) -> float:
    """The least mean of z that is certified; for the bounds without one, that of `normal`."""
    if n < FEWEST:
        return math.inf
    bound: Bound = "bentkus" if promise.bound == "bentkus" else "normal"
    provable = critical_mean(n, mean_square, level=1.0 - promise.confidence, bound=bound)
    return max(provable, float(_margin(n, np.array(mean_square), promise)))


def _margin(n: int, mean_square: Floats, promise: Promise) -> Floats:
    if promise.fresh is None:
        return np.zeros_like(mean_square)
    return NormalDist().inv_cdf(promise.confidence) * np.sqrt((1.0 + 1.0 / promise.fresh) * mean_square / n)


def _too_few(line: _Line, promise: Promise) -> TooFewRowsError:
    mean, square = float(line.mean[0]), float(line.square[0])
    needed = rows_needed(mean, square, promise)
    asked = f"a target of {promise.target:g} with confidence {promise.confidence:g}"
    if needed is None:
        return TooFewRowsError(
            f"{len(line)} rows cannot certify {asked}: the large model itself is right on too few of them "
            f"({mean / (1 - promise.target):.3f} of all); no number of such rows would do",
            needed=None,
        )
    more = max(1, needed - len(line))
    return TooFewRowsError(
        f"{len(line)} rows cannot certify {asked}, not even with the large model answering everything: about {more} "
        f"more like these would be needed just for that ({needed} in all), and more to save anything; add rows, or "
        "lower --target or --confidence",
        needed=needed,
    )
