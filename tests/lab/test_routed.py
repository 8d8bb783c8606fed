from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pilotfish.lab.routed import route
from pilotfish.lab.table import Pair
from pilotfish.router.fixed import always_large, always_local
from pilotfish.router.policy import Decision, LaneName
from pilotfish.router.subtask import Subtask

PAIR = Pair(small=0, large=2)


class Scripted:
    """Gives the prepared decisions, in order."""

    def __init__(self, *changes: dict[str, Any]) -> None:
        self.changes = changes

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        [plain] = always_local().decide(subtasks[:1])
        return [replace(plain, **change) for change, _ in zip(self.changes, subtasks, strict=True)]


class Awaited:
    """Decides asynchronously, on a whole run."""

    def __init__(self) -> None:
        self.planned = 0

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Any) -> Awaited:
        self.planned = len(subtasks)
        return self

    async def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return always_large().decide(subtasks)


def test_a_lane_becomes_the_small_or_the_large_model_and_a_named_model_is_taken(make_table: Any) -> None:
    table = make_table(6, models=("a", "b", "c"))
    policy = Scripted(
        {"lane": "local"},
        {"lane": "large"},
        {"lane": "retrieval"},
        {"lane": "retrieval", "large_gain": -0.2},
        {"lane": "large", "model": "b"},
        {"lane": "large", "model": "elsewhere"},
    )
    assert route(policy, table, PAIR).choice.tolist() == [0, 2, 2, 0, 1, 2]


@pytest.mark.parametrize(("change", "score"), [({"p_reasoning": 0.3}, 0.7), ({"large_gain": -0.25}, -0.25)])
def test_the_score_is_the_gain_or_else_the_odds_of_knowledge(
    make_table: Any, change: Any, score: float
) -> None:
    found = route(Scripted(change), make_table(1), Pair(small=0, large=1))
    assert found.score.tolist() == pytest.approx([score])


def test_an_asynchronous_policy_of_whole_runs_gets_the_table_as_one_run(make_table: Any) -> None:
    policy = Awaited()
    found = route(policy, make_table(7), Pair(small=0, large=1))  # pyright: ignore[reportArgumentType]
    assert policy.planned == 7
    assert found.choice.tolist() == [1] * 7


def test_decisions_are_on_the_prompts_under_the_rows_ids(make_table: Any) -> None:
    lane: LaneName = "local"
    seen: list[Subtask] = []

    class Watching(Scripted):
        def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
            seen.extend(subtasks)
            return super().decide(subtasks)

    table = make_table(2)
    route(Watching({"lane": lane}, {"lane": lane}), table, Pair(small=0, large=1))
    assert [(subtask.id, subtask.text) for subtask in seen] == list(
        zip(table.ids, table.prompts, strict=True)
    )
