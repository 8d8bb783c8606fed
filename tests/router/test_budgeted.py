from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.models.calling import Calling
from pilotfish.router.allotment import CallEstimate, LargeBudget
from pilotfish.router.budgeted import Budgeted, make_budgeted
from pilotfish.router.fixed import RandomPolicy
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision, Policy, large_score, wants_large
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_run_policy


class Gains:
    """Gains by subtask id; everything local."""

    def __init__(self, gains: dict[str, float | None]) -> None:
        self.gains = gains
        self.asked = 0

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        self.asked += 1
        return [self._one(subtask) for subtask in subtasks]

    def _one(self, subtask: Subtask) -> Decision:
        return Decision(
            kind="reasoning",
            lane="tool" if subtask.tool else "local",
            p_reasoning=0.9,
            confidence=0.9,
            reason="by the test",
            policy="gains",
            version="7",
            large_gain=self.gains.get(subtask.id, 0.0),
        )


class Slow(Gains):
    """The same, later, and only for a run."""

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        return self

    def decide(self, subtasks: Sequence[Subtask], /):
        async def later() -> list[Decision]:
            await asyncio.sleep(0)
            return Gains.decide(self, subtasks)

        return later()


def steps(*names: str) -> list[Subtask]:
    return [Subtask(id=name, text=f"step {name}") for name in names]


def lanes(decisions: Sequence[Decision]) -> list[str]:
    return [decision.lane for decision in decisions]


GAINS: dict[str, float | None] = {"a": 0.1, "b": 0.31, "c": -0.2, "d": 0.2, "e": 0.3}


def test_calls_go_where_they_gain_most_and_the_reason_says_so() -> None:
    decisions = Budgeted(Gains(GAINS), budget=LargeBudget(large_calls=2)).decide(steps(*"abcde"))
    assert lanes(decisions) == ["local", "large", "local", "local", "large"]
    assert decisions[1].reason == "allotted 1 of 2 large calls; gain 0.31 ranks 1st of 5; by the test"
    assert decisions[4].reason.startswith("allotted 2 of 2 large calls; gain 0.30 ranks 2nd of 5")
    assert decisions[3].reason.startswith(
        "no large call: gain 0.20 ranks 3rd of 5, and with those allotted it would take more than 2 large calls"
    )
    assert decisions[2].reason.startswith("no large call: gain -0.20 ranks 5th of 5 and is not above 0")
    assert (decisions[0].policy, decisions[0].version) == ("budgeted", "1 around gains 7")


def test_a_large_budget_buys_nothing_that_loses() -> None:
    decisions = Budgeted(Gains(GAINS), budget=LargeBudget(large_calls=99)).decide(steps(*"abcde"))
    assert lanes(decisions) == ["large", "large", "local", "large", "large"]


def test_dollars_buy_two_short_calls_rather_than_one_long() -> None:
    plan = [
        Subtask(id="long", text="x" * 40_000),
        Subtask(id="s1", text="short"),
        Subtask(id="s2", text="short"),
    ]
    policy = make_budgeted(
        Gains({"long": 0.5, "s1": 0.4, "s2": 0.4}),
        budget=LargeBudget(usd=0.011),
        price_in=1.0,
        price_out=2.0,
    )
    decisions = policy.decide(plan)
    assert lanes(decisions) == ["local", "large", "large"]
    assert "allotted 1 of 2 large calls ($0.00095); gain 0.40 ranks 2nd of 3" in decisions[1].reason


def test_a_run_is_allotted_on_its_plan_and_answers_by_id() -> None:
    inner = Gains(GAINS)
    policy = Budgeted(inner, budget=LargeBudget(large_calls=1)).for_run(
        steps(*"abcde"), calling=Calling(record=lambda _: None)
    )
    filled = [Subtask(id="b", text="now with its references filled in")]
    assert lanes(policy.decide(filled)) == ["large"]
    assert lanes(policy.decide(steps("e"))) == ["local"]
    assert inner.asked == 1
    with pytest.raises(UsageError, match="'z' is not in the plan"):
        policy.decide(steps("z"))


