from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from pilotfish.agents.attempt import Attempt, Citation, Verdict
from pilotfish.agents.caller import Model
from pilotfish.agents.events import Event, SubtaskFinished, SubtaskStarted
from pilotfish.agents.lane import LaneContext
from pilotfish.agents.model_lane import ModelLane
from pilotfish.agents.plan import Plan
from pilotfish.agents.planner import as_planner
from pilotfish.agents.run_graph import RunState, run_graph
from pilotfish.agents.tool_lane import ToolLane
from pilotfish.agents.verifier import FunctionVerifier
from pilotfish.models.load import spec_for
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLane, FakePolicy
from pilotfish.testing.services import fake_services, run_plan
from pilotfish.tracing.ledger import Entry, Ledger, LedgerError


def step(name: str, *needs: str, **more: Any) -> Subtask:
    return Subtask(id=name, text=more.pop("text", f"step {name}"), depends_on=needs, **more)


def by_id(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in state["results"]}


async def test_a_subtask_starts_when_its_own_dependencies_are_done(tmp_path: Path) -> None:
    """`b` needs only `a`; a wave would make it wait for `slow`, which here waits for `b`: a wave would hang."""
    b_done = asyncio.Event()

    async def answer(subtask: Subtask, _context: LaneContext) -> str:
        if subtask.id == "slow":
            await b_done.wait()
        if subtask.id == "b":
            b_done.set()
        return subtask.id

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    plan = Plan([step("a"), step("slow"), step("b", "a")])
    async with asyncio.timeout(30):
        state = await run_plan(services, plan)
    assert [row["answer"] for row in state["results"]] == ["a", "slow", "b"]


async def test_a_lane_never_exceeds_its_places(tmp_path: Path) -> None:
    running, most = 0, 0

    async def answer(_subtask: Subtask, _context: LaneContext) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return "x"

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)}, slots={"local": 2})
    await run_plan(services, Plan([step(f"s{i}") for i in range(8)]))
    assert most == 2


async def test_upstream_answers_are_filled_in_and_handed_on(tmp_path: Path) -> None:
    seen: dict[str, tuple[str, dict[str, str]]] = {}

    def answer(subtask: Subtask, context: LaneContext) -> str:
        seen[subtask.id] = (subtask.text, {name: item.text for name, item in context.upstream.items()})
        return f"answer of {subtask.id}"

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    state = await run_plan(services, Plan([step("s1"), step("s2", "s1", text="Double #s1, please")]))
    assert seen["s2"] == ("Double answer of s1, please", {"s1": "answer of s1"})
    assert by_id(state)["s2"]["text"] == "Double answer of s1, please"


async def test_a_failed_subtask_is_a_result_its_dependants_learn_of(tmp_path: Path) -> None:
    def answer(subtask: Subtask, context: LaneContext) -> str | Attempt:
        if subtask.id == "bad":
            return Attempt(lane="local", failure="timeout", detail="too slow")
        return f"{subtask.id} knows {[item.answered for item in context.upstream.values()]}"

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    plan = Plan([step("bad"), step("uses", "bad", text="add #bad"), step("beside", "bad"), step("free")])
    rows = by_id(await run_plan(services, plan))
    assert (rows["bad"]["status"], rows["bad"]["failure"]) == ("failed", "timeout")
    assert rows["uses"]["status"] == "skipped"
    assert rows["uses"]["verdict"]["reason"] == "it needs the answer of bad, and there is none"
    assert rows["beside"]["answer"] == "beside knows [False]"
    assert rows["free"]["status"] == "accepted"


async def test_a_crash_in_a_lane_becomes_a_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def answer(_subtask: Subtask, _context: LaneContext) -> str:
        raise RuntimeError("boom")

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    state = await run_plan(services, Plan([step("s1")]))
    assert by_id(state)["s1"]["verdict"]["reason"] == "the local lane crashed: RuntimeError: boom"
    assert by_id(state)["s1"]["decision"] is not None
    assert "Traceback" in caplog.text
    assert state["status"] == "failed"


