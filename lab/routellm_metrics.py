"""APGR and CPT of a two-model router, defined as RouteLLM does (arXiv 2406.18665, section 2; routellm/evals).

Thresholds stand at the edges of ten quantile bins of the scores; the large model answers where the score reaches the
threshold (at the last edge: exceeds it); areas are trapezoids over the eleven points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .table import Floats

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Quality against the share of large calls, by ascending share; both of shape (points,), 0 to 1."""

    share: Floats
    quality: Floats
    small: float
    """Mean quality of the small model alone."""
    large: float


def curve(score: Floats, small: Floats, large: Floats, *, bins: int = BINS) -> Curve:
    """The curve of a score over outcomes of the two models, all of shape (n,).

    Edges that fall together, as with a score of few values, give the same point as often; `pandas.qcut`, which
    RouteLLM uses, would refuse such a score.
    """
    edges = edges_of(score, bins=bins)
    calls = large_calls(score, edges)
    points = sorted(
        (
            (large.mean(), quality.mean())
            for large, quality in zip(calls, np.where(calls, large, small), strict=True)
        ),
        key=lambda point: point[0],
    )
    share, quality = np.array(points, dtype=np.float64).T
    return Curve(share=share, quality=quality, small=float(small.mean()), large=float(large.mean()))


def edges_of(score: Floats, *, bins: int = BINS) -> Floats:
    """The thresholds: the edges of `bins` quantile bins, ascending, shape (bins + 1,)."""
    return np.quantile(score, np.linspace(0.0, 1.0, bins + 1))


def large_calls(score: Floats, edges: Floats) -> NDArray[np.bool_]:
    """Whether the large model answers, at every threshold for every prompt, shape (thresholds, n)."""
    return np.concatenate([score >= edges[:-1, None], score[None, :] > edges[-1]])


def apgr(curve: Curve) -> float:
    """Average performance gap recovered: 0 is the small model, 1 the large one, about 0.5 a random order.

    Not a number when the two models are equally good.
    """
    width = float(np.ptp(curve.share))
    area = float(np.trapezoid(curve.quality, curve.share))
    gap = (curve.large - curve.small) * width
    return (area - curve.small * width) / gap if gap else float("nan")


def cpt(curve: Curve, gap: float) -> float:
    """Call-performance threshold: percent of large calls at which the share `gap` (0 to 1) of the difference between
    the two models is recovered, by `np.interp` over the curve as it is."""
    wanted = curve.small + gap * (curve.large - curve.small)
    return 100.0 * float(np.interp(wanted, curve.quality, curve.share))
