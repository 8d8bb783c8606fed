from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.rollout.gates import Gates, shares
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.plan import METRICS, RolloutPlan

STAGES = (
    "draft",
    "offline",
    "shadow",
    "ramp 0.01",
    "ramp 0.5",
    "baking",
    "promoted",
    "paused",
    "rolled_back",
)
PLAN = RolloutPlan(ramp=(0.1, 0.5), shadow_pairs=50, min_requests=50, bake_requests=100)


def one(arm: Any, passed: bool | None = True, **more: Any) -> Observation:
    return Observation(arm=arm, unit="u", passed=passed, **more)


def ramp(
    gates: Gates,
    count: int,
    *,
    share: float = 0.1,
    baseline: float = 0.9,
    candidate: float = 0.9,
    seed: int = 1,
    **candidates: Any,
) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < share:
            gates.add(one("candidate", rng.random() < candidate, **candidates))
        else:
            gates.add(one("baseline", rng.random() < baseline))


def pairs(gates: Gates, count: int, *, candidate: float = 0.9, seed: int = 1, **candidates: Any) -> None:
    rng = random.Random(seed)
    for number in range(count):
        gates.add(one("baseline", rng.random() < 0.9, pair=f"{seed}-{number}"))
        gates.add(one("candidate", rng.random() < candidate, pair=f"{seed}-{number}", **candidates))


# No data never advances


@given(st.sampled_from(STAGES), st.floats(0, 1e6))
def test_no_data_holds_or_expires(stage: str, hours: float) -> None:
    look = Gates(PLAN).look(stage, hours=hours)
    timed = stage.split(" ")[0] in ("offline", "shadow", "ramp", "baking")
    assert look.action == ("expire" if timed and hours >= PLAN.max_hours else "hold")
    assert look.reasons


@pytest.mark.parametrize("stage", STAGES)
def test_answers_that_nothing_could_judge_are_no_data(stage: str) -> None:
    gates = Gates(PLAN)
    gates.look(stage, hours=0)
    for number in range(2_000):
        pair = f"p{number}" if stage in ("offline", "shadow") else ""
        gates.add(one("baseline", None, pair=pair))
        gates.add(one("candidate", None, pair=pair))
    assert gates.look(stage, hours=0).action == "hold"


@pytest.mark.parametrize("arm", ["baseline", "candidate"])
@pytest.mark.parametrize("stage", ["offline", "shadow", "ramp 0.1", "baking"])
def test_one_arm_alone_proves_nothing(arm: Any, stage: str) -> None:
    gates = Gates(PLAN)
    gates.look(stage, hours=0)
    for number in range(2_000):
        gates.add(one(arm, pair=f"p{number}" if stage in ("offline", "shadow") else ""))
    assert gates.look(stage, hours=0).action == "hold"


def test_a_baseline_that_nothing_can_judge_proves_nothing_of_a_candidate_that_fails() -> None:
    gates = Gates(PLAN)
    gates.look("ramp 0.1", hours=0)
    for _ in range(2_000):
        gates.add(one("baseline", None))
        gates.add(one("candidate", False))
    look = gates.look("ramp 0.1", hours=0)
    assert look.action == "hold"
    assert "compared" in look.reasons[0]


def test_shadows_that_end_in_the_ramp_do_not_fill_its_stage() -> None:
    gates = Gates(PLAN)
    gates.look("ramp 0.1", hours=0)
    pairs(gates, 200)
    assert "so far 0" in gates.look("ramp 0.1", hours=0).reasons[0]


def test_the_baselines_requests_do_not_fill_a_stage_of_the_ramp() -> None:
    gates = Gates(PLAN)
    gates.look("ramp 0.1", hours=0)
    for _ in range(5_000):
        gates.add(one("baseline"))
    assert gates.look("ramp 0.1", hours=0).action == "hold"


def test_counts_begin_anew_in_every_stage() -> None:
    gates = Gates(PLAN)
    gates.look("ramp 0.1", hours=0)
    ramp(gates, 2_000)
    assert gates.look("ramp 0.1", hours=0).action == "advance"
    assert gates.look("ramp 0.5", hours=0).action == "hold"


