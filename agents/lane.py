"""The `Lane` seam, and the context a lane is given for one attempt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Protocol, runtime_checkable

from ..retrieval.screening import screen
from ..rollout.observation import Arm
from ..router.policy import LaneName
from ..router.subtask import Subtask
from ..tracing.call import Call
from .attempt import Attempt
from .caller import Caller
from .shadow import process_ends

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The answer of a subtask that another depends on."""

    question: str
    text: str
    """The answer, or why there is none."""
    value: Any = None
    evidence: list[dict[str, Any]] = field(default_factory=list)
    answered: bool = True
    data_classes: tuple[str, ...] = ()
    """Every data class that the answer came from."""
    from_outside: bool = False
    """Whether it holds words of documents or tools, or was made from such: data, whatever it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneContext:
    """What an attempt may use besides its subtask, whose references are already filled in."""

    task: str
    """The whole task, for orientation."""
    upstream: Mapping[str, Upstream]
    """Answers of the subtasks this one depends on, by id."""
    caller: Caller
    """Its context says whose data the subtask's text is made of."""
    unit: str = ""
    """Whose run it is, for whatever is given to some and not to others: the tenant, else the run."""
    tenant: str = ""
    workflow: str = ""
    """What the agent is called."""
    kind: str = ""
    """What the subtask was decided to be heavy in."""
    lane: LaneName = "local"
    """The lane this attempt is made in."""
    arms: dict[str, Arm] = field(default_factory=dict)
    """Filled by the canaries on the way: who carries the attempt out, by rollout."""
    previous: Any = None
    """What the lane before this one said, when the subtask was escalated: its value, else its text."""
    seed: int = 0
    sample: int = 0
    """0 for the answer itself; 1 and up for further samples of it, drawn with more variety."""
    timeout_s: float | None = None


@runtime_checkable
class Lane(Protocol):
    """Carries subtasks out. An attempt that fails says so in its result; it does not raise."""

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Try once."""
        ...


def lanes_inside(lane: Lane) -> list[Lane]:
    """The lanes that a lane is made of, where it is a record of them."""
    if not is_dataclass(lane):
        return []
    values = [getattr(lane, each.name) for each in fields(lane)]
    members = [each for value in values for each in (value if isinstance(value, tuple | list) else [value])]
    return [each for each in members if isinstance(each, Lane)]


async def try_lane(name: LaneName, lane: Lane, subtask: Subtask, context: LaneContext) -> Attempt:
    """One attempt within the context's time; out of time or crashed, it is a failure with the calls it had made."""
    made: list[Call] = []
    arms: dict[str, Arm] = {}
    context = replace(context, lane=name, arms=arms, caller=context.caller.noting(made))
    limit = asyncio.timeout(context.timeout_s)
    try:
        async with limit:
            return _under(arms, await lane.attempt(subtask, context))
    except TimeoutError as error:
        out_of_time = (
            f"no answer within {context.timeout_s:g} s" if limit.expired() else f"it timed out: {error}"
        )
        return _under(arms, Attempt(lane=name, calls=tuple(made), failure="timeout", detail=out_of_time))
    except Exception as error:  # the next lane may do better
        if not process_ends():  # which takes the lane's thread pools from it
            logger.exception("the %s lane crashed on subtask %r", name, subtask.id)
        why = f"the {name} lane crashed: {type(error).__name__}: {error}"
        failed = Attempt(lane=name, calls=tuple(made), failure="model_unavailable", detail=why)
        return _under(arms, failed)


def _under(arms: Mapping[str, Arm], attempt: Attempt) -> Attempt:
    """The attempt with the arms of the canaries that it went through."""
    return replace(attempt, arms=dict(arms)) if arms else attempt


def readable(item: Upstream, *, screening: bool) -> Upstream:
    """An answer as a model reads it: with `screening`, without the sentences from outside that address a model."""
    return replace(item, text=screen(item.text).text.strip()) if screening and item.from_outside else item


def known_so_far(upstream: Mapping[str, Upstream]) -> str:
    """Upstream answers as lines for a prompt, or an empty string."""
    lines = [f"- {item.question.strip()} {item.text.strip()}" for item in upstream.values() if item.answered]
    return "\n".join(["Known:", *lines, ""]) if lines else ""