async def test_an_inner_policy_that_answers_later_is_asked_once_for_all() -> None:
    inner = Slow(GAINS)
    policy = Budgeted(inner, budget=LargeBudget(large_calls=1)).for_run(
        steps(*"abcde"), calling=Calling(record=lambda _: None)
    )

    async def ask(name: str) -> list[Decision]:
        return await policy.decide(steps(name))  # type: ignore[misc]

    found = await asyncio.gather(*(ask(name) for name in "abcde"))
    assert [decisions[0].lane for decisions in found] == ["local", "large", "local", "local", "local"]
    assert inner.asked == 1


async def test_a_cancelled_question_leaves_the_others_theirs() -> None:
    policy = Budgeted(Slow(GAINS), budget=LargeBudget(large_calls=1)).for_run(
        steps(*"ab"), calling=Calling(record=lambda _: None)
    )

    async def ask(name: str) -> list[Decision]:
        return await policy.decide(steps(name))  # type: ignore[misc]

    first, second = asyncio.create_task(ask("a")), asyncio.create_task(ask("b"))
    await asyncio.sleep(0)
    first.cancel()
    assert lanes(await second) == ["large"]


def test_tools_and_lanes_the_workflow_names_are_left_alone() -> None:
    plan = [
        Subtask(id="b", text="x", tool="distance"),
        Subtask(id="e", text="x", lane="large"),
        Subtask(id="d", text="x", lane="local"),
        Subtask(id="a", text="x"),
    ]
    decisions = Budgeted(Gains(GAINS), budget=LargeBudget(large_calls=1)).decide(plan)
    assert decisions[0].lane == "tool"
    assert "set aside" in decisions[1].reason
    assert "would take more than 1 large call;" in decisions[3].reason, (
        "the insisted call has taken the budget"
    )


def test_knowledge_without_a_call_is_not_taken_for_one_in_a_replay() -> None:
    plan = steps(*(f"s{i}" for i in range(40)))
    decisions = Budgeted(RandomPolicy(share=0.2), budget=LargeBudget(large_calls=5)).decide(plan)
    assert sum(wants_large(decision) for decision in decisions) == 5
    assert all(0.0 <= large_score(decision) <= 1.0 for decision in decisions)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.integers(0, 9), st.randoms())
def test_the_order_of_a_plan_changes_nothing(gains: list[float], calls: int, random) -> None:
    plan = steps(*(f"s{i}" for i in range(len(gains))))
    inner = Gains({f"s{i}": round(gain, 1) for i, gain in enumerate(gains)})
    policy = Budgeted(inner, budget=LargeBudget(large_calls=calls))
    there = {s.id: d for s, d in zip(plan, policy.decide(plan), strict=True)}
    assert sum(decision.lane == "large" for decision in there.values()) == min(
        calls, sum(round(gain, 1) > 0 for gain in gains)
    )
    random.shuffle(plan)
    assert {s.id: d for s, d in zip(plan, policy.decide(plan), strict=True)} == there


def test_it_keeps_what_policies_of_whole_runs_promise() -> None:
    check_run_policy(load_policy("budgeted", large_calls=2))
    check_run_policy(load_policy("budgeted", policy="random:seed=3;share=0.2", tokens=1200))


def test_options_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(UsageError, match="give usd, tokens, seconds or large_calls"):
        load_policy("budgeted")
    with pytest.raises(UsageError, match="prices, which are not known"):
        load_policy("budgeted", usd=0.1)
    with pytest.raises(UsageError, match="prices, which are not known"):
        Budgeted(Gains({}), budget=LargeBudget(usd=1.0), estimate=CallEstimate())
    assert load_policy("budgeted", usd=0.1, large="smollm2-135m")
    assert "usd=0.1" in repr(load_policy("budgeted", usd=0.1, price_in=1.0, price_out=2.0))