async def test_a_crash_in_a_lane_escalates(tmp_path: Path) -> None:
    def answer(_subtask: Subtask, _context: LaneContext) -> str:
        raise RuntimeError("boom")

    lanes = {"local": FakeLane("local", answer), "large": FakeLane("large", lambda _s, _c: "fine")}
    row = by_id(await run_plan(fake_services(tmp_path, lanes), Plan([step("s1")])))["s1"]
    assert (row["status"], row["answer"], row["lane"]) == ("accepted", "fine", "large")
    assert [step["reason"] for step in row["escalations"]] == ["model_unavailable"]


async def test_a_timeout_of_a_lanes_own_is_told_as_it_is(tmp_path: Path) -> None:
    def answer(_subtask: Subtask, _context: LaneContext) -> str:
        raise TimeoutError("the tide table is slow")

    services = dataclasses.replace(
        fake_services(tmp_path, {"local": FakeLane("local", answer)}), timeout_s=None
    )
    row = by_id(await run_plan(services, Plan([step("s1")])))["s1"]
    assert (row["failure"], row["detail"]) == ("timeout", "it timed out: the tide table is slow")


async def test_a_call_cut_short_by_the_deadline_counts_as_the_subtasks(tmp_path: Path) -> None:
    class Endless(ScriptedChat):
        async def _agenerate(self, *_given: Any, **_more: Any) -> Any:
            await asyncio.Event().wait()

    chat = Endless(reply=str)
    lane = ModelLane(name="local", model=Model(chat=chat, spec=spec_for(chat)))
    services = dataclasses.replace(fake_services(tmp_path, {"local": lane}), timeout_s=0.01)
    row = by_id(await run_plan(services, Plan([step("s1")])))["s1"]
    assert row["failure"] == "timeout"
    assert [call["finish_reason"] for call in row["calls"]] == ["cancelled"]


async def test_what_a_rejected_answer_cited_is_no_citation(tmp_path: Path) -> None:
    cited = Citation(source="x.md", quote="made up", chunk_id="c1", start=0, end=7)
    lane = FakeLane("local", lambda _s, _c: Attempt(lane="local", text="5", citations=(cited,)))
    services = fake_services(
        tmp_path, {"local": lane}, named={"no": FunctionVerifier("no", lambda _s, _a: False)}
    )
    row = by_id(await run_plan(services, Plan([step("s1", verifier="no")])))["s1"]
    assert (row["status"], row["citations"]) == ("failed", [])


async def test_a_ledger_that_cannot_be_written_is_its_own_error(tmp_path: Path) -> None:
    services = fake_services(tmp_path, {"local": FakeLane("local", lambda _s, _c: "x")})

    class Full(Ledger):
        def append_all(self, entries: Iterable[Entry]) -> list[int]:
            entries = list(entries)
            if any(entry.kind == "subtask" for entry in entries):
                raise LedgerError("the disk is full")
            return super().append_all(entries)

    services = dataclasses.replace(services, ledger=Full(tmp_path / "ledger.db"))
    with pytest.raises(LedgerError, match="the disk is full"):
        await run_plan(services, Plan([step("s1"), step("s2", "s1")]))


async def test_an_outer_checkpointer_mixes_up_no_answers(tmp_path: Path) -> None:
    """LangGraph would give the second subtask the first one's checkpoint: it counts the graphs a node invokes."""
    reached, let_go = asyncio.Event(), asyncio.Event()

    async def answer(subtask: Subtask, _context: LaneContext) -> str:
        if subtask.id == "b":
            reached.set()
            await let_go.wait()
        return f"answer of {subtask.id}"

    services = dataclasses.replace(
        fake_services(tmp_path, {"local": FakeLane("local", answer)}),
        planner=as_planner(Plan([step("a"), step("b", "a"), step("c", "b")])),
    )
    outer = StateGraph(RunState)
    outer.add_node("agent", run_graph(services))
    outer.add_edge(START, "agent")
    outer.add_edge("agent", END)
    graph = outer.compile(checkpointer=InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "t"}}
    task = asyncio.create_task(graph.ainvoke({"task": "x", "run_id": "r1"}, config))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    let_go.set()
    state = await graph.ainvoke(None, config)
    assert [row["answer"] for row in state["results"]] == ["answer of a", "answer of b", "answer of c"]


