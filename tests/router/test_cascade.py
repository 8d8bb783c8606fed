from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pilotfish import Subtask, UsageError
from pilotfish.router.calibration import Calibration, write_calibration
from pilotfish.router.cascade import Cascade
from pilotfish.router.fixed import always_large
from pilotfish.router.load import load_policy
from pilotfish.router.rules import RulesPolicy
from pilotfish.testing.policy_conformance import check_policy

FACT = Subtask(id="s1", text="Who wrote the novel Emma?")
SUM = Subtask(id="s2", text="Compute 17 * 23 + 4.")
TOOL = Subtask(id="s3", text="Compute the distance", tool="distance")


def calibration(version: str, *, threshold: float = 0.7) -> Calibration:
    return Calibration(
        measure="confidence",
        threshold=threshold,
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
        cost_unit="usd",
        n=1000,
        labels=0,
        dropped_trained=0,
        seed=0,
        small="tiny",
        large="big",
        policy="cascade",
        version=version,
        spec="rules",
        table="log.csv",
        digest="0123456789abcdef",
    )


def test_local_first_knowledge_to_the_retriever_tools_to_themselves() -> None:
    decisions = load_policy("cascade", min_confidence=0.7).decide([FACT, SUM, TOOL])
    assert [decision.lane for decision in decisions] == ["retrieval", "local", "tool"]
    assert [decision.min_confidence for decision in decisions] == [0.7, 0.7, None]


def test_even_what_the_inner_policy_sends_large_starts_small() -> None:
    (decision,) = Cascade(always_large(), min_confidence=0.7).decide([SUM])
    assert (decision.lane, decision.large_gain, decision.model) == ("retrieval", None, None)


def test_it_keeps_the_reason_and_adds_its_own() -> None:
    inner = RulesPolicy().decide([SUM])[0]
    (decision,) = Cascade(RulesPolicy(), min_confidence=0.7).decide([SUM])
    assert decision.reason == f"{inner.reason}; local first, large where the answer's confidence is below 0.7"
    assert (decision.policy, decision.version) == ("cascade", f"1 at 0.7 around rules {inner.version}")
    assert (
        repr(Cascade(RulesPolicy(), min_confidence=0.7)) == f"Cascade({RulesPolicy()!r}, min_confidence=0.7)"
    )


@pytest.mark.parametrize("inner", ["learned", "rules"])
def test_it_keeps_the_promises_of_a_policy(inner: str) -> None:
    check_policy(load_policy("cascade", policy=inner, min_confidence=0.7))


def test_its_threshold_comes_from_a_calibration_of_the_same_inner_version(tmp_path: Path) -> None:
    version = RulesPolicy().decide([SUM])[0].version
    write_calibration(calibration(f"rules {version}"), tmp_path / "c.json")
    policy = load_policy("cascade", calibration=str(tmp_path / "c.json"))
    assert policy.decide([SUM])[0].min_confidence == 0.7
    write_calibration(calibration("rules of old"), tmp_path / "c.json")
    with pytest.raises(UsageError, match=r"version 'rules of old', and this is .*lab calibrate"):
        load_policy("cascade", calibration=str(tmp_path / "c.json"))
    with pytest.raises(UsageError, match="this is 'cascade' version 'learned"):
        load_policy("cascade", policy="learned", calibration=str(tmp_path / "c.json"))


def test_without_a_threshold_it_says_where_one_comes_from() -> None:
    with pytest.raises(UsageError, match="lab calibrate LOG --policy cascade"):
        load_policy("cascade")
    with pytest.raises(UsageError, match="either a min_confidence or a calibration"):
        Cascade(RulesPolicy(), min_confidence=0.5, calibration=calibration("rules 1"))


def test_a_calibration_of_scores_is_the_threshold_policys() -> None:
    other = dataclasses.replace(calibration("rules 1"), measure="large_score")
    with pytest.raises(UsageError, match="use it with the policy 'threshold'"):
        Cascade(RulesPolicy(), calibration=other)


@pytest.mark.parametrize("least", [-0.1, float("nan")])
def test_what_is_no_confidence_is_refused(least: float) -> None:
    with pytest.raises(UsageError, match="is no confidence"):
        Cascade(RulesPolicy(), min_confidence=least)
