"""The run graph: plan → approve → execute → synthesise.

Finished work is kept in the ledger under the run's id and a digest of its inputs, so a killed run that is started
again under the same id makes the same plan its own, repeats no finished subtask and cannot take another's answer.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NotRequired, Protocol, TypedDict, cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from .. import UsageError
from ..tracing.content import content_digest
from ..tracing.langsmith_off import unseen_by_langsmith
from .codec import from_json, to_json
from .events import ApprovalNeeded, Planned
from .execution import execute_plan
from .plan import Plan
from .planner import make_plan
from .replay import kept_plan, planner_identity
from .result import Answer, SubtaskResult
from .scope import RunScope, Services, new_run_id, open_scope, start_run
from .spans import plan_span, plan_told

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph


class Node(Protocol):
    """A graph node. LangGraph passes its arguments by name."""

    async def __call__(self, state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
        """The state's update."""
        ...


class RunInput(TypedDict):
    """What a caller's graph sets."""

    task: str
    run_id: NotRequired[str]
    """Of the run to resume; a new one unless set."""
    data_class: NotRequired[str]
    """Who may see the task; the agent's default unless set."""
    tenant: NotRequired[str]
    """On whose behalf the run is made."""


class RunState(RunInput):
    """JSON data only: what the nodes add and a caller's graph reads."""

    plan: dict[str, Any]
    approved: bool
    results: list[dict[str, Any]]
    answer: str
    status: str
    extra: dict[str, Any]


async def plan(state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Make the plan, or take the one this run already made."""
    scope = runtime.context
    made = [r for r in scope.services.ledger.records(scope.run_id, "plan") if not r.content_missing]
    if made:
        drawn = Plan.from_json(made[-1].body)
    else:
        caller = scope.caller(scope.meter.child(), purpose="plan")
        planner = scope.services.planner
        with plan_span(scope) as span:
            drawn = plan_told(span, kept_plan(scope) or await make_plan(planner, state["task"], caller))
        _check_names(drawn, scope.services)
        body = {**drawn.to_json(), "made_by": planner_identity(planner)}
        keep = scope.keeps({*scope.data_classes, *(name for each in drawn for name in each.data_classes)})
        scope.services.ledger.append(scope.run_id, "plan", body, keep_content=keep)
    scope.emit(Planned(run_id=scope.run_id, plan=drawn))
    return {"plan": drawn.to_json(), "run_id": scope.run_id}


async def approve(state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Pause until the plan is approved, where the agent asks for that."""
    scope = runtime.context
    if not scope.approve:
        return {"approved": True}
    given = scope.services.ledger.records(scope.run_id, "approval")
    if given:
        return {"approved": bool(given[-1].body["approved"])}
    scope.emit(ApprovalNeeded(run_id=scope.run_id, plan=Plan.from_json(state["plan"])))
    approved = bool(interrupt({"run_id": scope.run_id, "plan": state["plan"]}))
    scope.services.ledger.append(scope.run_id, "approval", {"approved": approved})
    return {"approved": approved}


async def execute(state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Carry the plan out."""
    results = await execute_plan(runtime.context, Plan.from_json(state["plan"]))
    return {"results": [to_json(result) for result in results]}


async def synthesise(state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
    """Make the answer and close the run in the ledger."""
    scope = runtime.context
    if not state["approved"]:
        answer = Answer(text="The plan was not approved; nothing was carried out.", status="refused")
    else:
        results = {row["id"]: from_json(SubtaskResult, row) for row in state["results"]}
        made = scope.services.synthesise(state["task"], Plan.from_json(state["plan"]), results)
        answer = await made if inspect.isawaitable(made) else made
    body = {**to_json(answer), "text_sha256": content_digest(answer.text)}
    classes = {
        *scope.data_classes,
        *(name for row in state.get("results", []) for name in row["data_classes"]),
    }
    scope.services.ledger.append(scope.run_id, "answer", body, keep_content=scope.keeps(classes))
    scope.answered.set()
    return {"answer": answer.text, "status": answer.status, "extra": answer.extra}


def run_graph(
    services: Services, checkpointer: BaseCheckpointSaver[Any] | None = None
) -> CompiledStateGraph[RunState, RunScope, RunInput, RunState]:
    """The compiled run graph of an agent; as a node of another graph it opens its own scope."""
    graph = StateGraph(RunState, context_schema=RunScope, input_schema=RunInput)
    for name, node in (
        ("plan", plan),
        ("approve", approve),
        ("execute", execute),
        ("synthesise", synthesise),
    ):
        graph.add_node(name, _in_scope(node, services))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "approve")
    graph.add_conditional_edges(
        "approve", lambda state: "execute" if state["approved"] else "synthesise", ["execute", "synthesise"]
    )
    graph.add_edge("execute", "synthesise")
    graph.add_edge("synthesise", END)
    return graph.compile(checkpointer=checkpointer, name="run")


def _in_scope(node: Node, services: Services) -> Node:
    """Give a node the run's scope also where the graph runs inside another, whose context is not ours."""

    async def scoped(state: RunState, runtime: Runtime[RunScope]) -> dict[str, Any]:
        context = cast("object", runtime.context)
        if not (isinstance(context, RunScope) and context.services is services):  # another agent's, or none
            run_id = state.get("run_id") or new_run_id()
            if not services.ledger.records(run_id, "run"):
                start_run(services, run_id, state["task"], state.get("data_class"), state.get("tenant", ""))
            scope = open_scope(services, run_id, state["task"], runtime.stream_writer)
            with unseen_by_langsmith(allowed=services.langsmith):
                return await node(state, runtime.override(context=scope))
        return await node(state, runtime)

    return scoped


def _check_names(drawn: Plan, services: Services) -> None:
    for subtask in drawn:
        if subtask.verifier is not None and subtask.verifier not in services.named:
            known = ", ".join(sorted(services.named)) or "none"
            raise UsageError(
                f"subtask {subtask.id!r} asks for the verifier {subtask.verifier!r}; the agent has: {known}"
            )
