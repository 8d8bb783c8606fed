"""The least confidence that a decision may ask of the small model's own answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pilotfish import Subtask
from pilotfish.agents.attempt import Attempt
from pilotfish.agents.lane import LaneContext
from pilotfish.agents.plan import Plan
from pilotfish.agents.verifier import Verifier, as_verifier
from pilotfish.router.policy import Decision, Kind
from pilotfish.testing.lanes import FakeLane, FakePolicy
from pilotfish.testing.services import fake_services, run_plan


class Sure(FakePolicy):
    """The fake policy, asking for a confidence of two thirds."""

    least: float = 0.66

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [
            dataclasses.replace(found, min_confidence=self.least)
            for found in FakePolicy.decide(self, subtasks)
        ]


def samples(*answers: str) -> FakeLane:
    return FakeLane("local", lambda _subtask, context: answers[context.sample])


def large(_subtask: Subtask, _context: LaneContext) -> str:
    return "from the large model"


async def run(
    home: Path,
    local: FakeLane,
    *,
    standard: tuple[Verifier, ...] = (),
    votes: int = 5,
    kind: Kind = "reasoning",
) -> dict[str, Any]:
    lanes = {"local": local, "large": FakeLane("large", large)}
    services = fake_services(home, lanes, policy=Sure(default=kind), standard=standard)
    services = dataclasses.replace(services, votes=votes)
    subtask = Subtask(id="s1", text="What is 2 + 2?", lane="local" if kind == "knowledge" else None)
    return (await run_plan(services, Plan([subtask])))["results"][0]


async def test_too_little_confidence_escalates_with_both_numbers(tmp_path: Path) -> None:
    row = await run(tmp_path, samples("4", "5", "4", "6", "4"))
    assert (row["answer"], row["lane"]) == ("from the large model", "large")
    (step,) = row["escalations"]
    assert step["reason"] == "low_confidence"
    assert step["detail"] == "its confidence 0.600 is below the 0.660 that the policy asks for"


async def test_enough_confidence_passes_though_it_is_less_than_agreement_asks_for(tmp_path: Path) -> None:
    """Three of four is below the agreement's own 0.8: the calibrated figure counts instead."""
    row = await run(tmp_path, samples("4", "5", "4", "4"), votes=4)
    assert (row["answer"], row["lane"], row["status"]) == ("4", "local", "accepted")
    assert row["verdict"]["reason"] == "its confidence 0.750 reaches the 0.660 that the policy asks for"


async def test_a_lanes_own_measure_needs_no_further_samples(tmp_path: Path) -> None:
    drawn: list[int] = []

    def answer(_subtask: Subtask, context: LaneContext) -> Attempt:
        drawn.append(context.sample)
        return Attempt(lane="local", text="4", confidence=0.9)

    row = await run(tmp_path, FakeLane("local", answer))
    assert (row["lane"], row["status"], drawn) == ("local", "accepted", [0])


async def test_a_check_that_computes_something_ranks_before_the_confidence(tmp_path: Path) -> None:
    passes = as_verifier("passes", lambda _subtask, _attempt: True)
    row = await run(tmp_path, samples("4", "5", "6", "7", "8"), standard=(passes,))
    assert (row["lane"], row["status"]) == ("local", "accepted")
    fails = as_verifier("fails", lambda _subtask, attempt: attempt.lane != "local")
    row = await run(tmp_path / "other", samples(*"44444"), standard=(fails,))
    assert [step["reason"] for step in row["escalations"]] == ["verifier_failed"]


async def test_without_votes_nothing_is_sure_enough(tmp_path: Path) -> None:
    row = await run(tmp_path, samples("4"), votes=1)
    assert [step["reason"] for step in row["escalations"]] == ["low_confidence"]
    assert "nothing measured its confidence" in row["escalations"][0]["detail"]


async def test_recall_without_a_source_stays_unknown_however_sure(tmp_path: Path) -> None:
    row = await run(tmp_path, samples(*"44444"), kind="knowledge")
    assert [step["detail"] for step in row["escalations"]] == [
        "a small model's recall, with no source consulted"
    ]


async def test_a_policy_that_asks_for_none_leaves_it_to_the_agreement(tmp_path: Path) -> None:
    lanes = {"local": samples("4", "5", "4", "6", "4"), "large": FakeLane("large", large)}
    state = await run_plan(fake_services(tmp_path, lanes, standard=()), Plan([Subtask(id="s1", text="x")]))
    assert [step["reason"] for step in state["results"][0]["escalations"]] == ["low_agreement"]
