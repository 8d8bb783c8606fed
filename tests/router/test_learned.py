from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.router.exemplars import shipped_exemplars
from pilotfish.router.features import STEP
from pilotfish.router.fingerprints import fingerprint
from pilotfish.router.learned import SHIPPED, load_learned
from pilotfish.router.policy import TrainedPolicy
from pilotfish.router.reasons import reason_of
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy

CASES = [
    ("Look up the draft limit of the Panama Canal", "knowledge"),
    ("Compute the total cost of #s1 and #s2", "reasoning"),
    ("Which of #1 and #2 is larger?", "reasoning"),
    ("Given these constraints, choose the cheapest route", "reasoning"),
    ("Who was the president when the canal opened?", "knowledge"),
    ("Is 1,250 greater than 300?", "reasoning"),
    ("What is the population of Oslo?", "knowledge"),
    ("If 3x + 4 = 19, what is x?\nA. 3\nB. 5\nC. 7\nD. 9", "reasoning"),
    ("Which vitamin prevents scurvy?\nA. A\nB. B12\nC. C\nD. D", "knowledge"),
]


def test_learned_keeps_the_promises_of_a_policy() -> None:
    check_policy(load_learned())


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_learned_on_short_agent_subtasks(text: str, kind: str) -> None:
    [decision] = load_learned().decide([Subtask(id="s1", text=text)])
    assert decision.kind == kind, decision.reason
    assert decision.confidence == pytest.approx(max(decision.p_reasoning, 1 - decision.p_reasoning))


def test_lane_follows_kind_and_tool() -> None:
    reasoning, knowledge, tool = load_learned().decide(
        [
            Subtask(id="a", text="Is #1 greater than #2?"),
            Subtask(id="b", text="Who wrote the charter of the port?"),
            Subtask(id="c", text="Distance", tool="distance"),
        ]
    )
    assert (reasoning.lane, knowledge.lane, tool.lane) == ("local", "retrieval", "tool")


def test_threshold_moves_the_decision_but_not_the_probability() -> None:
    step = [Subtask(id="a", text="Is #1 greater than #2?")]
    [low] = load_learned(threshold=0.5).decide(step)
    [high] = load_learned(threshold=0.999999).decide(step)
    assert (low.kind, high.kind) == ("reasoning", "knowledge")
    assert low.p_reasoning == high.p_reasoning


@pytest.mark.parametrize("threshold", [0.0, 1.0, -2.0])
def test_a_threshold_outside_the_open_interval_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        load_learned(threshold=threshold)


def test_the_reason_names_what_spoke() -> None:
    [decision] = load_learned().decide([Subtask(id="a", text="Is #1 greater than #2?")])
    assert decision.reason.startswith("reasoning: ")
    assert len(decision.reason) > len("reasoning: ")


def test_features_of_short_questions_are_put_into_words() -> None:
    assert reason_of([STEP, STEP + "than #1"], "reasoning") == (
        "reasoning: is a short question; step wording 'than #1'"
    )


def test_the_shipped_weights_say_what_they_were_trained_on() -> None:
    policy = load_learned()
    assert isinstance(policy, TrainedPolicy)
    seen = policy.trained_on
    assert seen is not None
    assert len(seen) > 20_000
    own = {fingerprint(exemplar.text) for exemplar in shipped_exemplars()}
    assert len(own & seen) > 0.9 * len(own)


def test_weights_without_their_rows_claim_nothing(tmp_path: Path) -> None:
    alone = tmp_path / "learned.json"
    alone.write_bytes(SHIPPED.read_bytes())
    policy = load_learned(weights=str(alone))
    assert policy.trained_on is None
    alone.with_suffix(".rows").write_bytes(b"no rows")
    assert policy.decide([Subtask(id="a", text="Who was she?")]), "deciding reads no rows"
    with pytest.raises(UsageError, match="altered"):
        _ = policy.trained_on
