"""What one policy earned on the rows of one seed, and the figures that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .aiq import aiq
from .bootstrap import apgr_of_means, curve_values, interval_of, means_of
from .routellm_metrics import Curve, apgr, cpt, curve, edges_of, large_calls
from .table import Floats, OutcomeTable, Pair, Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """One policy or baseline under one seed, on the rows it was scored on; arrays are of shape (n,)."""

    policy: str
    version: str
    seed: int
    baseline: bool
    rows: Rows
    """Indices into the table, ascending, the same for all policies of one seed."""
    choice: NDArray[np.intp]
    score: Floats
    quality: Floats
    cost: Floats
    p_reasoning: Floats | None = None
    """None for baselines that are no policy."""
    expected_quality: Floats | None = None
    """The predicted probability that the chosen model is right; None where the policy does not predict it."""
    small_first: bool = False
    """Whether the large model is asked only after the small one, which is then paid for too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one policy under one seed. What cannot be said is None."""

    policy: str
    version: str
    seed: int
    baseline: bool
    n: int
    quality: float
    quality_low: float
    """Lower end of the 95 % bootstrap interval over prompts."""
    quality_high: float
    cost: float
    """Mean per prompt."""
    cost_unit: str
    """`usd`, or `large_calls` where the table has no costs."""
    large_share: float
    shares: Mapping[str, float] = field(default_factory=dict)
    """Share of prompts per model that was chosen at all."""
    random_quality: float
    """Expected quality when the same share of every model is dealt out by chance."""
    apgr: float | None = None
    """None, as CPT, where other models than the pair are chosen, the score ranks nothing, or large is no better."""
    apgr_low: float | None = None
    apgr_high: float | None = None
    cpt50: float | None = None
    """Percent of large calls."""
    cpt80: float | None = None
    aiq: float | None = None
    """RouterBench's AIQ; of more than two models it needs costs and is that of all settings of a policy together."""
    oracle_gap: float
    """Quality of the oracle less this quality."""
    dropped_trained: int = 0
    """Rows that left the scored set of all policies because one was trained on them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What all policies of one seed share: the rows that are scored and what there is to earn on them."""

    test: OutcomeTable
    pair: Pair
    cost: Floats
    """Shape (n, m)."""
    cost_unit: str
    dropped: int
    resamples: int


def rows_of(scored: Sequence[Scored], scene: Scene) -> list[Row]:
    """The figures of all policies of one seed; their intervals are on the same resamples."""
    curves = [_curve(one, scene) for one in scored]
    columns = [one.quality[:, None] for one in scored]
    columns += [
        curve_values(one.score, *_outcomes(scene)) for one, found in zip(scored, curves, strict=True) if found
    ]
    means = means_of(np.concatenate(columns, axis=1), resamples=scene.resamples)
    rows: list[Row] = []
    start = len(scored)
    for position, (one, found) in enumerate(zip(scored, curves, strict=True)):
        ends: dict[str, float | None] = {}
        if found:
            stop = start + 2 * len(found.share) + 2
            low, high = interval_of(apgr_of_means(means[:, start:stop]))
            ends = {"apgr_low": _known(low), "apgr_high": _known(high)}
            start = stop
        figure = _aiq(one, scene, _points(one, scored))
        rows.append(replace(_row(one, scene, found, interval_of(means[:, position]), ends), aiq=figure))
    return rows


def _row(
    one: Scored,
    scene: Scene,
    found: Curve | None,
    quality_ends: tuple[float, float],
    apgr_ends: Mapping[str, float | None],
) -> Row:
    share = np.bincount(one.choice, minlength=len(scene.test.models)) / len(one.choice)
    quality = float(one.quality.mean())
    return Row(
        policy=one.policy,
        version=one.version,
        seed=one.seed,
        baseline=one.baseline,
        n=len(one.choice),
        quality=quality,
        quality_low=quality_ends[0],
        quality_high=quality_ends[1],
        cost=float(one.cost.mean()),
        cost_unit=scene.cost_unit,
        large_share=float(share[scene.pair.large]),
        shares={model: float(part) for model, part in zip(scene.test.models, share, strict=True) if part},
        random_quality=float(share @ scene.test.correct.mean(axis=0)),
        apgr=_known(apgr(found)) if found else None,
        cpt50=_known(cpt(found, 0.5)) if found else None,
        cpt80=_known(cpt(found, 0.8)) if found else None,
        oracle_gap=float(scene.test.correct.max(axis=1).mean()) - quality,
        dropped_trained=scene.dropped,
        **apgr_ends,
    )


def _curve(one: Scored, scene: Scene) -> Curve | None:
    """None where the score is no order of a small and a better large model."""
    small, large = _outcomes(scene)
    if not large.mean() > small.mean() or not _ranks(one, scene):
        return None
    return curve(one.score, small, large)


def _ranks(one: Scored, scene: Scene) -> bool:
    chosen = np.isin(one.choice, (scene.pair.small, scene.pair.large)).all()
    return bool(chosen) and float(np.ptp(one.score)) > 0


def _outcomes(scene: Scene) -> tuple[Floats, Floats]:
    return scene.test.correct[:, scene.pair.small], scene.test.correct[:, scene.pair.large]


def _points(one: Scored, scored: Sequence[Scored]) -> list[Scored]:
    """The policies of one name, whatever their options, as `capability:tradeoff=…`: one router at several settings."""
    name = one.policy.partition(":")[0]
    return (
        [one]
        if one.baseline
        else [x for x in scored if not x.baseline and x.policy.partition(":")[0] == name]
    )


def _aiq(one: Scored, scene: Scene, settings: Sequence[Scored]) -> float | None:
    """Over the range from the cheapest to the dearest model, the cheapest being a point of every router.

    A router of two models has the points of its thresholds, one of more models those of its settings.
    """
    means = scene.cost.mean(axis=0)
    if scene.cost_unit != "usd" and len(means) > 2:
        return None
    cheapest = int(np.lexsort((-scene.test.correct.mean(axis=0), means))[0])
    points = [
        (means[cheapest], scene.test.correct[:, cheapest].mean()),
        (one.cost.mean(), one.quality.mean()),
    ]
    if _ranks(one, scene):
        calls = large_calls(one.score, edges_of(one.score))
        small, large = scene.pair.small, scene.pair.large
        first = scene.cost[:, small] if one.small_first else 0.0
        costs = np.where(calls, scene.cost[:, large] + first, scene.cost[:, small]).mean(axis=1)
        qualities = np.where(calls, scene.test.correct[:, large], scene.test.correct[:, small]).mean(axis=1)
        points += zip(costs, qualities, strict=True)
    if len(means) > 2:
        points += [(setting.cost.mean(), setting.quality.mean()) for setting in settings]
    cost, quality = np.array(points, dtype=np.float64).T
    return _known(aiq(cost, quality, low=float(means.min()), high=float(means.max())))


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
