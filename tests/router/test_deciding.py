from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pilotfish.router.deciding import decide_now
from pilotfish.router.fixed import always_large
from pilotfish.router.policy import Decision
from pilotfish.router.subtask import Subtask

SUBTASKS = [Subtask(id="a", text="x"), Subtask(id="b", text="y")]


class Later:
    """Answers after a turn of its event loop."""

    def decide(self, subtasks: Sequence[Subtask], /):
        async def later() -> list[Decision]:
            await asyncio.sleep(0)
            return always_large().decide(subtasks)

        return later()


def test_what_answers_at_once_and_what_answers_later_come_to_the_same() -> None:
    assert decide_now(Later(), SUBTASKS) == decide_now(always_large(), SUBTASKS)  # pyright: ignore[reportArgumentType] - decide is awaited


async def test_a_loop_that_is_running_is_no_hindrance() -> None:
    assert decide_now(Later(), SUBTASKS) == always_large().decide(SUBTASKS)  # pyright: ignore[reportArgumentType] - decide is awaited
