"""Orchestration: an agent with zero-latency lanes against a hand-written LangGraph of the same shape.

Both run the same layered DAG; in both a subtask is a compiled graph of decide, a lane and verify. The hand-written
one keeps no ledger, makes no events, checks no plan and cannot resume.
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

from ..agents.plan import Plan
from ..router.subtask import Subtask
from ..testing.lanes import FakeLane
from ..testing.services import fake_services, run_plan
from .bench import Report

_LAYERS, _WIDTH = 5, 8
_ROUNDS = 15


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """Median of interleaved rounds, after a warm-up."""
    figures = asyncio.run(_figures())
    text = (
        f"{_LAYERS * _WIDTH} subtasks in {_LAYERS} layers, zero-latency lanes, "
        f"median of {_ROUNDS} interleaved rounds:\n\n"
        "| what | ms per subtask |\n|---|---|\n"
        f"| hand-written LangGraph | {figures['langgraph_ms_per_subtask']:.2f} |\n"
        f"| Pilotfish, ledger and all | {figures['pilotfish_ms_per_subtask']:.2f} |\n\n"
        f"ratio: {figures['overhead_over_langgraph']:.2f}\n"
    )
    return Report(figures=figures, text=text)


async def _figures() -> dict[str, float]:
    plan = _layered_plan()
    by_hand = _hand_written(plan)
    with tempfile.TemporaryDirectory() as home:
        lane = FakeLane("local", lambda subtask, _: subtask.id)
        services = fake_services(Path(home), {"local": lane}, slots={"local": _WIDTH})
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(_ROUNDS + 2):
            ours.append(await _seconds(lambda: run_plan(services, plan)))
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
    id: str
    lane: str
    answer: str
    verdict: str


def _hand_written(plan: Plan) -> Any:
    step = _hand_written_step()
    graph = StateGraph(_Answers)
    for subtask in plan:
        graph.add_node(subtask.id, _node(subtask.id, step))
        graph.add_edge(list(subtask.depends_on) or START, subtask.id)
    for leaf in plan.outputs:
        graph.add_edge(leaf, END)
    return graph.compile()


def _node(name: str, step: Any) -> Callable[[_Answers], Awaitable[dict[str, Any]]]:
    async def node(state: _Answers) -> dict[str, Any]:  # noqa: ARG001 - a real one reads upstream answers here
        done = await step.ainvoke({"id": name})
        return {"answers": {name: done["answer"]}}

    return node


def _hand_written_step() -> Any:
    async def decide(state: _Step) -> dict[str, str]:  # noqa: ARG001
        return {"lane": "local"}

    async def local(state: _Step) -> dict[str, str]:
        return {"answer": state.get("id", "")}

    async def verify(state: _Step) -> dict[str, str]:  # noqa: ARG001
        return {"verdict": "pass"}

    graph = StateGraph(_Step)
    for name, node in (("decide", decide), ("local", local), ("verify", verify)):
        graph.add_node(name, node)
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", lambda state: state["lane"], ["local"])
    graph.add_edge("local", "verify")
    graph.add_conditional_edges("verify", lambda state: state["verdict"], {"pass": END})
    return graph.compile()
