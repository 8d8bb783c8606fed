"""Orchestration: an agent with a zero-latency model against a hand-written LangGraph of the same shape.

Both run the same layered DAG on the same model; in both a subtask is a compiled graph with the same nodes, edges and
state keys. The hand-written one renders no prompt, keeps no ledger, verifies nothing, makes no events, cannot resume.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph

from ..agents.agent import Agent
from ..agents.plan import Plan
from ..models.settings import load_settings
from ..router.subtask import Subtask
from ..testing.chat import ScriptedChat
from .bench import Report

_LAYERS, _WIDTH = 5, 8
_ROUNDS = 15


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """Median of interleaved rounds, after a warm-up."""
    figures = asyncio.run(_figures())
    text = (
        f"{_LAYERS * _WIDTH} subtasks in {_LAYERS} layers, zero-latency model, "
        f"median of {_ROUNDS} interleaved rounds:\n\n"
        "| what | ms per subtask |\n|---|---|\n"
        f"| hand-written LangGraph | {figures['langgraph_ms_per_subtask']:.2f} |\n"
        f"| Pilotfish, ledger and all | {figures['pilotfish_ms_per_subtask']:.2f} |\n\n"
        f"ratio: {figures['overhead_over_langgraph']:.2f}\n"
    )
    return Report(figures=figures, text=text)


async def _figures() -> dict[str, float]:
    plan, chat = _layered_plan(), ScriptedChat(reply=lambda _text: "Answer: done")
    by_hand = _hand_written(plan, chat)
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home))
        agent = Agent(local=chat, policy="always-local", planner=plan, votes=1, settings=settings)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(_ROUNDS + 2):
            ours.append(await _seconds(lambda: agent.arun("bench")))
            theirs.append(await _seconds(lambda: by_hand.ainvoke({"answers": {}})))
    ours_ms, theirs_ms = (1000 * statistics.median(times[2:]) / len(plan) for times in (ours, theirs))
    return {
        "overhead_over_langgraph": ours_ms / theirs_ms,
        "pilotfish_ms_per_subtask": ours_ms,
        "langgraph_ms_per_subtask": theirs_ms,
    }


async def _seconds(work: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def _layered_plan() -> Plan:
    subtasks: list[Subtask] = []
    for layer in range(_LAYERS):
        above = tuple(f"s{layer - 1}x{place}" for place in range(_WIDTH)) if layer else ()
        subtasks += [
            Subtask(id=f"s{layer}x{place}", text=f"step {layer} {place}", depends_on=above[place : place + 2])
            for place in range(_WIDTH)
        ]
    return Plan(subtasks)


def _merge(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    return {**left, **right}


class _Answers(TypedDict):
    answers: Annotated[dict[str, str], _merge]


class _Step(TypedDict, total=False):
    question: str
    upstream: dict[str, str]
    decision: str
    lane: str
    attempts: list[str]
    verdicts: list[str]
    escalations: list[str]
    next: str | None


def _hand_written(plan: Plan, chat: ScriptedChat) -> Any:
    step = _hand_written_step(chat)
    graph = StateGraph(_Answers)
    for subtask in plan:
        graph.add_node(subtask.id, _node(subtask.id, subtask.depends_on, step))
        graph.add_edge(list(subtask.depends_on) or START, subtask.id)
    for leaf in plan.outputs:
        graph.add_edge(leaf, END)
    return graph.compile()


def _node(name: str, needs: tuple[str, ...], step: Any) -> Any:
    async def node(state: _Answers) -> dict[str, Any]:
        upstream = {need: state["answers"][need] for need in needs}
        done = await step.ainvoke({"question": name, "upstream": upstream})
        return {"answers": {name: done["attempts"][-1]}}

    return node


def _hand_written_step(chat: ScriptedChat) -> Any:
    """Decide, four lanes, verify, escalate: the nodes and edges of the agent's subtask graph, with nothing in them."""

    async def decide(state: _Step) -> dict[str, Any]:  # noqa: ARG001
        return {"decision": "reasoning", "lane": "local", "attempts": [], "verdicts": [], "escalations": []}

    async def lane(state: _Step) -> dict[str, Any]:
        message = await chat.ainvoke([("system", "Answer briefly."), ("user", state.get("question", ""))])
        return {"attempts": [*state.get("attempts", []), str(message.content)]}

    async def verify(state: _Step) -> dict[str, Any]:
        return {"verdicts": [*state.get("verdicts", []), "pass"], "next": None}

    async def escalate(state: _Step) -> dict[str, Any]:
        return {"lane": "large", "escalations": [*state.get("escalations", []), "local"]}

    async def to_lane(state: _Step) -> str:
        return state.get("lane", "local")

    async def onward(state: _Step) -> str:
        return "done" if state.get("next") is None else "escalate"

    graph = StateGraph(_Step)
    graph.add_node("decide", decide)
    for name in ("local", "retrieval", "large", "tool"):
        graph.add_node(name, lane)
        graph.add_edge(name, "verify")
    graph.add_node("verify", verify)
    graph.add_node("escalate", escalate)
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", to_lane, ["local", "retrieval", "large", "tool"])
    graph.add_conditional_edges("verify", onward, {"done": END, "escalate": "escalate"})
    graph.add_conditional_edges("escalate", to_lane, ["tool", "retrieval", "large"])
    return graph.compile()
