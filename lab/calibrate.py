"""Calibrates a policy on an outcome table: the cheapest threshold that keeps a share of the large model's quality.

The guarantee and its argument are `risk_control.cheapest`'s; here it meets tables and policies, and is put to the test
on random splits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .. import UsageError
from ..router.calibration import Calibration
from ..router.policy import Policy
from .calibration_log import CalibrationLog, read_log
from .contenders import Progress
from .recipes import Recipe
from .risk_control import Outcomes, Promise, TooFewRowsError, cheapest, share_lower, uncorrected
from .table import OutcomeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How the guarantee and a naive threshold fared over random splits of a log, in halves unless told otherwise.

    Two questions are asked. Of a threshold found on one half: is the quality on the *other half*, compared with the
    large model's there, below the target? That is what a user sees who measures again; it counts the luck of the
    other half too, and a threshold exactly as safe as promised for the population would fail it more often than
    promised (18 % at confidence 0.9, were it not for the margin `Promise.fresh`). And the guarantee itself, in a
    world where the truth is known: the log is the population, the calibration rows are drawn from it at random with
    replacement, as many as a half.
    """

    splits: int
    rows: int
    """Rows calibrated on in each split."""
    refused: int
    """Splits whose half could not certify anything; they violate nothing and are not among the costs."""
    violations: int
    """Splits on whose other half the quality falls short."""
    violation_rate: float
    naive_violation_rate: float
    """Of the cheapest threshold that keeps the target on the calibration half, without any correction."""
    cost_over_best: float | None
    """Mean cost on the other half over that of the best threshold in hindsight there."""
    naive_cost_over_best: float | None
    population_violations: int
    population_violation_rate: float
    """Draws from the population whose threshold falls short on it: the rate that is guaranteed."""
    naive_population_violation_rate: float
    population_cost_over_best: float | None


def calibrate(
    table: OutcomeTable,
    policy: str | Recipe | Policy,
    *,
    target: float = 0.95,
    confidence: float = 0.9,
    small: str | None = None,
    large: str | None = None,
    labels: float | None = None,
    seed: int = 0,
) -> Calibration:
    """The cheapest threshold of `policy` whose expected quality is at least `target` of the large model's, with
    probability `confidence`.

    A policy that is fitted gets `labels` random rows, or that share of them, and is calibrated on the others; of
    `cascade` the minimal confidence is calibrated, on the table's `MODEL|confidence` of the small model. Raises
    `UsageError` for what cannot be calibrated, and `TooFewRowsError` where the data cannot support it, saying how many
    more rows would.
    """
    promise = Promise(target=target, confidence=confidence)
    log = read_log(table, policy, small=small, large=large, labels=labels, seed=seed)
    return calibrate_log(log, promise, seed=seed)


def calibrate_log(log: CalibrationLog, promise: Promise, *, seed: int = 0) -> Calibration:
    """`calibrate` on rows that have been read; `seed` is the one they were read with."""
    outcomes = log.outcomes
    threshold = cheapest(outcomes, promise)
    point = outcomes.at(threshold)
    reference = float(outcomes.large.mean())
    # Always asking the large model needs no small one first, whatever a cascade pays.
    always = float(
        np.mean(outcomes.large_cost - (outcomes.small_cost if log.measure == "confidence" else 0.0))
    )
    share = share_lower(outcomes, threshold, promise)
    return Calibration(
        measure=log.measure,
        threshold=least_confidence(threshold) if log.measure == "confidence" else threshold,
        target=promise.target,
        confidence=promise.confidence,
        share_lower=share,
        quality=point.quality,
        quality_lower=share * reference,
        reference_quality=reference,
        large_share=point.large_share,
        cost=point.cost,
        reference_cost=always,
        saving=1.0 - point.cost / always if always else 0.0,
        cost_unit=log.cost_unit,
        n=len(outcomes),
        labels=len(log.train),
        dropped_trained=log.dropped_trained,
        seed=seed,
        small=log.small,
        large=log.large,
        policy=log.policy,
        version=log.version,
        spec=log.spec,
        table=log.table.name,
        digest=log.table.digest,
    )


