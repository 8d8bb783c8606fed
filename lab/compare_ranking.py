"""The difference in APGR of two rankings of the same prompts, by resampling prompts: what one score is worth over
another at the same share of large calls, whatever the share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .paired import Difference, share_above_zero
from .routellm_metrics import BINS, apgr, curve
from .table import Floats, OutcomeTable, Pair, Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """A score over rows of a table, with both models' outcomes, all of shape (n,)."""

    rows: Rows
    score: Floats
    small: Floats
    large: Floats

    def apgr(self) -> float:
        """As RouteLLM defines it, see `routellm_metrics`."""
        return apgr(curve(self.score, self.small, self.large))


def ranking(table: OutcomeTable, pair: Pair, rows: Rows, score: Floats) -> Ranking:
    """The score of `rows` beside what the two models made of them."""
    outcomes = table.correct[rows]
    return Ranking(rows=rows, score=score, small=outcomes[:, pair.small], large=outcomes[:, pair.large])


def apgr_difference(
    a: Sequence[Ranking], b: Sequence[Ranking], *, resamples: int, seed: int = 0
) -> Difference | None:
    """APGR of `b` over `a`, one ranking per seed each, on the same rows; the mean over seeds.

    None where it does not exist: the two models are equally good.
    """
    found = float(np.mean([after.apgr() - before.apgr() for before, after in zip(a, b, strict=True)]))
    if np.isnan(found):
        return None
    union = np.unique(np.concatenate([ranking.rows for ranking in a]))
    places = [np.searchsorted(union, ranking.rows) for ranking in a]
    before = [_Sorted.of(ranking) for ranking in a]
    after = [_Sorted.of(ranking) for ranking in b]
    rng = np.random.default_rng(seed)
    differences = np.empty(resamples)
    for sample in range(resamples):
        counts = np.bincount(rng.integers(len(union), size=len(union)), minlength=len(union))
        differences[sample] = np.mean(
            [
                y.apgr(counts[place]) - x.apgr(counts[place])
                for x, y, place in zip(before, after, places, strict=True)
            ]
        )
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return None
    low, high = np.quantile(differences, (0.025, 0.975))
    better = share_above_zero(differences)
    return Difference(
        n=len(union),
        mean=found,
        low=float(low),
        high=float(high),
        p_better=better,
        p_value=min(1.0, 2 * max(min(better, 1 - better), 1 / (1 + len(differences)))),
        rows_needed=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sorted:
    """A ranking in the order of its score, so that a resample is only a weight per prompt."""

    order: Rows
    score: Floats
    small: Floats
    large: Floats

    @classmethod
    def of(cls, ranking: Ranking) -> _Sorted:
        order = np.argsort(ranking.score, kind="stable")
        return cls(
            order=order,
            score=ranking.score[order],
            small=ranking.small[order],
            large=ranking.large[order],
        )

    def apgr(self, counts: Rows) -> float:
        """APGR of the sample in which each prompt occurs `counts` times: `curve` without drawing it up."""
        weights = counts[self.order]
        seen = np.cumsum(weights)
        n = int(seen[-1])
        edges = self._quantiles(seen, n)
        cuts = (
            np.searchsorted(self.score, edges[:-1], "left"),
            np.searchsorted(self.score, edges[-1:], "right"),
        )
        starts = np.concatenate(cuts)[::-1]
        seen = np.concatenate(([0], seen))
        below = np.concatenate(([0.0], np.cumsum(weights * self.small)))
        above = np.concatenate(([0.0], np.cumsum(weights * self.large)))
        share = (n - seen[starts]) / n
        quality = (below[starts] + above[-1] - above[starts]) / n
        width = float(np.ptp(share))
        small, gap = below[-1] / n, (above[-1] - below[-1]) / n * width
        return float((np.trapezoid(quality, share) - small * width) / gap) if gap else float("nan")

    def _quantiles(self, seen: Rows, n: int) -> Floats:
        """`numpy.quantile` of the sample, linear between neighbours."""
        wanted = np.linspace(0.0, 1.0, BINS + 1) * (n - 1)
        lower = np.floor(wanted)
        first = self.score[np.searchsorted(seen, lower, "right")]
        second = self.score[np.searchsorted(seen, np.minimum(lower + 1, n - 1), "right")]
        return first + (wanted - lower) * (second - first)