async def test_escalation_goes_on_until_a_verdict_passes(tmp_path: Path) -> None:
    def only_large(_subtask: Subtask, attempt: Attempt) -> bool:
        return attempt.lane == "large"

    lanes = {name: FakeLane(name, lambda *_: "x") for name in ("local", "retrieval", "large")}
    services = fake_services(tmp_path, lanes, standard=(FunctionVerifier("picky", only_large),))
    knowing = fake_services(
        tmp_path,
        lanes,
        standard=services.standard,
        policy=FakePolicy(default="knowledge"),
    )
    for chosen, path in ((services, [("local", "large")]), (knowing, [("retrieval", "large")])):
        (row,) = (await run_plan(chosen, Plan([step("s1")])))["results"]
        assert [(e["source"], e["target"]) for e in row["escalations"]] == path
        assert (row["lane"], row["status"]) == ("large", "accepted")
        assert row["escalations"][0]["reason"] == "verifier_failed"


async def test_without_a_further_lane_an_unchecked_answer_is_unverified(tmp_path: Path) -> None:
    services = fake_services(
        tmp_path,
        {"local": FakeLane("local", lambda *_: "perhaps")},
        standard=(FunctionVerifier("shy", lambda *_: None),),
        policy=FakePolicy(default="knowledge"),
    )
    state = await run_plan(services, Plan([step("s1")]))
    assert by_id(state)["s1"]["status"] == "unverified"
    assert state["answer"] == "perhaps (not verified: a small model's recall, with no source consulted)"


async def test_a_tool_overrules_a_local_answer(tmp_path: Path) -> None:
    from langchain_core.tools import tool

    @tool
    def best(limit: int, said: str) -> dict[str, int | str]:
        """The best choice."""
        return {"choice": limit, "instead_of": said}

    def check(_subtask: Subtask, attempt: Attempt) -> Verdict | bool:
        if attempt.lane == "tool":
            return True
        return Verdict(status="fail", reason="chose 9; the optimiser found 3", checked="optimiser")

    services = fake_services(
        tmp_path,
        {"local": FakeLane("local", lambda *_: "9"), "tool": ToolLane(tools={"best": best})},
        named={"optimal": FunctionVerifier("optimiser", check)},
    )
    subtask = step(
        "s1", lane="local", tool="best", arguments={"limit": 3, "said": "#previous"}, verifier="optimal"
    )
    (row,) = (await run_plan(services, Plan([subtask])))["results"]
    assert (row["lane"], row["value"], row["status"]) == (
        "tool",
        {"choice": 3, "instead_of": "9"},
        "accepted",
    )
    (overruled,) = row["escalations"]
    assert (overruled["source"], overruled["target"], overruled["reason"]) == (
        "local",
        "tool",
        "verifier_failed",
    )
    assert overruled["detail"] == "chose 9; the optimiser found 3"


async def test_cancelling_a_run_cancels_its_subtasks(tmp_path: Path) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def answer(_subtask: Subtask, _context: LaneContext) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    task = asyncio.create_task(run_plan(services, Plan([step("s1")])))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    size = draw(st.integers(1, 9))
    return Plan(
        [
            step(
                f"s{i}",
                *draw(
                    st.lists(st.sampled_from([f"s{j}" for j in range(i)]), unique=True, max_size=3)
                    if i
                    else st.just([])
                ),
            )
            for i in range(size)
        ]
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans(), broken=st.sets(st.integers(0, 8), max_size=2))
def test_any_dag_with_any_failures_ends_in_order(tmp_path: Path, plan: Plan, broken: set[int]) -> None:
    def answer(subtask: Subtask, context: LaneContext) -> str | Attempt:
        assert set(context.upstream) == set(subtask.depends_on)
        if int(subtask.id[1:]) in broken:
            return Attempt(lane="local", failure="model_unavailable", detail="down")
        return subtask.id

    events: list[Event] = []
    services = fake_services(tmp_path, {"local": FakeLane("local", answer)})
    state = asyncio.run(run_plan(services, plan, emit=events.append))
    assert [row["id"] for row in state["results"]] == [subtask.id for subtask in plan]
    for row in state["results"]:
        assert row["answer"] == (None if int(row["id"][1:]) in broken else row["id"])
    finished: set[str] = set()
    for event in events:
        if isinstance(event, SubtaskStarted):
            needs = next(subtask.depends_on for subtask in plan if subtask.id == event.subtask_id)
            assert set(needs) <= finished
        if isinstance(event, SubtaskFinished):
            finished.add(event.subtask_id)