def test_a_pause_starts_no_count_anew() -> None:
    gates = Gates(PLAN)
    gates.look("ramp 0.1", hours=0)
    ramp(gates, 2_000)
    assert gates.look("paused", hours=10**6).action == "hold"
    assert gates.look("ramp 0.1", hours=0).action == "advance"


def test_time_over_without_enough_expires_and_says_what_was_missing() -> None:
    gates = Gates(PLAN)
    gates.look("shadow", hours=0)
    pairs(gates, 10)
    look = gates.look("shadow", hours=PLAN.max_hours)
    assert look.action == "expire"
    assert "50 pairs" in look.reasons[0]
    assert "so far 10" in look.reasons[0]


# Going on


def test_an_equal_candidate_goes_the_whole_way() -> None:
    gates = Gates(PLAN)
    for stage, feed in (
        ("shadow", lambda: pairs(gates, 100)),
        ("ramp 0.1", lambda: ramp(gates, 1_500, seed=2)),
        ("ramp 0.5", lambda: ramp(gates, 400, share=0.5, seed=3)),
        ("baking", lambda: ramp(gates, 8_000, share=0.5, seed=4)),
    ):
        assert gates.look(stage, hours=0).action == "hold"
        feed()
        assert gates.look(stage, hours=0).action == "advance", stage


def test_promotion_wants_proof_and_not_only_counts() -> None:
    gates = Gates(PLAN)
    gates.look("baking", hours=0)
    ramp(gates, 300, share=0.5)
    look = gates.look("baking", hours=0)
    assert look.action == "hold"
    assert "less than 3 points worse" in look.reasons[0]


def test_pairs_in_shadow_are_no_proof_of_live_requests() -> None:
    for seed in range(6):
        gates = Gates(PLAN)
        gates.enter("shadow")
        pairs(gates, 50)
        for number in range(2_000):
            for arm in ("baseline", "candidate"):
                gates.add(one(arm, number % 10 > 0, pair=str(number)))
        assert gates.look("shadow", hours=0).action == "advance"
        gates.enter("baking")
        action = "hold"
        for step in range(60):
            ramp(gates, 50, share=0.5, candidate=0.86, seed=100 * seed + step)
            action = gates.look("baking", hours=0).action
            if action == "roll_back":
                break
            assert action == "hold", (seed, step)
        proof = gates.evidence()["live_pass_rate"]
        assert proof["comparisons"] < gates.evidence()["tests"][0]["comparisons"] - 2_000
        assert proof["low"] < proof["needed"]


def test_without_baking_the_last_stage_of_the_ramp_wants_the_proof() -> None:
    plan = PLAN.model_copy(update={"bake_requests": 0})
    gates = Gates(plan)
    gates.look("ramp 0.5", hours=0)
    ramp(gates, 300, share=0.5)
    assert gates.look("ramp 0.5", hours=0).action == "hold"
    ramp(gates, 8_000, share=0.5, seed=2)
    assert gates.look("ramp 0.5", hours=0).action == "advance"


def test_a_stage_that_looks_worse_is_not_left_though_nothing_is_proven() -> None:
    gates = Gates(PLAN)
    gates.look("shadow", hours=0)
    for number in range(50):
        gates.add(one("baseline", pair=str(number)))
        gates.add(one("candidate", number % 25 != 0, pair=str(number)))
    look = gates.look("shadow", hours=0)
    assert look.action == "hold"
    assert "look" in look.reasons[0]


def test_recorded_outcomes_that_look_well_go_on_however_few() -> None:
    gates = Gates(PLAN)
    gates.look("offline", hours=0)
    pairs(gates, 5, candidate=1.0)
    assert gates.look("offline", hours=0).action == "advance"


# Going back


@pytest.mark.parametrize("stage", STAGES)
def test_errors_go_back_from_every_stage_at_once(stage: str) -> None:
    gates = Gates(PLAN)
    for _ in range(3):
        gates.add(one("candidate", False, error=True))
    look = gates.look(stage, hours=0)
    assert look.action == "roll_back"
    assert "3 errors in 3 calls" in look.reasons[0]


