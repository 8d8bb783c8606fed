"""The canary: two lanes behind one, of which each request gets the one that a rollout assigns it to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from .. import PilotfishError, UsageError
from ..rollout.observation import Arm, Observation
from ..router.subtask import Subtask
from .attempt import Attempt
from .data_gate import lane_refusal
from .lane import Lane, LaneContext, lanes_inside, try_lane

logger = logging.getLogger(__name__)


class Assigning(Protocol):
    """What a canary needs of a `rollout.rollout.Rollout`."""

    @property
    def id(self) -> str:
        """The rollout's id."""
        ...

    def assign(self, unit: str, *, workflow: str, kind: str, tenant: str) -> Arm | None:
        """Whose turn it is; None where the request takes no part, as after a rollback."""
        ...

    def shadows(self, unit: str, *, workflow: str, kind: str, tenant: str, pair: str) -> bool:
        """Whether the candidate is to carry the request `pair` out as well, answering nobody."""
        ...

    def forgo(self, pair: str, /) -> object:
        """Take back the shadow granted for `pair`, which came to nothing."""
        ...

    def observe(self, observation: Observation, /, *, key: str = "") -> object:
        """Take what became of a request, once for each key."""
        ...


@runtime_checkable
class Prompting(Protocol):
    """A lane that says which prompt it would send."""

    def prompt_name(self, subtask: Subtask, /) -> str:
        """The prompt that asks for this subtask's answer."""
        ...


@dataclass(frozen=True, slots=True)
class Canary:
    """A lane that gives some units the candidate and all others the stable lane, as a rollout says; it nests.

    What became of a request is observed after its answer was verified, by `agents.observing`. Where the candidate
    crashes, cannot be reached or may not have the text, that is observed at once and the stable lane answers. Raises
    `UsageError` for a lane that calls tools: what a tool does would be done twice in shadow.
    """

    stable: Lane
    candidate: Lane
    rollout: Assigning
    prompts: frozenset[str] = frozenset()
    """The prompts in which the arms differ, by the names that `Prompting.prompt_name` gives, whatever file stands in.

    A subtask asked by another takes no part. Empty: all take part.
    """

    def __post_init__(self) -> None:
        for arm in (self.stable, self.candidate):
            if any(_calls_tools(lane) for lane in lanes_within(arm)):
                raise UsageError(
                    f"{arm!r} calls tools, whose effects a shadow would repeat: put a canary around a lane that only "
                    "asks a model"
                )

    def __repr__(self) -> str:
        return f"Canary({self.stable!r}, candidate={self.candidate!r}, rollout={self.rollout.id!r})"

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """The attempt of the arm that the context's unit is in, with the arm on every call."""
        arm = self.arm_of(subtask, context)
        if arm is None:
            return await self.stable.attempt(subtask, context)
        context.arms[self.rollout.id] = arm
        if arm == "baseline":
            return await self.stable.attempt(subtask, under(arm, context))
        tried = await try_lane(context.lane, self.candidate, subtask, under(arm, context))
        context.arms.update(tried.arms)
        if tried.failure not in ("model_unavailable", "data_policy"):
            return tried
        for rollout in (self.rollout.id, *tried.arms):  # what answers in its stead is not counted for it
            context.arms.pop(rollout, None)
        self._broke(tried, context)
        answered = await self.stable.attempt(subtask, context)
        return replace(answered, calls=(*tried.calls, *answered.calls))

    def arm_of(self, subtask: Subtask, context: LaneContext) -> Arm | None:
        """Whose turn it is; None where this request takes no part."""
        if self.prompts and self.prompt_name(subtask) not in self.prompts:
            return None
        if lane_refusal(self.candidate, subtask, context.caller.calling.data_policy) is not None:
            return None  # what the candidate may not see tells nothing about it
        try:
            return self.rollout.assign(context.unit, **scope_of(context))
        except PilotfishError:  # such as a ledger that is locked: the request is the stable lane's
            logger.exception("canary %s could not say whose turn it is", self.rollout.id)
            return None

    def _broke(self, tried: Attempt, context: LaneContext) -> None:
        logger.warning("canary %s: the candidate did not answer: %s", self.rollout.id, tried.detail)
        if context.sample == 0:  # a vote asks for more samples: one request that fails is one error
            report(self.rollout, observation(tried, "candidate", context, passed=False))

    def prompt_name(self, subtask: Subtask, /) -> str:
        """The stable lane's; empty where it does not say."""
        return self.stable.prompt_name(subtask) if isinstance(self.stable, Prompting) else ""


def scope_of(context: LaneContext) -> dict[str, str]:
    """What a plan of a canary chooses requests by."""
    return {"workflow": context.workflow, "kind": context.kind, "tenant": context.tenant}


def under(arm: Arm, context: LaneContext) -> LaneContext:
    """The context with the arm on every call; within a candidate everything is the candidate's."""
    calls = context.caller.context
    kept: Arm = "candidate" if calls.arm == "candidate" else arm
    return replace(context, caller=replace(context.caller, context=replace(calls, arm=kept)))


def observation(
    attempt: Attempt,
    arm: Arm,
    context: LaneContext,
    *,
    passed: bool | None,
    escalated: bool = False,
    pair: str = "",
) -> Observation:
    """What an arm's attempt came to; its cost and its time are those of all its calls."""
    return Observation(
        arm=arm,
        unit=context.unit,
        passed=passed,
        stratum=context.kind,
        pair=pair,
        error=_broken(attempt),
        escalated=escalated,
        truncated=attempt.failure == "truncated",
        parse_failed=attempt.failure == "parse_error",
        latency_ms=sum(call.latency_ms for call in attempt.calls),
        cost_usd=sum(call.cost_usd for call in attempt.calls),
    )


def _broken(attempt: Attempt) -> bool:
    """Whether the model asked could not answer, be it that another did in its stead."""
    unreached = ("timeout", "model_unavailable")
    stood_in = bool(attempt.answered_by) and any(call.failure in unreached for call in attempt.calls)
    return attempt.failure in unreached or stood_in


def report(rollout: Assigning, *observations: Observation, key: str = "") -> None:
    """Hand observations in. A rollout that cannot take them is no reason for a run to fail."""
    try:
        for each in observations:
            rollout.observe(each, key=key)
    except PilotfishError:
        logger.exception("canary %s did not take an observation", rollout.id)


def lanes_within(lane: Lane) -> Iterator[Lane]:
    """The lane and every lane that it wraps, outermost first."""
    yield lane
    for inner in lanes_inside(lane):
        yield from lanes_within(inner)


def _calls_tools(lane: Lane) -> bool:
    return bool(getattr(lane, "tools", None))
