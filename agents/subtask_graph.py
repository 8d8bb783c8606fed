"""The subtask graph: decide → local | retrieval | large | tool → verify → escalate, or done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, cast, get_args

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from ..retrieval.evidence import classes_of
from ..router.policy import Decision, LaneName
from ..router.subtask import Subtask
from .attempt import Attempt, Escalation, Verdict
from .checking import check
from .codec import digest, from_json, to_json
from .data_gate import allow, hold_back, refused_lanes
from .escalation import first_lane, next_lane, reason_of
from .events import Attempted, Decided, Escalated, Verified
from .lane import Lane, LaneContext, Upstream, readable, try_lane
from .observing import Checked, observe
from .plan import subtask_from_json
from .routing import decide as ask
from .scope import RunScope

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

LANES: tuple[LaneName, ...] = get_args(LaneName)


class Node(Protocol):
    """A graph node. LangGraph passes its arguments by name."""

    async def __call__(self, state: SubtaskState, runtime: Runtime[RunScope]) -> dict[str, Any]:
        """The state's update."""
        ...


class SubtaskInput(TypedDict):
    """JSON data only. `subtask` has its references filled in."""

    subtask: dict[str, Any]
    upstream: dict[str, dict[str, Any]]
    """Answers of the subtasks it depends on, by id."""
    key: str
    """Digest of the two: the identity of this piece of work."""
    asked: str
    """The subtask's text as the router is told it: without words of documents and tools."""


class SubtaskState(SubtaskInput):
    """JSON data only: what the nodes add, each reading what those before it wrote."""

    decision: dict[str, Any]
    lane: LaneName
    attempts: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    """One per attempt, in the same order."""
    escalations: list[dict[str, Any]]
    next: LaneName | None