def test_the_baselines_errors_are_not_the_candidates() -> None:
    gates = Gates(PLAN)
    for _ in range(100):
        gates.add(one("baseline", False, error=True))
    assert gates.look("ramp 0.1", hours=0).action == "hold"


@pytest.mark.parametrize("stage", ["shadow", "ramp 0.1"])
def test_a_drop_goes_back_and_is_named(stage: str) -> None:
    gates = Gates(PLAN)
    if stage == "shadow":
        pairs(gates, 400, candidate=0.6)
    else:
        ramp(gates, 4_000, candidate=0.6)
    look = gates.look(stage, hours=0)
    assert look.action == "roll_back"
    assert "pass rate" in look.reasons[0]
    assert look.evidence["tests"][0]["high"] < 0


@pytest.mark.parametrize(
    ("trait", "name"),
    [
        ({"escalated": True}, "escalation"),
        ({"truncated": True}, "truncation"),
        ({"parse_failed": True}, "parse failures"),
        ({"cost_usd": 0.2}, "cost per accepted answer"),
        ({"latency_ms": 900.0}, "latency"),
    ],
)
def test_every_metric_can_send_it_back(trait: dict[str, Any], name: str) -> None:
    gates = Gates(PLAN)
    rng = random.Random(5)
    for _ in range(3_000):
        usual = {"latency_ms": rng.uniform(100, 300), "cost_usd": 0.01}
        arm: Any = "candidate" if rng.random() < 0.1 else "baseline"
        gates.add(one(arm, rng.random() < 0.9, **(usual | trait if arm == "candidate" else usual)))
    look = gates.look("ramp 0.1", hours=0)
    assert look.action == "roll_back"
    assert any(name in reason for reason in look.reasons)


def test_a_metric_that_the_plan_leaves_out_counts_for_nothing() -> None:
    gates = Gates(PLAN.model_copy(update={"metrics": ("passed", "escalated")}))
    gates.look("ramp 0.1", hours=0)
    ramp(gates, 3_000, candidate=0.95, truncated=True)
    assert gates.look("ramp 0.1", hours=0).action == "advance"


def test_an_answer_that_was_escalated_counts_against_the_arm_that_answered_first() -> None:
    """Whatever the large model made of it in the end: the observation holds the arm's own verdict."""
    gates = Gates(PLAN)
    ramp(gates, 4_000, candidate=0.5, escalated=True)
    assert gates.look("ramp 0.1", hours=0).action == "roll_back"


def test_waiting_in_shadow_is_not_the_candidates_latency() -> None:
    gates = Gates(PLAN)
    pairs(gates, 500, latency_ms=9_000.0)
    assert gates.look("shadow", hours=0).action != "roll_back"


# Fair comparisons


def test_a_harder_mix_does_not_make_an_equal_candidate_look_worse() -> None:
    """Simpson: within each kind both arms are equal, and pooled the candidate is 30 points worse."""
    gates = Gates(PLAN)
    rng = random.Random(3)
    count = {"baseline": [0, 0], "candidate": [0, 0]}
    for number in range(20_000):
        arm: Any = "candidate" if rng.random() < 0.2 else "baseline"
        hard = rng.random() < (0.9 if arm == "candidate" else 0.1)
        passed = rng.random() < (0.55 if hard else 0.95)
        count[arm][passed] += 1
        gates.add(one(arm, passed, stratum="hard" if hard else "easy"))
        assert number % 50 or gates.look("ramp 0.2", hours=0).action != "roll_back"
    pooled = [passed / (failed + passed) for failed, passed in count.values()]
    assert pooled[0] - pooled[1] > 0.25
    assert gates.evidence()["tests"][0]["gain"] == pytest.approx(0, abs=0.03)


def test_an_easier_mix_does_not_hide_a_worse_candidate() -> None:
    gates = Gates(PLAN)
    rng = random.Random(3)
    for _ in range(12_000):
        arm: Any = "candidate" if rng.random() < 0.2 else "baseline"
        hard = rng.random() < (0.1 if arm == "candidate" else 0.9)
        rate = (0.6 if hard else 0.95) - (0.12 if arm == "candidate" else 0)
        gates.add(one(arm, rng.random() < rate, stratum="hard" if hard else "easy"))
    assert gates.look("ramp 0.2", hours=0).action == "roll_back"


