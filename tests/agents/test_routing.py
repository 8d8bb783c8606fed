from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from pilotfish.agents.attempt import Attempt
from pilotfish.agents.plan import Plan
from pilotfish.agents.run_graph import run_graph
from pilotfish.agents.scope import LANE_SLOTS, open_scope
from pilotfish.agents.verifier import as_verifier
from pilotfish.models.calling import Calling
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision, Policy, large_score
from pilotfish.router.subtask import Subtask
from pilotfish.router.wrapper import Wrapper, learner
from pilotfish.testing.lanes import FakeLane, FakeLearner, FakePolicy
from pilotfish.testing.services import fake_services, run_plan
from pilotfish.tracing.call import Call

CALL = Call(
    model_id="router",
    model_digest="d",
    prompt_name="p",
    prompt_version="1",
    input_tokens=7,
    output_tokens=3,
    cost_usd=0.25,
    latency_ms=1.0,
    finish_reason="stop",
)


class Planwise:
    """Looks at the whole plan, with a call, and says so in every reason."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, str]]] = []

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        self.asked.append([(subtask.id, subtask.text) for subtask in subtasks])
        calling.record(CALL)
        return Marked(FakePolicy(), f"one of {len(subtasks)}, asked {len(self.asked)}")

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        raise AssertionError("a run must be decided by the policy of the run")


class Marked(Wrapper):
    def __init__(self, inner: Policy, mark: str) -> None:
        super().__init__(inner)
        self.mark = mark

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        return [dataclasses.replace(decision, reason=self.mark) for decision in decisions]


PLAN = Plan(
    [Subtask(id="a", text="first"), Subtask(id="b", text="after #a", depends_on=("a",))],
)
ECHO = FakeLane("local", lambda subtask, _context: subtask.text)


async def test_a_policy_of_whole_runs_is_asked_once_with_the_plan_as_it_was_made(tmp_path: Path) -> None:
    policy = Planwise()
    state = await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=policy), PLAN)
    assert policy.asked == [[("a", "first"), ("b", "after #a")]]
    assert [row["decision"]["reason"] for row in state["results"]] == ["one of 2, asked 1"] * 2


async def test_its_calls_count_on_the_run_and_are_kept_in_the_ledger(tmp_path: Path) -> None:
    services = fake_services(tmp_path, {"local": ECHO}, policy=Planwise())
    await run_plan(services, PLAN, run_id="r")
    (record,) = services.ledger.records("r", "call")
    assert (record.body["model_id"], record.subtask_id) == ("router", None)
    spend = open_scope(services, "r", "t", lambda _event: None).meter.spend
    assert (spend.calls, spend.input_tokens, spend.cost_usd) == (1, 7, 0.25)


async def test_the_calls_are_seen_by_the_budget_of_the_same_run(tmp_path: Path) -> None:
    services = fake_services(tmp_path, {"local": ECHO}, policy=Planwise())
    services.ledger.append("r", "run", {"task": "t"})
    scope = open_scope(services, "r", "t", lambda _event: None)
    services.ledger.append("r", "plan", PLAN.to_json())
    await run_graph(services).ainvoke({"task": "t", "run_id": "r"}, context=scope)
    assert scope.meter.spend.calls == 1


async def test_a_resumed_run_keeps_the_decisions_it_made(tmp_path: Path) -> None:
    def crash_at_b(subtask: Subtask, _context: object) -> Attempt:
        failed = subtask.id == "b"
        return Attempt(
            lane="local", text="" if failed else "fine", failure="model_unavailable" if failed else None
        )

    await run_plan(
        fake_services(tmp_path, {"local": FakeLane("local", crash_at_b)}, policy=Planwise()), PLAN, run_id="r"
    )
    other = Planwise()
    other.asked = [[], [], []]
    state = await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=other), PLAN, run_id="r")
    assert [row["status"] for row in state["results"]] == ["accepted", "accepted"]
    assert {row["decision"]["reason"] for row in state["results"]} == {"one of 2, asked 1"}


async def test_a_wrapped_policy_of_whole_runs_is_asked_too(tmp_path: Path) -> None:
    policy = Planwise()
    state = await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=Marked(policy, "wrapped")), PLAN)
    assert len(policy.asked) == 1
    assert {row["decision"]["reason"] for row in state["results"]} == {"wrapped"}


@pytest.mark.parametrize(
    ("verdict", "reward"), [(True, {"a": 1.0, "b": 1.0}), (None, {"a": 0.5, "b": 0.5}), (False, {"a": 0.0})]
)
async def test_a_learner_hears_what_its_lane_was_worth(
    tmp_path: Path, verdict: bool | None, reward: dict[str, float]
) -> None:
    policy = FakeLearner()
    checks = () if verdict is None else (as_verifier("test", lambda _s, _a: verdict),)
    services = fake_services(tmp_path, {"local": ECHO}, policy=policy, standard=checks)
    await run_plan(dataclasses.replace(services, votes=1), PLAN)
    assert dict(policy.rewards()) == reward


async def test_an_answer_that_another_lane_had_to_give_is_worth_nothing(tmp_path: Path) -> None:
    policy = FakeLearner()
    lanes = {"local": ECHO, "large": FakeLane("large", lambda _s, _c: "right")}
    right = as_verifier("right", lambda _subtask, attempt: attempt.text == "right")
    state = await run_plan(fake_services(tmp_path, lanes, policy=policy, standard=(right,)), PLAN)
    assert {row["lane"] for row in state["results"]} == {"large"}
    assert dict(policy.rewards()) == {"a": 0.0, "b": 0.0}


async def test_a_decision_that_was_not_followed_teaches_nothing(tmp_path: Path) -> None:
    policy = FakeLearner()
    lanes = {"local": ECHO, "large": FakeLane("large", lambda _s, _c: "x")}
    await run_plan(
        fake_services(tmp_path, lanes, policy=policy), Plan([Subtask(id="a", text="x", lane="large")])
    )
    assert dict(policy.rewards()) == {}


async def test_a_resumed_run_teaches_no_finished_subtask_again(tmp_path: Path) -> None:
    first, second = FakeLearner(), FakeLearner()

    def out_of_reach(subtask: Subtask, _context: object) -> Attempt | str:
        return (
            Attempt(lane="local", failure="model_unavailable", detail="down") if subtask.id == "b" else "fine"
        )

    await run_plan(
        fake_services(tmp_path, {"local": FakeLane("local", out_of_reach)}, policy=first), PLAN, run_id="r"
    )
    assert first.rewards() == [("a", 1.0)], "a model out of reach says nothing of the decision"
    await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=second), PLAN, run_id="r")
    assert second.rewards() == [("b", 1.0)]


async def test_a_wrapper_passes_lessons_on_where_what_it_wraps_learns(tmp_path: Path) -> None:
    assert learner(Marked(FakePolicy(), "m")) is None
    taught = FakeLearner()
    policy = Marked(Marked(taught, "m"), "n")
    assert learner(policy) is policy
    await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=policy), PLAN)
    assert taught.rewards() == [("a", 1.0), ("b", 1.0)]


async def test_a_bandit_learns_from_the_verdicts_of_run_after_run(tmp_path: Path) -> None:
    """The small model can sail, not fly; what it gets wrong is escalated, and worth nothing."""

    def small(subtask: Subtask, _context: object) -> str:
        return "right" if "ship" in subtask.text else "wrong"

    def bandit() -> Policy:
        return load_policy("bandit", policy="rules", state=str(tmp_path / "bandit.npz"), exploration=0.5)

    lanes = {"local": FakeLane("local", small), "large": FakeLane("large", lambda _s, _c: "right")}
    right = as_verifier("right", lambda _subtask, attempt: attempt.text == "right")
    services = fake_services(tmp_path, lanes, policy=bandit(), standard=(right,))
    for number in range(24):
        text = "sail the ship" if number % 2 else "fly the plane"
        state = await run_plan(services, Plan([Subtask(id=f"s{number}", text=text)]))
        assert [row["status"] for row in state["results"]] == ["accepted"]
    ship, plane = bandit().decide(
        [Subtask(id=text, text=text) for text in ("sail the ship", "fly the plane")]
    )
    assert "24 lessons" in ship.reason, "the state outlives the agent"
    assert large_score(plane) - large_score(ship) > 0.1


async def test_a_lesson_that_waits_holds_up_no_other_subtask_and_none_is_given_at_the_same_time(
    tmp_path: Path,
) -> None:
    under_way: list[str] = []
    overlaps: list[str] = []
    last_is_carried_out = threading.Event()

    class Slow(FakeLearner):
        def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
            under_way.append(subtask.id)
            overlaps.extend(under_way[1:])
            assert last_is_carried_out.wait(30), "the loop stood still"
            super().learn(subtask, decision, reward=reward)
            under_way.remove(subtask.id)

    def answer(subtask: Subtask, _context: object) -> str:
        if subtask.id == "s2":
            last_is_carried_out.set()
        return "fine"

    policy = Slow()
    services = fake_services(tmp_path, {"local": FakeLane("local", answer)}, policy=policy)
    plan = Plan([Subtask(id=f"s{number}", text="x") for number in range(3)])
    await run_plan(dataclasses.replace(services, slots={**LANE_SLOTS, "local": 1}), plan)
    assert sorted(policy.rewards()) == [("s0", 1.0), ("s1", 1.0), ("s2", 1.0)]
    assert overlaps == []


async def test_a_lesson_that_fails_leaves_the_answer_standing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(FakePolicy):
        def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
            raise OSError("the disk is full")

    state = await run_plan(fake_services(tmp_path, {"local": ECHO}, policy=Full()), PLAN)
    assert [row["answer"] for row in state["results"]] == ["first", "after first"]
    assert "could not learn from subtask 'a'" in caplog.text