async def decide(state: SubtaskState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Decide once: a decision already in the ledger for the same inputs is kept."""
    scope, subtask = runtime.context, subtask_from_json(state["subtask"])
    refused = refused_lanes(scope.lanes, subtask, scope.services.calling.data_policy)
    decision = scope.decisions.get(state["key"])
    if decision is None:
        decision = allow(
            await ask(scope, replace(subtask, text=state["asked"])), subtask, refused, scope.lanes
        )
        scope.services.ledger.append(
            scope.run_id,
            "decision",
            to_json(decision),
            subtask_id=subtask.id,
            key=state["key"],
            keep_content=scope.keeps(subtask.data_classes),
        )
    lane = first_lane(subtask, decision, _others(scope.lanes, refused))
    scope.emit(Decided(run_id=scope.run_id, subtask_id=subtask.id, decision=decision, lane=lane))
    return {"decision": to_json(decision), "lane": lane, "attempts": [], "verdicts": [], "escalations": []}


def carry(lane: LaneName) -> Node:
    """The node of one lane."""

    async def node(state: SubtaskState, runtime: Runtime[RunScope]) -> dict[str, Any]:
        scope, subtask = runtime.context, subtask_from_json(state["subtask"])
        context = lane_context(scope, state)
        async with scope.places[lane]:
            attempt = await try_lane(lane, scope.lanes[lane], subtask, context)
        scope.emit(Attempted(run_id=scope.run_id, subtask_id=subtask.id, attempt=attempt))
        return {"attempts": [*state["attempts"], to_json(attempt)]}

    return node


async def verify(state: SubtaskState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Check the last attempt, and say where the subtask goes next."""
    scope, subtask = runtime.context, subtask_from_json(state["subtask"])
    decision = from_json(Decision, state["decision"])
    attempt = from_json(Attempt, state["attempts"][-1])
    attempt, verdict = await check(scope, subtask, decision, attempt, partial(lane_context, scope, state))
    tried: list[LaneName] = [*(cast("LaneName", row["source"]) for row in state["escalations"]), attempt.lane]
    wanted = next_lane(subtask, decision, verdict, tried, scope.lanes)
    refused: Mapping[LaneName, str] = {}
    if wanted is not None:
        refused = refused_lanes(scope.lanes, subtask, scope.services.calling.data_policy)
    onward = (
        next_lane(subtask, decision, verdict, tried, _others(scope.lanes, refused)) if refused else wanted
    )
    if attempt.arms:
        checked = Checked(
            scope, subtask, decision, lane_context(scope, state), tried, attempt, verdict, onward
        )
        observe(checked)
    if onward is None and wanted is not None:
        attempt, verdict = hold_back(attempt, verdict, wanted, refused[wanted])
    scope.emit(Verified(run_id=scope.run_id, subtask_id=subtask.id, verdict=verdict))
    return {
        "attempts": [*state["attempts"][:-1], to_json(attempt)],
        "verdicts": [*state["verdicts"], to_json(verdict)],
        "next": onward,
    }


async def escalate(state: SubtaskState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Move to the next lane, with the reason."""
    scope = runtime.context
    attempt = from_json(Attempt, state["attempts"][-1])
    verdict = from_json(Verdict, state["verdicts"][-1])
    target = state["next"]
    assert target is not None  # noqa: S101 - the edge into this node
    step = Escalation(
        source=attempt.lane, target=target, reason=reason_of(attempt, verdict), detail=verdict.reason
    )
    scope.emit(Escalated(run_id=scope.run_id, subtask_id=state["subtask"]["id"], escalation=step))
    return {"lane": target, "escalations": [*state["escalations"], to_json(step)]}


@cache
def subtask_graph() -> CompiledStateGraph[SubtaskState, RunScope, SubtaskInput, SubtaskState]:
    """The compiled graph. It holds no agent's parts: those come with the run's scope."""
    graph = StateGraph(SubtaskState, context_schema=RunScope, input_schema=SubtaskInput)
    graph.add_node("decide", decide)
    for lane in LANES:
        graph.add_node(lane, carry(lane))
        graph.add_edge(lane, "verify")
    graph.add_node("verify", verify)
    graph.add_node("escalate", escalate)
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", _to_lane, list(LANES))
    graph.add_conditional_edges("verify", _onward, {"done": END, "escalate": "escalate"})
    graph.add_conditional_edges("escalate", _to_lane, ["tool", "retrieval", "large"])
    # An outer checkpointer would be inherited, and knows nested graphs by a counter of calls: resumed, a subtask
    # would take the checkpoint, and the answer, of another. What is finished is in the ledger.
    return graph.compile(checkpointer=False, name="subtask")


def _others(lanes: Mapping[LaneName, Lane], refused: Mapping[LaneName, str]) -> dict[LaneName, Lane]:
    """The lanes that may be given the subtask."""
    return {name: lane for name, lane in lanes.items() if name not in refused}


async def _to_lane(state: SubtaskState) -> str:  # async, or LangGraph runs it in a thread of its own
    return state["lane"]


async def _onward(state: SubtaskState) -> str:
    return "done" if state["next"] is None else "escalate"


def lane_context(scope: RunScope, state: SubtaskState) -> LaneContext:
    """What a lane is given, the same for every attempt at one subtask."""
    subtask = subtask_from_json(state["subtask"])
    left = scope.meter.seconds_left()
    limit = scope.services.timeout_s
    return LaneContext(
        task=scope.task,
        upstream={
            name: readable(from_json(Upstream, row), screening=scope.services.screening)
            for name, row in state["upstream"].items()
        },
        caller=scope.caller(scope.meter.child(), subtask.id, data_classes=subtask.data_classes),
        unit=scope.unit,
        tenant=scope.tenant,
        workflow=scope.services.workflow,
        kind=state["decision"]["kind"],
        previous=_said(state["attempts"], subtask),
        seed=int(digest(scope.services.seed, subtask.id)[:7], 16),
        timeout_s=limit if left == float("inf") else min(left, limit or left),
    )


def _said(attempts: Sequence[Mapping[str, Any]], subtask: Subtask) -> Any:
    """What the last attempt said, unless it rests on evidence of data classes the next lane was not asked about."""
    if not attempts:
        return None
    last = from_json(Attempt, attempts[-1])
    if not set(classes_of(last.evidence)) <= set(subtask.data_classes):
        return None
    return last.text if last.value is None else last.value
