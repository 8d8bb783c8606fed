from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.population import Population
from pilotfish.rollout.simulate import Assumptions, simulate
from pilotfish.rollout.trial import guard_trial, ramp_trial, shadow_trial, whole_trial


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rate(observations: list[Observation], arm: str) -> float:
    return float(np.mean([bool(o.passed) for o in observations if o.arm == arm]))


def test_the_traffic_has_the_pass_rates_it_was_given() -> None:
    requests = Population(baseline=0.8, drop=0.1, errors=0).requests(rng(), 60_000, share=0.3)
    assert rate(requests, "baseline") == pytest.approx(0.8, abs=0.01)
    assert rate(requests, "candidate") == pytest.approx(0.7, abs=0.01)
    assert np.mean([o.arm == "candidate" for o in requests]) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_pairs_have_the_rates_and_the_correlation(correlation: float) -> None:
    traffic = Population(drop=0.1, correlation=correlation, spread=0, errors=0)
    both = traffic.pairs(rng(), 60_000)
    verdicts = np.array([[o.passed for o in pair] for pair in both], float)
    assert verdicts.mean(axis=0) == pytest.approx([0.9, 0.8], abs=0.01)
    assert np.corrcoef(verdicts.T)[0, 1] == pytest.approx(correlation, abs=0.03)
    assert all(a.stratum == b.stratum and a.arm == "baseline" and b.arm == "candidate" for a, b in both)


def test_a_correlation_that_cannot_be_is_lowered() -> None:
    both = Population(drop=0.3, correlation=0.99, spread=0, errors=0).pairs(rng(), 20_000)
    assert not any(candidate.passed and not baseline.passed for baseline, candidate in both)
    assert np.mean([bool(candidate.passed) for _, candidate in both]) == pytest.approx(0.6, abs=0.02)


def test_an_extreme_baseline_stays_a_probability() -> None:
    requests = Population(baseline=0.99, drop=0.2, errors=0).requests(rng(), 40_000, share=0.5)
    assert rate(requests, "baseline") == pytest.approx(0.99, abs=0.005)
    assert rate(requests, "candidate") == pytest.approx(0.79, abs=0.01)


def test_peeking_fools_the_z_test_and_not_the_gates() -> None:
    trials = [ramp_trial(Population(), rng(seed), horizon=3_000, naive=True) for seed in range(40)]
    assert sum(trial.ended is not None for trial in trials) <= 40 * 0.05 + 4
    assert sum(trial.naive is not None for trial in trials) >= 40 * 0.15


def test_a_larger_drop_is_found_sooner_and_pairs_find_it_soonest() -> None:
    def typical(trial: Any, drop: float) -> float:
        return float(
            np.median([trial(Population(drop=drop), rng(seed)).ended or 10**6 for seed in range(25)])
        )

    assert typical(ramp_trial, 0.2) < 800 < typical(ramp_trial, 0.1) < 2_000
    assert typical(shadow_trial, 0.2) < 60 < typical(shadow_trial, 0.1) < 160


def test_a_canary_of_an_equal_candidate_ends_in_its_promotion() -> None:
    trial = whole_trial(Population(), rng())
    assert (trial.action, trial.stage) == ("advance", "baking")
    assert 0 < trial.exposed < trial.requests


def test_a_bad_candidate_is_caught_in_shadow_before_any_user_meets_it() -> None:
    trials = [whole_trial(Population(drop=0.2), rng(seed)) for seed in range(12)]
    assert {(trial.action, trial.stage, trial.exposed) for trial in trials} == {("roll_back", "shadow", 0)}


def test_every_pair_of_the_shadow_counts_as_it_does_in_a_live_canary() -> None:
    """Were a single one dropped, a shadow with a cap of just enough pairs could not fill up."""
    trial = whole_trial(Population(errors=0), rng(), plan=RolloutPlan(shadow_pairs=40, shadow_cap=40))
    assert trial.stage != "shadow"


def test_without_shadow_users_meet_it_and_few_do() -> None:
    plan = RolloutPlan(shadow_pairs=0)
    trials = [whole_trial(Population(drop=0.2), rng(seed), plan=plan) for seed in range(10)]
    assert {trial.action for trial in trials} == {"roll_back"}
    assert 10 < np.median([trial.exposed for trial in trials]) < 150


def test_a_stage_that_time_runs_out_on_ends_the_canary() -> None:
    trial = whole_trial(Population(), rng(), plan=RolloutPlan(max_hours=5))
    assert (trial.action, trial.stage) == ("expire", "ramp 0.01")


def test_a_promising_look_at_the_cap_is_not_waited_for_for_ever() -> None:
    plan = RolloutPlan(shadow_pairs=40, shadow_cap=40, max_hours=2, alpha=1e-9)
    trial = whole_trial(Population(drop=0.3), rng(), plan=plan)
    assert (trial.action, trial.stage, trial.exposed) == ("expire", "shadow", 0)


def test_a_candidate_that_errs_is_stopped_by_the_guard() -> None:
    assert np.median([guard_trial(rng(seed), rate=0.5).ended or 10**6 for seed in range(60)]) <= 5


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    one, two = (simulate(Assumptions(runs=1, seed=3), jobs=jobs) for jobs in (1, 2))
    assert one.figures == two.figures
    assert one.trials == two.trials
    assert simulate(Assumptions(runs=1, seed=4)).trials != one.trials


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"baseline": 1.0}, "baseline 1.0"),
        ({"baseline": 0.2}, "no room"),
        ({"share": 0.0}, "share 0.0"),
        ({"correlation": 1.0}, "correlation 1.0"),
        ({"runs": 0}, "runs 0"),
    ],
)
def test_assumptions_that_cannot_be_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        Assumptions(**wrong)
