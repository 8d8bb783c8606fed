from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pilotfish import UnavailableError, UsageError
from pilotfish.lab.replay import replay
from pilotfish.router.llm import LlmPolicy, RoutingModel
from pilotfish.router.policy import Decision
from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.router.wrapper import Wrapper
from pilotfish.testing.chat import ScriptedChat


class Around(Wrapper):
    """What the inner policy says."""

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        return list(decisions)


def test_a_policy_without_its_model_is_not_scored_as_what_stands_in_for_it(make_table: Any) -> None:
    for named in ("llm", "threshold:policy=llm,threshold=0.5"):
        with pytest.raises(UnavailableError, match="pilotfish models pull smollm2-135m"):
            replay(make_table(60), [named, "rules"])


def test_a_budget_for_the_whole_run_is_not_handed_out_once_a_fold(make_table: Any) -> None:
    table, named = make_table(60), "budgeted:policy=rules,large_calls=4"
    with pytest.raises(UsageError, match="leave out --folds, or give --labels N"):
        replay(table, [named], folds=3)
    for labels in (None, 20):
        [row] = [row for row in replay(table, [named], labels=labels).rows if row.policy == named]
        assert row.large_share * row.n == pytest.approx(4)


def test_a_model_is_asked_once_about_a_prompt_however_many_seeds(make_table: Any) -> None:
    asked: list[str] = []

    def reply(text: str) -> str:
        asked.append(text)
        return '"reasoning"'

    llm = LlmPolicy(model=RoutingModel(ScriptedChat(reply=reply)), fallback=RulesPolicy())
    replay(make_table(60), [Around(llm)], labels=10, seeds=3)  # pyright: ignore[reportArgumentType] - decide is awaited
    assert len(asked) == 60
