"""What every lane must keep, as one check to call from a test of your own lane."""

from __future__ import annotations

from collections.abc import Sequence

from ..agents.attempt import Attempt
from ..agents.budget import Budget, Meter
from ..agents.caller import Caller
from ..agents.lane import Lane, LaneContext
from ..models.calling import Calling
from ..router.subtask import Subtask
from ..tracing.call import Call, CallContext
from .promises import require

SUBTASKS: tuple[Subtask, ...] = (
    Subtask(id="s1", text="What is 2 + 2?"),
    Subtask(id="s2", text="Größe? 東京 🚢\n" * 50),
    Subtask(id="s3", text="Name a colour.", answer_schema={"type": "object"}),
)


async def check_lane(lane: Lane, subtasks: Sequence[Subtask] = SUBTASKS) -> None:
    """Raises `AssertionError` naming the first promise of the `Lane` seam that `lane` breaks.

    A lane returns an `Attempt` with an answer or a failure, never both; it raises for no subtask; every call in its
    attempt went through the context's caller; with the budget used up it makes none.
    """
    for subtask in subtasks:
        recorded: list[Call] = []
        attempt = await lane.attempt(subtask, _context(Meter(), recorded))
        _check_attempt(subtask, attempt)
        require(
            list(attempt.calls) == recorded,
            f"the attempt at {subtask.id!r} lists {len(attempt.calls)} calls, {len(recorded)} went through its caller",
        )
        spent: list[Call] = []
        await lane.attempt(subtask, _context(Meter(Budget(calls=0)), spent))
        require(not spent, f"a call was made for {subtask.id!r} with the budget used up")


def _check_attempt(subtask: Subtask, attempt: object) -> None:
    require(isinstance(attempt, Attempt), f"the attempt at {subtask.id!r} is {attempt!r}, not an Attempt")
    assert isinstance(attempt, Attempt)  # noqa: S101 - for the type checker
    answered = bool(attempt.text.strip())
    require(
        answered != (attempt.failure is not None),
        f"the attempt at {subtask.id!r} needs an answer or a failure, and not both: {attempt!r}",
    )
    require(answered or bool(attempt.detail), f"the failure at {subtask.id!r} does not say what it was")


def _context(meter: Meter, recorded: list[Call]) -> LaneContext:
    context = CallContext(data_classes=("internal",))
    caller = Caller(meter=meter, calling=Calling(record=recorded.append), context=context)
    return LaneContext(task="a task", upstream={}, caller=caller, timeout_s=30.0)
