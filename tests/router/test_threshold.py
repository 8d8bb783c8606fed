from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pilotfish import Subtask, UsageError
from pilotfish.router.calibration import Calibration, read_calibration, write_calibration
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision, large_score, wants_large
from pilotfish.router.threshold import Threshold
from pilotfish.testing.policy_conformance import check_policy

CALIBRATION = Calibration(
    measure="large_score",
    threshold=0.4,
    target=0.95,
    confidence=0.9,
    share_lower=0.951,
    quality=0.8,
    quality_lower=0.7,
    reference_quality=0.82,
    large_share=0.5,
    cost=0.5,
    reference_cost=1.0,
    saving=0.5,
    cost_unit="large_calls",
    n=1000,
    labels=0,
    dropped_trained=0,
    seed=0,
    small="tiny",
    large="big",
    policy="graded",
    version="7",
    spec=None,
    table="log.csv",
    digest="0123456789abcdef",
)


class Graded:
    """The gain is the number in the subtask's text; calls a model of its own choice."""

    trained_on = frozenset({1, 2})

    def __init__(self, version: str = "7") -> None:
        self.version = version

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [
            Decision(
                kind="knowledge" if subtask.text.startswith("k") else "reasoning",
                lane="retrieval" if subtask.text.startswith("k") else "local",
                p_reasoning=0.5,
                confidence=0.5,
                reason="graded",
                policy="graded",
                version=self.version,
                large_gain=float(subtask.text[1:]),
                model="big",
                expected_quality=0.7,
                expected_cost_usd=0.1,
            )
            for subtask in subtasks
        ]


def on(*texts: str) -> list[Subtask]:
    return [Subtask(id=f"s{i}", text=text) for i, text in enumerate(texts)]


def test_the_large_lane_from_the_threshold_on_else_the_kinds_own() -> None:
    decisions = Threshold(Graded(), 0.4).decide(on("k0.4", "r0.5", "k0.3", "r-0.2"))
    assert [decision.lane for decision in decisions] == ["large", "large", "retrieval", "local"]


def test_the_score_stays_so_that_reports_and_the_lane_agree() -> None:
    decisions = Threshold(Graded(), 0.4).decide(on("k0.4", "k0.3"))
    assert [large_score(decision) for decision in decisions] == [0.4, 0.3]
    assert [wants_large(decision) for decision in decisions] == [True, False]


def test_a_policy_that_only_knows_the_kind_is_cut_by_its_odds_of_knowledge() -> None:
    policy = load_policy("threshold", policy="learned", threshold=0.5)
    fact, sum_ = policy.decide(on("Who wrote the novel Emma?", "Compute 17 * 23 + 4."))
    assert (fact.lane, sum_.lane) == ("large", "local")
    assert not wants_large(sum_)


def test_it_keeps_the_reason_and_adds_its_own_and_says_what_it_stands_around() -> None:
    (decision,) = Threshold(Graded(), 0.4).decide(on("k0.3"))
    assert decision.reason == "graded; its score 0.3 is below the threshold 0.4"
    assert (decision.policy, decision.version) == ("threshold", "1 at 0.4 around graded 7")
    assert (
        repr(Threshold(Threshold(load_policy("rules"), 0.1), 0.2))
        == f"Threshold(Threshold({load_policy('rules')!r}, 0.1), 0.2)"
    )


def test_a_tool_keeps_its_lane() -> None:
    (decision,) = Threshold(Graded(), 0.4).decide([Subtask(id="s", text="r0.9", tool="sum")])
    assert decision.lane == "tool"


def test_what_the_inner_policy_was_trained_on_stays_known() -> None:
    assert Threshold(Graded(), 0.4).trained_on == Graded.trained_on


@pytest.mark.parametrize("inner", ["learned", "rules", "random"])
def test_it_keeps_the_promises_of_a_policy(inner: str) -> None:
    check_policy(load_policy("threshold", policy=inner, threshold=0.3))


def test_with_a_calibration_it_names_the_models_and_keeps_what_still_holds() -> None:
    large, small = Threshold(Graded(), calibration=CALIBRATION).decide(on("k0.4", "k0.3"))
    assert (large.model, large.expected_quality, large.expected_cost_usd) == ("big", 0.7, 0.1)
    assert (small.model, small.expected_quality, small.expected_cost_usd) == ("tiny", None, None)


def test_a_calibration_of_another_version_is_refused_with_the_remedy() -> None:
    policy = Threshold(Graded("8"), calibration=CALIBRATION)
    with pytest.raises(UsageError, match=r"version '7', and this is 'graded' version '8'.*lab calibrate"):
        policy.decide(on("k0.3"))


def test_a_file_is_read_back_and_names_its_policy(tmp_path: Path) -> None:
    learned = load_policy("learned").decide(on("x"))[0]
    made = dataclasses.replace(CALIBRATION, policy="learned", version=learned.version, spec="learned")
    write_calibration(made, tmp_path / "c.json")
    assert read_calibration(tmp_path / "c.json") == made
    policy = load_policy("threshold", calibration=str(tmp_path / "c.json"))
    assert policy.decide(on("Who wrote Emma?"))[0].lane == "large"
    check_policy(policy)


def test_a_file_of_another_version_is_refused_as_it_is_loaded(tmp_path: Path) -> None:
    write_calibration(dataclasses.replace(CALIBRATION, policy="learned", spec="learned"), tmp_path / "c.json")
    with pytest.raises(UsageError, match="calibrate it again"):
        load_policy("threshold", calibration=str(tmp_path / "c.json"))
    with pytest.raises(UsageError, match="this is 'rules'"):
        load_policy("threshold", policy="rules", calibration=str(tmp_path / "c.json"))


def test_a_file_of_a_policy_that_is_gone_asks_for_it(tmp_path: Path) -> None:
    write_calibration(CALIBRATION, tmp_path / "c.json")
    with pytest.raises(UsageError, match="fitted in memory"):
        load_policy("threshold", calibration=str(tmp_path / "c.json"))


def test_one_of_threshold_and_calibration_is_needed() -> None:
    with pytest.raises(UsageError, match="either a threshold or a calibration"):
        load_policy("threshold")
    with pytest.raises(UsageError, match="either a threshold or a calibration"):
        Threshold(Graded(), 0.5, CALIBRATION)


def test_a_calibration_of_confidences_is_the_cascades() -> None:
    with pytest.raises(UsageError, match="use it with the policy 'cascade'"):
        Threshold(Graded(), calibration=dataclasses.replace(CALIBRATION, measure="confidence"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("not json", "not JSON"),
        ("[]", "no calibration of the form"),
        ('{"format": "pilotfish-calibration-1"}', "'measure' does not fit"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: str, match: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=match):
        read_calibration(path)
    with pytest.raises(UsageError, match="no calibration at"):
        read_calibration(tmp_path / "other.json")


def test_a_changed_field_is_named(tmp_path: Path) -> None:
    write_calibration(CALIBRATION, tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    (tmp_path / "c.json").write_text(json.dumps({**content, "threshold": "high"}))
    with pytest.raises(UsageError, match="its 'threshold' does not fit"):
        read_calibration(tmp_path / "c.json")