def test_a_bad_hour_for_everybody_is_nobodys_fault() -> None:
    for seed in range(20):
        gates = Gates(PLAN)
        rng = random.Random(seed)
        for number in range(3_000):
            rate = 0.5 if number % 1_000 < 300 else 0.95
            gates.add(one("candidate" if rng.random() < 0.1 else "baseline", rng.random() < rate))
        assert gates.look("ramp 0.1", hours=0).action != "roll_back"


def test_half_pairs_and_repeated_ones_count_once() -> None:
    gates = Gates(PLAN)
    gates.look("shadow", hours=0)
    for _ in range(100):
        gates.add(one("baseline", pair="same"))
    gates.add(one("candidate", pair="same"))
    gates.add(one("candidate", pair="other"))
    assert gates.evidence()["pairs_in_stage"] == 1


def test_the_second_half_of_a_pair_may_come_first_and_late() -> None:
    gates = Gates(PLAN)
    gates.look("shadow", hours=0)
    for arm in ("candidate", "baseline"):
        for number in range(50):
            gates.add(one(arm, pair=str(number)))
    assert gates.evidence()["pairs_in_stage"] == 50


# The gates as an object


def test_gates_rebuilt_from_the_record_say_the_same() -> None:
    live, rebuilt = Gates(PLAN), Gates(PLAN)
    rng = random.Random(9)
    record: list[Observation | str] = ["ramp 0.1"]
    record += [one("candidate" if rng.random() < 0.1 else "baseline", rng.random() < 0.9) for _ in range(600)]
    record.insert(300, "ramp 0.5")
    stage = ""
    for entry in record:
        if isinstance(entry, str):
            stage = entry
            rebuilt.enter(entry)
        else:
            live.look(stage, hours=1)
            live.add(entry)
            rebuilt.add(entry)
    assert live.look(stage, hours=1) == rebuilt.look(stage, hours=1)
    assert live.evidence() == rebuilt.evidence()


OBSERVATIONS = st.builds(
    Observation,
    arm=st.sampled_from(["baseline", "candidate"]),
    unit=st.just("u"),
    passed=st.sampled_from([True, False, None]),
    stratum=st.sampled_from(["", "reasoning", "knowledge"]),
    pair=st.sampled_from(["", "", "a", "b", "c"]),
    error=st.booleans(),
    escalated=st.booleans(),
    truncated=st.booleans(),
    parse_failed=st.booleans(),
    latency_ms=st.floats(0, 1e9),
    cost_usd=st.floats(0, 1e6),
)


@settings(max_examples=150)
@given(st.lists(OBSERVATIONS, max_size=80), st.sampled_from(STAGES))
def test_whatever_comes_the_evidence_is_json_and_the_tests_stay_in_bounds(
    observations: list[Observation], stage: str
) -> None:
    gates = Gates(PLAN)
    for observation in observations:
        gates.add(observation)
    told = json.loads(json.dumps(gates.evidence(), allow_nan=False))
    gates.look(stage, hours=1.0)
    for test in told["tests"]:
        assert -1 <= test["low"] <= test["gain"] <= test["high"] <= 1
        assert test["e_value"] >= 0


@given(st.lists(OBSERVATIONS, max_size=60))
def test_arms_that_answer_alike_are_never_told_apart_in_pairs(observations: list[Observation]) -> None:
    gates = Gates(PLAN)
    for number, observation in enumerate(observations):
        same = replace(observation, pair=str(number), error=False)
        gates.add(replace(same, arm="baseline"))
        gates.add(replace(same, arm="candidate"))
    assert gates.look("shadow", hours=0).action != "roll_back"


@given(st.permutations(METRICS[1:]), st.integers(0, 5))
def test_alpha_is_split_and_not_multiplied(others: list[Any], kept: int) -> None:
    parts = shares(RolloutPlan(metrics=("passed", *others[:kept])))
    assert sum(parts.values()) == pytest.approx(1)
    assert parts[0] >= 0.5
