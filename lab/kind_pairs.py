"""Routing by kind for every pair of a table's models: where it beats the large model alone, and why there.

Reasoning goes to the small model and the rest to the large one. So the gain over the large model is exactly what the
small one is better at on the reasoning prompts, times their share; and the gain over chance at the same share is what
the small model leans more to reasoning than the large one does, times both shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import means_of
from .table import Floats, OutcomeTable

Bools = NDArray[np.bool_]
RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairGrid:
    """Every ordered pair of `m` models, ascending by quality: row the small, column the large one, shape (m, m).

    Not a number where the small model is not the weaker one. A pair is judged on the rows that have both outcomes.
    """

    models: tuple[str, ...]
    quality: Floats
    """Mean of each model on the rows it has, shape (m,)."""
    lean: Floats
    """Quality on reasoning prompts less that on the others, shape (m,)."""
    gap: Floats
    """How much better the large model is over all."""
    over_large: Floats
    """Quality of the hybrid less that of the large model alone."""
    over_large_low: Floats
    """Lower end of its 95 % bootstrap interval, one pair at a time."""
    over_large_high: Floats
    over_random: Floats
    """Quality of the hybrid less that of as many large calls at random."""
    over_random_low: Floats

    def pairs(self) -> NDArray[np.intp]:
        """Row and column of every pair there is, shape (pairs, 2)."""
        return np.argwhere(~np.isnan(self.gap))

    def better(self) -> Bools:
        """Pairs whose hybrid beats the large model alone with certainty."""
        return self.over_large_low > 0.0

    def beats_random(self) -> Bools:
        """Pairs whose hybrid beats chance at the same share with certainty."""
        return self.over_random_low > 0.0


def pair_grid(
    table: OutcomeTable, reasoning: Bools, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairGrid:
    """The grid of a table whose prompts have these kinds, shape (n,), with paired bootstrap intervals."""
    order = np.argsort(np.nanmean(table.correct, axis=0), kind="stable")
    correct = table.correct[:, order]
    quality = np.nanmean(correct, axis=0)
    size = len(order)
    rows, columns = np.nonzero(quality[:, None] < quality[None, :])
    over_large, over_random, known = _gains(correct, reasoning, rows, columns)
    columns_of = np.concatenate([over_large, over_random, known], axis=1)
    means = means_of(columns_of, resamples=resamples, seed=seed)
    count = len(rows)
    known_share = means[:, 2 * count :]
    low, high = _ends(means[:, :count] / known_share)
    low_random, _ = _ends(means[:, count : 2 * count] / known_share)
    gaps = np.nansum(known * (correct[:, columns] - correct[:, rows]), axis=0) / known.sum(axis=0)

    def grid(values: Floats) -> Floats:
        found = np.full((size, size), np.nan)
        found[rows, columns] = values
        return found

    return PairGrid(
        models=tuple(table.models[column] for column in order),
        quality=quality,
        lean=np.nanmean(correct[reasoning], axis=0) - np.nanmean(correct[~reasoning], axis=0),
        gap=grid(gaps),
        over_large=grid(over_large.sum(axis=0) / known.sum(axis=0)),
        over_large_low=grid(low),
        over_large_high=grid(high),
        over_random=grid(over_random.sum(axis=0) / known.sum(axis=0)),
        over_random_low=grid(low_random),
    )


def _gains(
    correct: Floats, reasoning: Bools, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Per prompt and pair, shape (n, pairs): gain over the large model, gain over chance, and whether both are known.

    Unknown outcomes count 0 in the first two.
    """
    worse = correct[:, rows] - correct[:, columns]
    known = (~np.isnan(worse)).astype(np.float64)
    worse = np.nan_to_num(worse)
    share = (known * reasoning[:, None]).sum(axis=0) / known.sum(axis=0)
    return reasoning[:, None] * worse, (reasoning[:, None] - share) * worse, known


def _ends(samples: Floats) -> tuple[Floats, Floats]:
    low, high = np.quantile(samples, (0.025, 0.975), axis=0)
    return low, high
