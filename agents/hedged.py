"""A lane that asks a second one when the first is slow; whoever answers first wins, and both are paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .. import UsageError
from ..router.subtask import Subtask
from ..tracing.call import Call
from .attempt import Attempt
from .fallback import who
from .lane import Lane, LaneContext


@dataclass(frozen=True, slots=True)
class HedgedLane:
    """Starts `second` when `lane` has not answered after `after_s` seconds, or has failed before.

    The one that loses is cancelled; its calls are in the attempt, on the bill and in the ledger like the winner's.
    """

    lane: Lane
    second: Lane
    after_s: float

    def __post_init__(self) -> None:
        if self.after_s < 0:
            raise UsageError(f"HedgedLane(after_s={self.after_s!r}): give 0 or more seconds")

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """The first success, else the first lane's failure."""
        made: list[Call] = []
        context = replace(context, caller=context.caller.noting(made))
        first = asyncio.ensure_future(self.lane.attempt(subtask, context))
        running = [first]
        try:
            await asyncio.wait([first], timeout=self.after_s)
            if not _answered(first):
                running.append(asyncio.ensure_future(self.second.attempt(subtask, context)))
            winner = await _first_success(running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return self._told(winner or first, running, made)

    def _told(
        self, chosen: asyncio.Future[Attempt], running: Sequence[asyncio.Future[Attempt]], made: list[Call]
    ) -> Attempt:
        attempt = replace(chosen.result(), calls=tuple(made))
        if chosen is running[0] or attempt.failure is not None:
            return attempt
        own = who(self.second, chosen.result())
        return replace(attempt, answered_by=f"{own}, because {self._why(running[0])}")

    def _why(self, first: asyncio.Future[Attempt]) -> str:
        if first.cancelled() or _answered(first):
            return f"the first had not answered {self.after_s:g} s after it was asked"
        error = first.exception()
        return (
            first.result().detail if error is None else f"the first crashed: {type(error).__name__}: {error}"
        )


def _answered(running: asyncio.Future[Attempt]) -> bool:
    return running.done() and running.exception() is None and running.result().failure is None


async def _first_success(running: Sequence[asyncio.Future[Attempt]]) -> asyncio.Future[Attempt] | None:
    """The first to end with an answer; None where none did. A crash is raised once nobody is left to answer."""
    left = set(running)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for each in sorted(done, key=running.index):
            if _answered(each):
                return each
    for each in running:
        each.result()
    return None
