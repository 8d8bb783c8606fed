from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pilotfish.models.calling import Calling
from pilotfish.router.allotment import LargeBudget
from pilotfish.router.budgeted import Budgeted
from pilotfish.router.fixed import always_large, always_local
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision, LearningPolicy, Policy, RunPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.router.wrapper import Wrapper, decides_by_run, learner, signed
from pilotfish.testing.lanes import FakeLearner
from pilotfish.testing.policy_conformance import check_policy, check_run_policy

SUBTASK = Subtask(id="a", text="x")


class Loud(Wrapper):
    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        return [signed(found, policy="loud", version="2", reason=found.reason.upper()) for found in decisions]


class Later:
    """Answers later, and differently in a run."""

    trained_on = frozenset({7})

    def __init__(self, inner: Policy) -> None:
        self._inner = inner

    def decide(self, subtasks: Sequence[Subtask], /):
        async def later() -> list[Decision]:
            return self._inner.decide(subtasks)

        return later()

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        return Later(always_large())


def test_it_signs_what_it_makes_of_the_inner_decision() -> None:
    (decision,) = Loud(Loud(always_local())).decide([SUBTASK])
    assert decision.reason == "ALWAYS-LOCAL SENDS EVERY SUBTASK TO THE LOCAL LANE"
    assert (decision.policy, decision.version) == ("loud", "2 around loud 2 around always-local 1")
    check_policy(Loud(always_local()))


async def test_what_answers_later_is_revised_later() -> None:
    (decision,) = await Loud(Later(always_local())).decide([SUBTASK])  # type: ignore[misc]
    assert (decision.policy, decision.lane) == ("loud", "local")


async def test_a_run_is_passed_on_and_the_wrapper_stays_around_it() -> None:
    outer = Loud(Loud(Later(always_local())))
    run = outer.for_run([SUBTASK], calling=Calling(record=lambda _: None))
    (decision,) = await run.decide([SUBTASK])  # type: ignore[misc]
    assert (decision.lane, decision.version) == ("large", "2 around loud 2 around always-large 1")
    (before,) = await outer.decide([SUBTASK])  # type: ignore[misc]
    assert before.lane == "local", "the wrapper that was asked is as it was"


def test_around_a_policy_without_runs_it_is_its_own_policy_of_a_run() -> None:
    policy = Loud(always_local())
    assert policy.for_run([SUBTASK], calling=Calling(record=lambda _: None)) is policy
    check_run_policy(policy)


def test_lessons_and_training_rows_pass_through() -> None:
    inner = FakeLearner()
    (decision,) = inner.decide([SUBTASK])
    policy = Loud(Loud(inner))
    policy.learn(SUBTASK, replace(decision, lane="large"), reward=0.5)
    assert inner.lessons == [(SUBTASK, replace(decision, lane="large"), 0.5)]
    assert Loud(Later(inner)).trained_on == {7}
    assert Loud(inner).trained_on is None


@pytest.mark.parametrize(("inner", "learns"), [(always_local(), False), (FakeLearner(), True)])
def test_only_what_learns_is_a_learner(inner: Policy, learns: bool) -> None:
    policy = Loud(Loud(inner))
    assert isinstance(policy, LearningPolicy)
    assert isinstance(policy, RunPolicy)
    assert (learner(policy) is policy) == learns
    assert (learner(inner) is inner) == learns


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (always_local(), False),
        (Loud(always_local()), False),
        (Later(always_local()), True),
        (Loud(Loud(Later(always_local()))), True),
        (Loud(load_policy("llm")), False),
        (Budgeted(always_local(), budget=LargeBudget(large_calls=1)), True),
        (Loud(Budgeted(load_policy("llm"), budget=LargeBudget(large_calls=1))), True),
    ],
)
def test_only_what_looks_at_the_rest_of_the_run_decides_by_it(policy: Policy, expected: bool) -> None:
    assert decides_by_run(policy) == expected
