"""A lane that has others to fall back on when its own model cannot be reached; it says who answered, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .. import UsageError
from ..router.subtask import Subtask
from .attempt import Attempt, EscalationReason
from .lane import Lane, LaneContext

UNREACHED: frozenset[EscalationReason] = frozenset({"model_unavailable", "timeout", "data_policy"})
"""Failures that say nothing of the answer another model might give."""


@dataclass(frozen=True, slots=True)
class FallbackLane:
    """Asks the lanes in order, and takes the first attempt that did not fail for one of the reasons in `on`.

    The client boundary holds every one of them to the data policy: text that may not go to a lane's model does not,
    and the next is asked; where none is left the attempt fails with `data_policy`. Each lane but the last has an equal
    share of the time that is left.
    """

    lanes: tuple[Lane, ...]
    on: frozenset[EscalationReason] = UNREACHED

    def __post_init__(self) -> None:
        if not self.lanes:
            raise UsageError("a FallbackLane needs at least one lane")

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """The first attempt that reached its model, with the calls of those before it."""
        begun = time.monotonic()
        tried: list[Attempt] = []
        for place, lane in enumerate(self.lanes):
            share = _share(context.timeout_s, begun, len(self.lanes) - place)
            attempt = await lane.attempt(subtask, replace(context, timeout_s=share))
            tried.append(attempt)
            if attempt.failure not in self.on:
                break
        return _told(self.lanes, tried)


def _share(seconds: float | None, begun: float, lanes: int) -> float | None:
    return None if seconds is None else max(0.0, seconds - (time.monotonic() - begun)) / lanes


def _told(lanes: Sequence[Lane], tried: Sequence[Attempt]) -> Attempt:
    *before, last = tried
    if not before:
        return last
    calls = tuple(call for attempt in tried for call in attempt.calls)
    missed = "; ".join(attempt.detail for attempt in before)
    if last.failure is not None:
        return replace(last, calls=calls, detail=f"{missed}; {last.detail}")
    return replace(last, calls=calls, answered_by=f"{who(lanes[len(before)], last)}, because {missed}")


def who(lane: Lane, attempt: Attempt) -> str:
    """The model behind an attempt, or the lane where no model was called."""
    return attempt.calls[-1].model_id if attempt.calls else repr(lane)
