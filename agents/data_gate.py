"""The hard data policy of a run: which lanes and verifiers the text of a subtask may be given to, and what it is.

The client boundary and the lanes ask the same policy once more, each for what it sends; this says it beforehand, so
that a forbidden lane is never decided, never stands in and is never escalated to.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast, runtime_checkable

from ..models.data_policy import DataPolicy, locality_of, place_refusal
from ..retrieval.evidence import classes_of
from ..router.policy import Decision, LaneName
from ..router.subtask import Subtask
from .attempt import PASSING, Attempt, Verdict
from .escalation import INSTEAD
from .lane import Lane, Upstream, lanes_inside


@runtime_checkable
class Gated(Protocol):
    """A lane that knows where a subtask's text would go."""

    def refusal(self, subtask: Subtask, data_policy: DataPolicy, /) -> str | None:
        """Why this lane may not be given the subtask, in words; None where it may."""
        ...


def lane_refusal(lane: Lane, subtask: Subtask, data_policy: DataPolicy) -> str | None:
    """Why the lane may not be given the subtask.

    A lane around others lets through what any of them may have, as each of them asks again; one that does not say
    where its text goes counts as remote.
    """
    if isinstance(lane, Gated):
        return lane.refusal(subtask, data_policy)
    inner = [lane_refusal(each, subtask, data_policy) for each in lanes_inside(lane)]
    if inner:
        return None if None in inner else inner[0]
    return place_refusal("lane", lane, subtask.data_classes, data_policy)


def refused_lanes(
    lanes: Mapping[LaneName, Lane], subtask: Subtask, data_policy: DataPolicy
) -> dict[LaneName, str]:
    """The lanes that may not be given the subtask, with the reason."""
    found: dict[LaneName, str] = {}
    for name, lane in lanes.items():
        why = lane_refusal(lane, subtask, data_policy)
        if why is not None:
            found[name] = why
    return found


def nowhere_to_start(lanes: Mapping[LaneName, Lane], subtask: Subtask, data_policy: DataPolicy) -> str | None:
    """Why no lane that the subtask could start in may have it; None where one may, or where there is none at all."""
    wanted = cast("LaneName", subtask.lane or ("tool" if subtask.tool else "local"))
    starts: Mapping[LaneName, Lane] = {
        name: lane for name, lane in lanes.items() if name in (wanted, *INSTEAD.get(wanted, ()))
    }
    refused = refused_lanes(starts, subtask, data_policy)
    if not starts or len(refused) < len(starts):
        return None
    reasons = dict.fromkeys(refused.values())
    return f"no lane may have it: {'; '.join(reasons)}"


def allow(
    decision: Decision, subtask: Subtask, refused: Mapping[LaneName, str], lanes: Iterable[LaneName]
) -> Decision:
    """The decision, moved off a lane that the subtask may not use; its reason says so."""
    said = [
        f"{name} is not allowed: {refused[name]}" for name in refused if name in (subtask.lane, decision.lane)
    ]
    if not said:
        return decision
    if decision.lane not in refused:
        return dataclasses.replace(decision, reason=f"{'; '.join(said)}; {decision.reason}")
    open_to = [name for name in lanes if name not in refused]
    lane = next((name for name in INSTEAD[decision.lane] if name in open_to), None)
    return dataclasses.replace(
        decision,
        lane=lane or ("tool" if subtask.tool and "tool" in open_to else decision.lane),
        reason=f"{'; '.join(said)}; {decision.reason}",
        model=None,
        expected_quality=None,
        expected_cost_usd=None,
    )


def hold_back(attempt: Attempt, verdict: Verdict, lane: LaneName, why: str) -> tuple[Attempt, Verdict]:
    """Attempt and verdict of a subtask that would go on to `lane` if its data class did not forbid it.

    Where its own lane was down, that and the data policy together are why there is no answer.
    """
    note = f"it may not go on to the {lane} lane: {why}"
    verdict = dataclasses.replace(verdict, reason=f"{verdict.reason}; {note}", escalation="data_policy")
    if attempt.failure not in PASSING or attempt.failure == "budget":
        return attempt, verdict
    detail = f"{attempt.failure}: {attempt.detail}; {note}"
    return dataclasses.replace(attempt, failure="data_policy", detail=detail), verdict


def verifier_refusal(
    verifier: object, subtask: Subtask, attempt: Attempt, data_policy: DataPolicy
) -> str | None:
    """Why a verifier may not see the answer. One that declares nothing is the workflow's own code, and local."""
    inner = getattr(verifier, "function", None)
    locality = locality_of(verifier, undeclared=locality_of(inner, undeclared="local"))
    classes = {*subtask.data_classes, *classes_of(attempt.evidence)}
    return data_policy.refusal(classes, locality=locality, place=f"a {locality} verifier")


def detected_in(subtask: Subtask, upstream: Iterable[Upstream], data_policy: DataPolicy) -> tuple[str, ...]:
    """The data classes of what is found in a subtask's own texts, filled in, and in the answers it rests on."""
    if data_policy.detector is None:
        return ()
    values: dict[str, Any] = {"arguments": dict(subtask.arguments), "prompt": dict(subtask.prompt_values)}
    told = json.dumps(values, ensure_ascii=False, default=str) if any(values.values()) else ""
    return data_policy.detected(subtask.text, told, *(item.text for item in upstream))


def classified(
    subtasks: Iterable[Subtask], data_classes: Iterable[str], data_policy: DataPolicy
) -> tuple[Subtask, ...]:
    """A plan's subtasks, in its order, with the classes of their task and of what they depend on, before any answer."""
    found: dict[str, Subtask] = {}
    for subtask in subtasks:
        inherited = {*data_classes, *detected_in(subtask, (), data_policy), *subtask.inherited}
        for name in subtask.depends_on:
            inherited.update(found[name].data_classes)
        found[subtask.id] = dataclasses.replace(subtask, inherited=tuple(sorted(inherited)))
    return tuple(found.values())
