"""Bootstrap intervals over prompts: of several policies at once, on the same resamples, so that they are paired."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .intervals import CONFIDENCE
from .routellm_metrics import edges_of, large_calls
from .table import Floats

_CHUNK = 2_000_000
"""Counts held at once."""


def resampled_counts(n: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each of `n` prompts was drawn, in pieces of shape (some, n); all pieces hold `resamples` rows."""
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(n, 1))
    for done in range(0, resamples, step):
        size = min(step, resamples - done)
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def means_of(values: Floats, *, resamples: int, seed: int = 0) -> Floats:
    """Means of resampled columns, shape (resamples, columns), from values of shape (n, columns).

    The columns share their resamples: the difference of two is that of two policies on the same prompts.
    """
    n = len(values)
    pieces = [counts @ values / n for counts in resampled_counts(n, resamples=resamples, seed=seed)]
    return np.concatenate(pieces) if pieces else np.empty((0, values.shape[1]))


def curve_values(score: Floats, small: Floats, large: Floats) -> Floats:
    """Columns whose means give a score's curve: large calls and quality at every threshold, then the two models alone.

    Shape (n, 2 * thresholds + 2). The thresholds stay where the whole sample puts them.
    """
    calls = large_calls(score, edges_of(score))[::-1]
    return np.concatenate([calls, np.where(calls, large, small), [small, large]]).T.astype(np.float64)


def apgr_of_means(means: Floats) -> Floats:
    """APGR of every resample, shape (resamples,), from the means of `curve_values`; not a number without a gap."""
    points = (means.shape[1] - 2) // 2
    share, quality = means[:, :points], means[:, points : 2 * points]
    small, large = means[:, -2], means[:, -1]
    width = share[:, -1] - share[:, 0]
    area = np.trapezoid(quality, share, axis=1) - small * width
    gap = (large - small) * width
    return np.divide(area, gap, out=np.full(len(gap), np.nan), where=gap > 0)


def interval_of(samples: Floats) -> tuple[float, float]:
    """The middle 95 % of resampled figures; not numbers where fewer than half of the resamples gave one."""
    known = samples[~np.isnan(samples)]
    if len(known) < max(1, len(samples) / 2):
        return float("nan"), float("nan")
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(known, (tail, 1.0 - tail))
    return float(low), float(high)
