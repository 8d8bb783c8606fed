"""Where a subtask starts and where it goes when its answer does not pass: local → tool or retrieval → large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from .. import UsageError
from ..router.policy import Decision, LaneName
from ..router.subtask import Subtask
from .attempt import Attempt, EscalationReason, Verdict
from .lane import Lane
from .tool_lane import ToolLane

_ONWARD: Mapping[LaneName, tuple[LaneName, ...]] = {
    "local": ("tool", "retrieval", "large"),
    "tool": ("large",),
    "retrieval": ("large",),
    "large": (),
}
INSTEAD: Mapping[LaneName, tuple[LaneName, ...]] = {
    "retrieval": ("large", "local"),
    "large": ("retrieval", "local"),
    "local": ("large", "retrieval"),
    "tool": (),
}
"""Lanes that stand in for an absent or forbidden one at the start, best first."""


def first_lane(subtask: Subtask, decision: Decision, lanes: Mapping[LaneName, Lane]) -> LaneName:
    """The lane the workflow insists on, else the tool's, else the decision's; an absent one is stood in for.

    `lanes` are those that may be given the subtask.
    """
    if subtask.lane is not None and subtask.lane not in _ONWARD:
        raise UsageError(
            f"subtask {subtask.id!r} names the lane {subtask.lane!r}; there are: {', '.join(_ONWARD)}"
        )
    wanted = cast("LaneName", subtask.lane or ("tool" if subtask.tool else decision.lane))
    for lane in (wanted, *INSTEAD[wanted]):
        if lane in lanes:
            return lane
    raise UsageError(
        f"subtask {subtask.id!r} needs the lane {wanted!r}, and the agent has only: {', '.join(lanes)}"
    )


def next_lane(
    subtask: Subtask,
    decision: Decision,
    verdict: Verdict,
    tried: Sequence[LaneName],
    lanes: Mapping[LaneName, Lane],
) -> LaneName | None:
    """The lane to escalate to, or None when the answer passed or none of `lanes` is left that could do better."""
    if verdict.status == "pass":
        return None
    for lane in _ONWARD[tried[-1]]:
        if lane in tried or lane not in lanes:
            continue
        if lane == "tool" and not _computes(lanes[lane], subtask):
            continue
        if lane == "retrieval" and not (decision.kind == "knowledge" and subtask.answer_schema is None):
            continue
        return lane
    return None


def reason_of(attempt: Attempt, verdict: Verdict) -> EscalationReason:
    """Why the subtask moves on: the attempt's own failure, else what the verdict says."""
    return attempt.failure or verdict.escalation


def _computes(lane: Lane, subtask: Subtask) -> bool:
    return lane.can_take(subtask) if isinstance(lane, ToolLane) else subtask.tool is not None