def least_confidence(threshold: float) -> float:
    """The confidence below which exactly those rows lie whose negative confidence reaches `threshold`."""
    return max(0.0, math.nextafter(-threshold, math.inf))


def check_guarantee(
    log: CalibrationLog,
    promise: Promise,
    *,
    splits: int = 500,
    rows: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Check:
    """Puts the promise to the test over `splits` random splits of the log, as `Check` says; `rows` of each, half of
    them unless set, are calibrated on. Raises `UsageError` where `rows` leaves nothing to measure on."""
    outcomes, half = log.outcomes, len(log.outcomes) // 2 if rows is None else rows
    if not 0 < half < len(outcomes):
        raise UsageError(
            f"{half} of {len(outcomes)} rows cannot be calibrated on and leave others to measure on; give fewer"
        )
    random = np.random.default_rng([seed, 1])
    best = outcomes.at(uncorrected(outcomes, target=promise.target)).cost
    tried: list[_Trial] = []
    for number in range(splits):
        if progress is not None:
            progress(number, splits, "checking the guarantee")
        order = random.permutation(len(outcomes))
        fresh = outcomes.take(order[half:])
        hindsight = fresh.at(uncorrected(fresh, target=promise.target)).cost
        again = random.integers(0, len(outcomes), half)
        tried.append(
            _Trial(
                halves=_try(outcomes.take(order[:half]), fresh, promise),
                population=_try(outcomes.take(again), outcomes, promise),
                best=hindsight,
            )
        )
    return _summed(tried, rows=half, best=best)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One threshold and its naive neighbour, met with the truth."""

    cost: float | None
    """None where the data could not certify any."""
    violates: bool
    naive_cost: float
    naive_violates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    halves: _Tried
    population: _Tried
    best: float
    """Cost of the best threshold in hindsight on the other half."""


def _try(calibration: Outcomes, truth: Outcomes, promise: Promise) -> _Tried:
    wanted = promise.target * float(truth.large.mean()) - 1e-12
    naive = truth.at(uncorrected(calibration, target=promise.target))
    try:
        found = truth.at(cheapest(calibration, promise))
    except TooFewRowsError:
        found = None
    return _Tried(
        cost=None if found is None else found.cost,
        violates=found is not None and found.quality < wanted,
        naive_cost=naive.cost,
        naive_violates=naive.quality < wanted,
    )


def _summed(tried: list[_Trial], *, rows: int, best: float) -> Check:
    count = max(1, len(tried))
    halves, population = [trial.halves for trial in tried], [trial.population for trial in tried]
    bests = [trial.best for trial in tried]
    violations = sum(one.violates for one in halves)
    broken = sum(one.violates for one in population)
    return Check(
        splits=len(tried),
        rows=rows,
        refused=sum(one.cost is None for one in halves),
        violations=violations,
        violation_rate=violations / count,
        naive_violation_rate=sum(one.naive_violates for one in halves) / count,
        cost_over_best=_ratio([one.cost for one in halves], bests),
        naive_cost_over_best=_ratio([one.naive_cost for one in halves], bests),
        population_violations=broken,
        population_violation_rate=broken / count,
        naive_population_violation_rate=sum(one.naive_violates for one in population) / count,
        population_cost_over_best=_ratio([one.cost for one in population], [best] * len(population)),
    )


def _ratio(costs: list[float] | list[float | None], bests: list[float]) -> float | None:
    """Mean of the costs that are known over the mean of the bests beside them; None where there is nothing."""
    known = [(cost, best) for cost, best in zip(costs, bests, strict=True) if cost is not None]
    total = sum(best for _, best in known)
    return sum(cost for cost, _ in known) / total if total > 0 else None
