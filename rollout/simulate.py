"""Proof by simulation that the gates keep what they promise: how often they are wrong, how soon they are right.

A thousand made-up canaries per question go through the very `Gates` of a live one (`trial`), on seeds that nothing
was tuned on. Traffic has no memory but for the tenants' study; what is assumed of it stands in `Assumptions`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import Any

from .. import UsageError
from .plan import RolloutPlan
from .population import Population
from .trial import (
    HARMLESS_HORIZON,
    RAMP_HORIZON,
    SHADOW_HORIZON,
    Trial,
    guard_trial,
    ramp_trial,
    shadow_trial,
    tenants_trial,
    whole_trial,
)

DROPS = (0.05, 0.1, 0.2)
WORSE = 0.03
"""How much worse the candidate is that must not be promoted."""
BASELINES = (0.8, 0.9, 0.95)
REFERENCES: Mapping[str, float] = {
    "false_rollback": 0.05,
    "peeked_z_test": 0.32,
    "detect_5pt_ramp_requests": 3750,
    "detect_10pt_ramp_requests": 1150,
    "detect_20pt_ramp_requests": 500,
    "detect_5pt_shadow_pairs": 300,
    "detect_10pt_shadow_pairs": 90,
    "promoted_3pt_worse": 0.05,
    "error_guard_calls": 3,
}
"""What is aimed at, or what others measured; of some figures there is none."""
AIMS = ("false_rollback", "promoted_3pt_worse")
"""The references that are upper limits."""
_SLICE = 20
Progress = Callable[[str], None]
_One = Callable[..., Trial]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of the traffic, and how much is simulated."""

    runs: int = 1000
    seed: int = 1
    baseline: float = 0.9
    """Pass rate of the baseline: 5 points more in one kind, 5 less in the other."""
    correlation: float = 0.5
    """Between the verdicts of both arms on one request, in shadow."""
    share: float = 0.1
    """Of the ramp in which drops are detected and false rollbacks counted."""

    def __post_init__(self) -> None:
        for name, value in (("baseline", self.baseline), ("share", self.share)):
            if not 0 < value < 1:
                raise UsageError(f"{name} {value!r} must be between 0 and 1, such as 0.9")
        if self.baseline <= max(DROPS):
            raise UsageError(
                f"baseline {self.baseline!r} leaves no room for a drop of 20 points; give above 0.2"
            )
        if not 0 <= self.correlation < 1:
            raise UsageError(f"correlation {self.correlation!r} must be at least 0 and below 1, such as 0.5")
        if self.runs < 1:
            raise UsageError(f"runs {self.runs!r} must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What came out."""

    assumptions: Assumptions
    figures: Mapping[str, float | None]
    """By key; None where more than half of the runs never got there."""
    trials: Mapping[str, tuple[Trial, ...]]
    """Every trial, by study."""


@dataclass(frozen=True, slots=True)
class _Study:
    """One question: a kind of trial on one kind of traffic."""

    name: str
    one: _One
    thinned: int = 1
    """Only one in so many runs: long ones, beside the point."""


def simulate(assumptions: Assumptions, *, jobs: int = 1, progress: Progress | None = None) -> Simulation:
    """All studies at the assumed pass rate; `jobs` processes, the same figures however many."""
    trials = _carry_out(_studies(assumptions), assumptions, jobs=jobs, progress=progress)
    return Simulation(assumptions=assumptions, figures=_figures(trials), trials=trials)


def sensitivity(
    assumptions: Assumptions, *, jobs: int = 1, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """The figures that need no whole lifecycle, at several pass rates of the baseline and correlations: a row each."""
    rows: list[dict[str, Any]] = []
    for baseline in BASELINES:
        for correlation in (0.3, 0.5, 0.7):
            assumed = Assumptions(
                runs=assumptions.runs,
                seed=assumptions.seed,
                baseline=baseline,
                correlation=correlation,
                share=assumptions.share,
            )
            ramp = correlation == 0.5  # the ramp has no pairs: once is enough
            studies = [
                study
                for study in _studies(assumed)
                if study.name.startswith("shadow") or (ramp and study.name.startswith(("harmless", "ramp")))
            ]
            trials = _carry_out(studies, assumed, jobs=jobs, progress=progress)
            rows.append({"baseline": baseline, "correlation": correlation, **_figures(trials)})
    return rows


def _studies(assumptions: Assumptions) -> list[_Study]:
    def traffic(drop: float = 0.0) -> Population:
        return Population(baseline=assumptions.baseline, drop=drop, correlation=assumptions.correlation)

    unshadowed = RolloutPlan(shadow_pairs=0)
    harmless = partial(ramp_trial, traffic(), share=assumptions.share, horizon=HARMLESS_HORIZON, naive=True)
    return [
        _Study("harmless", harmless),
        _Study("tenants", partial(tenants_trial, traffic()), 5),
        _Study("guard", partial(guard_trial, rate=0.5)),
        _Study("whole 0pt", partial(whole_trial, traffic())),
        _Study(f"whole {_points(WORSE)}", partial(whole_trial, traffic(WORSE))),
        *(
            _Study(f"ramp {_points(d)}", partial(ramp_trial, traffic(d), share=assumptions.share))
            for d in DROPS
        ),
        *(_Study(f"shadow {_points(d)}", partial(shadow_trial, traffic(d))) for d in DROPS),
        *(_Study(f"whole {_points(d)}", partial(whole_trial, traffic(d))) for d in DROPS),
        *(
            _Study(f"unshadowed {_points(d)}", partial(whole_trial, traffic(d), plan=unshadowed))
            for d in DROPS
        ),
    ]


def _carry_out(
    studies: Sequence[_Study], assumptions: Assumptions, *, jobs: int, progress: Progress | None
) -> dict[str, tuple[Trial, ...]]:
    done: dict[str, tuple[Trial, ...]] = {}
    with ExitStack() as stack:
        # Spawned, not forked: the caller may have threads.
        workers = ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else None
        pool = stack.enter_context(workers) if workers else None
        spread = pool.map if pool else map
        for study in studies:
            runs = max(1, assumptions.runs // study.thinned)
            slices = [range(first, min(first + _SLICE, runs)) for first in range(0, runs, _SLICE)]
            if progress:
                progress(f"{study.name}: {runs} runs")
            parts = spread(partial(_trials, study, assumptions.seed), slices)
            done[study.name] = tuple(trial for part in parts for trial in part)
    return done


def _trials(study: _Study, seed: int, runs: range) -> list[Trial]:
    """Some runs of one study; every run has a seed of its own, so that it can be repeated alone."""
    import numpy as np

    name = zlib.crc32(study.name.encode())
    return [study.one(rng=np.random.default_rng([seed, name, run])) for run in runs]


def _figures(trials: Mapping[str, Sequence[Trial]]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    if "harmless" in trials:
        figures["false_rollback"] = _share(trials["harmless"], lambda trial: trial.ended is not None)
        figures["peeked_z_test"] = _share(trials["harmless"], lambda trial: trial.naive is not None)
    if "tenants" in trials:
        figures["false_rollback_tenants"] = _share(trials["tenants"], lambda trial: trial.ended is not None)
    if "guard" in trials:
        figures["error_guard_calls"] = _median(trials["guard"], HARMLESS_HORIZON)
    for drop in map(_points, DROPS):
        for study, unit, horizon in (("ramp", "requests", RAMP_HORIZON), ("shadow", "pairs", SHADOW_HORIZON)):
            found = trials.get(f"{study} {drop}")
            if found:
                figures[f"detect_{drop}_{study}_{unit}"] = _median(found, horizon)
                figures[f"detected_{drop}_{study}"] = _share(found, lambda trial: trial.ended is not None)
    if "whole 0pt" in trials:
        figures.update(_lifecycle(trials))
    return figures


def _lifecycle(trials: Mapping[str, Sequence[Trial]]) -> dict[str, float | None]:
    """What a canary comes to from shadow to promotion."""
    equal, worse = trials["whole 0pt"], trials[f"whole {_points(WORSE)}"]
    figures: dict[str, float | None] = {
        "false_rollback_lifecycle": _share(equal, lambda trial: trial.action == "roll_back"),
        "promoted_equal": _share(equal, _promoted),
        "expired_equal": _share(equal, lambda trial: trial.action == "expire"),
        "promote_equal_requests": _typical([trial.requests for trial in equal if _promoted(trial)]),
        "promoted_3pt_worse": _share(worse, _promoted),
        "exposure_3pt": _typical([trial.exposed for trial in worse]),
    }
    for drop in map(_points, DROPS):
        bad = trials[f"whole {drop}"]
        exposed = sorted(trial.exposed for trial in bad)
        figures[f"exposure_{drop}"] = _typical(exposed)
        figures[f"exposure_{drop}_mean"] = sum(exposed) / len(exposed)
        figures[f"exposure_{drop}_p95"] = float(exposed[int(0.95 * (len(exposed) - 1))])
        figures[f"caught_in_shadow_{drop}"] = _share(bad, lambda trial: trial.stage == "shadow")
        figures[f"promoted_{drop}"] = _share(bad, _promoted)
        unshadowed = [trial.exposed for trial in trials[f"unshadowed {drop}"]]
        figures[f"exposure_{drop}_without_shadow"] = _typical(unshadowed)
    return figures


def _promoted(trial: Trial) -> bool:
    last = "baking" if RolloutPlan().bake_requests else f"ramp {RolloutPlan().ramp[-1]:.4g}"
    return trial.action == "advance" and trial.stage == last


def _share(trials: Sequence[Trial], holds: Callable[[Trial], bool]) -> float:
    return sum(map(holds, trials)) / len(trials)


def _typical(numbers: Sequence[float]) -> float | None:
    return float(median(numbers)) if numbers else None


def _median(trials: Sequence[Trial], horizon: int) -> float | None:
    """Median over all trials, those that never ended included; None where it lies beyond the horizon."""
    middle = median(horizon + 1 if trial.ended is None else trial.ended for trial in trials)
    return None if middle > horizon else float(middle)


def _points(drop: float) -> str:
    return f"{100 * drop:.0f}pt"
