"""What a rollout learns from a checked answer: how the arm that answered fared, and in shadow both arms as a pair.

An answer that moved on to another lane counts against the arm that gave it. In shadow the two arms are judged alike: by
the deterministic verifiers alone, since votes are drawn for the answer that is used, and never for a shadow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from .. import PilotfishError
from ..rollout.observation import Arm, Observation
from ..router.policy import Decision, LaneName
from ..router.subtask import Subtask
from .attempt import Attempt, Verdict
from .budget import Meter
from .canary import Canary, lanes_within, observation, report, scope_of
from .checking import computed_verdict
from .escalation import next_lane
from .lane import LaneContext, try_lane
from .scope import RunScope
from .shadow import process_ends
from .verifier import unknown

logger = logging.getLogger(__name__)
_PATIENCE_S = 120.0
"""Longest that a shadow waits for its run's answer, where attempts have no limit."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An attempt that was checked, and all that it takes to carry the same request out again."""

    scope: RunScope
    subtask: Subtask
    decision: Decision
    context: LaneContext
    tried: Sequence[LaneName]
    """The lanes that had the subtask so far, this one last."""
    attempt: Attempt
    verdict: Verdict
    onward: LaneName | None
    """Where the subtask goes next."""

    @property
    def lane(self) -> LaneName:
        """The lane that made the attempt."""
        return self.tried[-1]

    @property
    def request(self) -> str:
        """What names this request, also when its run is resumed."""
        return f"{self.scope.run_id}/{self.subtask.id}/{self.lane}"


def observe(checked: Checked) -> None:
    """Tell every canary that the attempt went through, and begin the shadows that are due; none holds the run up.

    An attempt that could make no call, because the run's budget was used up before, says nothing about its arm; one
    that used it up itself is a failure. Who used it up before is not told apart: an arm that passes at great cost and
    starves the run's later subtasks shows in its cost alone.
    """
    attempt = checked.attempt
    starved = attempt.failure == "budget"
    if not attempt.arms or (starved and not attempt.calls):
        return
    context = replace(checked.context, lane=checked.lane)
    for canary in lanes_within(checked.scope.lanes[checked.lane]):
        if not isinstance(canary, Canary):
            continue
        arm = attempt.arms.get(canary.rollout.id)
        if arm is None:
            continue
        if arm == "baseline" and _is_shadowed(checked, canary, context):
            forgo = partial(canary.rollout.forgo, checked.request)
            if starved:
                forgo()  # a shadow is on nobody's budget: no fair pair comes of it
            else:
                checked.scope.services.shadows.start(_shadow(checked, canary, context), given_up=forgo)
            continue
        passed = {"pass": True, "fail": False, "unknown": None if checked.onward is None else False}
        seen = observation(
            attempt,
            arm,
            context,
            passed=passed[checked.verdict.status],
            escalated=checked.onward is not None,
        )
        report(canary.rollout, seen, key=checked.request)


def _is_shadowed(checked: Checked, canary: Canary, context: LaneContext) -> bool:
    try:
        return canary.rollout.shadows(context.unit, pair=checked.request, **scope_of(context))
    except PilotfishError:
        logger.exception("canary %s could not say whether to shadow", canary.rollout.id)
        return False


async def _shadow(checked: Checked, canary: Canary, context: LaneContext) -> None:
    """Once the run has its answer, carry the request out as the candidate would, judge both and hand the pair in."""
    scope, attempt = checked.scope, checked.attempt
    with suppress(TimeoutError):  # of a run that came to no answer
        await asyncio.wait_for(scope.answered.wait(), scope.services.timeout_s or _PATIENCE_S)
    async with scope.shadow_place:
        tried = await try_lane(checked.lane, canary.candidate, checked.subtask, _unbilled(scope, context))
    own = replace(attempt, calls=tuple(call for call in attempt.calls if call.purpose != "sample"))
    pair = (
        await _half(checked, own, "baseline", context),
        await _half(checked, tried, "candidate", context),
    )
    if process_ends():
        raise asyncio.CancelledError  # given up: what failed may be our own ending, and no fault of the candidate
    report(canary.rollout, *pair)


async def _half(checked: Checked, attempt: Attempt, arm: Arm, context: LaneContext) -> Observation:
    """One arm of a pair. Where only votes could tell, both arms are unknown."""
    verdict = await _computed(checked, attempt)
    lanes, failed = checked.scope.lanes, verdict.status == "fail"
    onward = next_lane(checked.subtask, checked.decision, verdict, checked.tried, lanes)
    return observation(
        attempt,
        arm,
        context,
        passed=None if verdict.status == "unknown" else not failed,
        escalated=failed and onward is not None,
        pair=checked.request,
    )


async def _computed(checked: Checked, attempt: Attempt) -> Verdict:
    if attempt.failure is not None:
        return Verdict(status="fail", reason=attempt.detail, checked="lane", escalation=attempt.failure)
    if attempt.samples:
        return unknown("agreement", "it came to a vote, so nothing that computes could tell")
    return await computed_verdict(checked.scope, checked.subtask, attempt)


def _unbilled(scope: RunScope, context: LaneContext) -> LaneContext:
    """The context for a shadow: the same request, on nobody's budget, under the same data classes."""
    calls = replace(context.caller.context, purpose="shadow", arm="candidate")
    caller = replace(context.caller, meter=Meter(), context=calls)
    return replace(context, caller=caller, timeout_s=scope.services.timeout_s)
