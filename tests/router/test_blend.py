from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from pilotfish import UsageError
from pilotfish.models.calling import Calling
from pilotfish.router.blend import Blend, blended
from pilotfish.router.deciding import decide_now
from pilotfish.router.fixed import RandomPolicy, always_large, always_local
from pilotfish.router.learned import load_learned
from pilotfish.router.policy import Decision, Policy
from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy, check_run_policy


def test_it_keeps_the_promises_of_a_policy() -> None:
    check_policy(Blend(load_learned(), RulesPolicy()))


def test_the_mean_is_of_log_odds() -> None:
    assert blended([0.2, 0.8]) == pytest.approx(0.5)
    assert blended([0.9, 0.9]) == pytest.approx(0.9)
    assert 0.5 < blended([0.99, 0.2]) < 0.99
    assert blended([1.0, 0.0]) == pytest.approx(0.5), "certainty is bounded"


def test_lane_and_reason_are_those_of_the_surest_of_the_same_mind() -> None:
    [decision] = Blend(RandomPolicy(share=0.4), always_large()).decide([Subtask(id="a", text="x")])
    assert (decision.kind, decision.lane) == ("knowledge", "large")
    assert "always-large" in decision.reason
    assert decision.policy == "blend"
    assert decision.version == "1 of random 1 and always-large 1"


def test_it_was_trained_on_what_any_of_its_policies_was() -> None:
    learned = load_learned()
    assert Blend(learned, always_local()).trained_on == learned.trained_on
    assert Blend(always_local(), always_large()).trained_on is None


def test_one_policy_is_no_blend() -> None:
    with pytest.raises(UsageError, match="two or more"):
        Blend(always_local())


class Asking:
    """Decides as `rules` does, later."""

    async def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return RulesPolicy().decide(subtasks)


class Planning(RulesPolicy):
    """Must be told of the run."""

    def __init__(self) -> None:
        self.plans: list[Sequence[Subtask]] = []

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        self.plans.append(subtasks)
        return RulesPolicy()


def test_policies_that_answer_later_are_waited_for() -> None:
    asking = cast("Policy", Asking())
    step = [Subtask(id="a", text="Add 3 and 4")]
    now = Blend(load_learned(), RulesPolicy()).decide(step)
    assert decide_now(Blend(load_learned(), asking), step) == now
    check_policy(Blend(asking, asking))
    check_run_policy(Blend(asking, RulesPolicy()))


def test_a_policy_of_whole_runs_hears_of_the_run() -> None:
    planning = Planning()
    run = Blend(load_learned(), planning).for_run([Subtask(id="a", text="x")], calling=Calling(record=print))
    assert [[subtask.id for subtask in plan] for plan in planning.plans] == [["a"]]
    check_policy(run)
