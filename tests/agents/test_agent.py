from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph

from pilotfish import Agent, Evidence, Plan, Subtask, UsageError
from pilotfish.agents.assembly import Parts, assemble
from pilotfish.agents.budget import Budget
from pilotfish.agents.events import (
    Attempted,
    Decided,
    Planned,
    RunFinished,
    RunStarted,
    SubtaskFinished,
    SubtaskStarted,
    Verified,
)
from pilotfish.agents.result import Answer
from pilotfish.agents.scope import Services
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy, FakeRetriever

CORPUS = "The Suez Canal admits a draft of 20.1 m. The toll is paid in dollars."


def passage(grade: str = "sufficient") -> Evidence:
    return Evidence(
        source="suez.md",
        text=CORPUS,
        chunk_id="c1",
        start=0,
        end=len(CORPUS),
        rank=1,
        grade=grade,  # type: ignore[arg-type]
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def agent(settings: Settings, reply: str = "Answer: 4", **more: Any) -> Agent:
    more.setdefault("local", ScriptedChat(reply=lambda _text: reply))
    more.setdefault("policy", FakePolicy())
    return Agent(settings=settings, **more)


def test_threads_that_use_an_agent_first_at_the_same_time_share_its_parts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, met = agent(settings), threading.Barrier(2)

    def assemble_together(parts: Parts) -> Services:
        with suppress(threading.BrokenBarrierError):  # where nobody else assembles
            met.wait(timeout=0.3)
        return assemble(parts)

    monkeypatch.setattr("pilotfish.agents.agent.assemble", assemble_together)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _number: mine.services, range(2))
    assert one is other


def test_a_run_answers_and_shows_its_work(settings: Settings) -> None:
    result = agent(settings, "2 + 2 = 4, so the answer is 4").run("How much is two apples and two apples?")
    (subtask,) = result.subtasks
    assert (result.status, subtask.answer, subtask.lane, subtask.kind) == (
        "answered",
        "4",
        "local",
        "reasoning",
    )
    assert result.run_id
    assert result.cost_usd == 0.0
    data = result.to_json()
    assert set(data) >= {"run_id", "answer", "status", "citations", "subtasks", "totals"}
    assert set(data["totals"]) == {"calls", "input_tokens", "output_tokens", "cost_usd", "wall_ms"}
    (row,) = data["subtasks"]
    assert set(row) >= {
        "id", "text", "depends_on", "kind", "lane", "status", "answer", "decision", "verdict", "escalations",
        "evidence", "calls",
    }  # fmt: skip
    assert set(row["decision"]) >= {"policy", "version", "p_reasoning", "confidence", "reason"}
    assert set(row["calls"][0]) >= {
        "model_id", "model_digest", "prompt_name", "prompt_version", "input_tokens", "output_tokens", "cost_usd",
        "latency_ms", "finish_reason",
    }  # fmt: skip


def test_wrong_arithmetic_is_overruled_by_the_calculator(settings: Settings) -> None:
    (subtask,) = agent(settings, "Answer: 393").run("What is 17 * 23?").subtasks
    assert (subtask.answer, subtask.lane, subtask.status) == ("391", "tool", "accepted")
    assert [(e["from"], e["to"], e["reason"]) for e in subtask.to_json()["escalations"]] == [
        ("local", "tool", "verifier_failed")
    ]


def test_agreement_is_sought_where_nothing_else_can_check(settings: Settings) -> None:
    (subtask,) = agent(settings, "Answer: Tuesday").run("Two days after Sunday is which day?").subtasks
    assert (subtask.status, subtask.verdict.checked) == ("accepted", "agreement")
    assert len(subtask.calls) == 3


def test_disagreement_without_a_large_model_is_no_answer(settings: Settings) -> None:
    replies = iter("abcdefghij")
    local = ScriptedChat(reply=lambda _text: f"Answer: {next(replies)}")
    result = agent(settings, local=local).run("Which letter is it?")
    assert result.status == "failed"
    assert "No answer to" in result.answer
    assert result.subtasks[0].verdict.escalation == "low_agreement"


def test_disagreement_goes_to_the_large_model(settings: Settings) -> None:
    replies = iter("abcdefghij")
    local = ScriptedChat(reply=lambda _text: f"Answer: {next(replies)}")
    large = ScriptedChat(reply=lambda _text: "Answer: k", model_name="big")
    result = agent(settings, local=local, large=large, planner="rules").run("Which letter is it?")
    (subtask,) = result.subtasks
    assert (subtask.lane, subtask.answer, subtask.escalations[0].reason) == ("large", "k", "low_agreement")
    assert result.answer.startswith("k (not verified")


def test_the_retrieval_lane_quotes_what_it_rests_on(settings: Settings) -> None:
    result = agent(
        settings,
        "20.1 m",
        corpus=FakeRetriever(lambda _query, _k: [passage()]),
        policy=FakePolicy(default="knowledge"),
    ).run("What draft does the Suez Canal admit?")
    (subtask,) = result.subtasks
    assert (subtask.lane, subtask.status, subtask.answer) == ("retrieval", "accepted", "20.1 m")
    (citation,) = result.citations
    assert citation.source == "suez.md"
    assert CORPUS[citation.start : citation.end] == citation.quote
    assert "20.1 m" in citation.quote


def test_an_answer_that_is_not_in_the_sources_is_replaced_by_a_quote(settings: Settings) -> None:
    result = agent(
        settings,
        "About 35 feet.",
        corpus=FakeRetriever(lambda _query, _k: [passage()]),
        policy=FakePolicy(default="knowledge"),
    ).run("What draft does the Suez Canal admit?")
    assert result.subtasks[0].answer == "The Suez Canal admits a draft of 20.1 m."


def test_graded_none_says_not_in_the_sources(settings: Settings) -> None:
    result = agent(
        settings,
        corpus=FakeRetriever(lambda _query, _k: [passage("none")]),
        policy=FakePolicy(default="knowledge"),
    ).run("Who baked the cake?")
    (subtask,) = result.subtasks
    assert (subtask.failure, subtask.calls) == ("no_evidence", ())
    assert result.answer == "No answer to “Who baked the cake?”: not in the sources."


def test_a_truncated_answer_is_no_answer(settings: Settings) -> None:
    local = ScriptedChat(reply=lambda _text: "and then and then", finish_reason="length")
    (subtask,) = agent(settings, local=local).run("Tell the story of the ship?").subtasks
    assert (subtask.status, subtask.failure) == ("failed", "truncated")


def test_a_used_up_budget_stops_calls_and_says_so(settings: Settings) -> None:
    result = agent(settings, "Answer: x", budget=Budget(calls=1)).run(
        "Which letter is it? Which one is next to that one?"
    )
    assert result.spend.calls == 1
    assert "the budget of 1 calls is used up" in result.answer


async def test_events_are_typed_and_in_order(settings: Settings) -> None:
    seen = [event async for event in agent(settings).astream("What is 2 + 2?")]
    assert [type(event) for event in seen] == [
        RunStarted, Planned, SubtaskStarted, Decided, Attempted, Verified, SubtaskFinished, RunFinished,
    ]  # fmt: skip


async def test_leaving_the_stream_cancels_the_run(settings: Settings) -> None:
    chosen = agent(settings)
    stream = chosen.astream("What is 2 + 2?")
    async for _event in stream:
        break
    await stream.aclose()
    await asyncio.sleep(0)
    assert chosen.services.ledger.runs()[0].status == "unfinished"


def test_the_plan_waits_for_approval_across_processes(settings: Settings) -> None:
    first = agent(settings, approve=True).run("What is 2 + 2?", run_id="r1")
    assert (first.status, first.subtasks) == ("awaiting_approval", ())
    again = agent(settings, approve=True)
    assert again.resume("r1").status == "awaiting_approval"
    assert again.resume("r1", approve=True).answer == "4"


def test_a_resumed_run_keeps_the_budget_it_began_with(settings: Settings) -> None:
    for name in ("r1", "r2"):
        agent(settings, approve=True, budget=Budget(calls=0)).run("Name a colour.", run_id=name)
    kept = agent(settings).resume("r1", approve=True)
    assert (kept.spend.calls, kept.subtasks[0].failure) == (0, "budget")
    raised = agent(settings, budget=Budget(calls=9)).resume("r2", approve=True)
    assert raised.spend.calls > 0


def test_whoever_resumes_it_the_plan_still_waits(settings: Settings) -> None:
    agent(settings, approve=True).run("What is 2 + 2?", run_id="r1")
    assert agent(settings).resume("r1").status == "awaiting_approval"
    assert agent(settings).resume("r1", approve=True).status == "answered"


def test_a_refused_plan_is_not_carried_out(settings: Settings) -> None:
    chosen = agent(settings, approve=True)
    chosen.run("What is 2 + 2?", run_id="r1")
    refused = chosen.resume("r1", approve=False)
    assert (refused.status, refused.subtasks) == ("refused", ())


class Outer(TypedDict, total=False):
    task: str
    answer: str
    shouted: str


def test_the_graph_is_a_node_of_another_graph(settings: Settings) -> None:
    graph = StateGraph(Outer)
    graph.add_node("agent", agent(settings).graph)
    graph.add_node("shout", lambda state: {"shouted": state["answer"] + "!"})
    graph.add_edge(START, "agent")
    graph.add_edge("agent", "shout")
    graph.add_edge("shout", END)
    final = asyncio.run(graph.compile().ainvoke({"task": "What is 2 + 2?"}))
    assert final["shouted"] == "4!"


def test_an_agent_inside_another_agents_tool_keeps_to_itself(settings: Settings) -> None:
    inner = agent(settings, "Answer: from within", planner=Plan([Subtask(id="i", text="inside")]))

    @tool
    async def ask_inner(question: str) -> str:
        """Ask the other agent."""
        return (await inner.graph.ainvoke({"task": question}))["results"][0]["answer"]

    plan = Plan([Subtask(id="a", text="ask", tool="ask_inner", arguments={"question": "q"})])
    result = agent(settings, planner=plan, tools=[ask_inner]).run("x?")
    assert [(subtask.id, subtask.answer) for subtask in result.subtasks] == [("a", "from within")]


def test_a_tool_that_gives_nothing_has_not_answered(settings: Settings) -> None:
    @tool
    def look_up(word: str) -> None:
        """Look a word up."""

    plan = Plan([Subtask(id="a", text="x", tool="look_up", arguments={"word": "y"})])
    result = agent(settings, planner=plan, tools=[look_up]).run("x?")
    assert (result.status, result.subtasks[0].detail) == ("failed", "the tool 'look_up' gave nothing")


def test_a_planner_that_never_answers_gives_way_to_the_rules(settings: Settings) -> None:
    class Endless(ScriptedChat):
        async def _agenerate(self, *_given: Any, **_more: Any) -> Any:
            await asyncio.Event().wait()

    result = agent(settings, large=Endless(reply=str), timeout_s=0.05, votes=1).run("What is 2 + 2?")
    assert result.plan["planner"] == "rules"
    assert "timeout" in result.plan["note"]


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_half_a_surrogate_pair_is_an_answer_like_any(settings: Settings, schema: Any) -> None:
    plan = Plan(
        [Subtask(id="a", text="x", answer_schema=schema), Subtask(id="b", text="#a", depends_on=("a",))]
    )
    chosen = agent(settings, '{"x": "\\ud83d"}' if schema else "\ud83d", planner=plan, votes=1)
    result = chosen.run("x?", run_id="r1")
    assert len(result.subtasks) == 2
    assert chosen.resume("r1").subtasks == result.subtasks


def test_parallel_runs_of_one_agent_do_not_mix(settings: Settings) -> None:
    chosen = agent(settings, local=ScriptedChat(reply=lambda text: f"Answer: about {text.split()[-1]}"))

    async def both() -> list[str]:
        results = await asyncio.gather(*(chosen.arun(f"Which thing is this: thing{i}") for i in range(12)))
        return [result.answer for result in results]

    assert asyncio.run(both()) == [f"about thing{i}" for i in range(12)]


def test_a_workflow_is_a_function(settings: Settings) -> None:
    def workflow(task: str) -> Plan:
        return Plan([Subtask(id="a", text=task), Subtask(id="b", text="again: #a", depends_on=("a",))])

    def join(task: str, plan: Plan, results: Any) -> Answer:
        return Answer(text=f"{task}: {len(plan)} steps", status="answered", extra={"route": [*results]})

    result = agent(settings, planner=workflow, synthesise=join).run("What is 2 + 2?")
    assert result.answer == "What is 2 + 2?: 2 steps"
    assert result.to_json()["route"] == ["a", "b"]


def test_run_works_inside_a_running_loop(settings: Settings) -> None:
    async def notebook() -> str:
        return agent(settings).run("What is 2 + 2?").answer

    assert asyncio.run(notebook()) == "4"


def test_wrong_arguments_are_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match="the task is empty"):
        agent(settings).run(" ")
    with pytest.raises(UsageError, match="unknown planner 'magic'"):
        agent(settings, planner="magic").run("x?")
    with pytest.raises(UsageError, match="asks for the verifier 'mine'; the agent has: none"):
        agent(settings, planner=Plan([Subtask(id="a", text="x", verifier="mine")])).run("x?")
    with pytest.raises(UsageError, match="slots of 0 for the lane 'local'"):
        agent(settings, slots={"local": 0}).run("x?")
    chosen = agent(settings)
    chosen.run("What is 2 + 2?", run_id="r1")
    with pytest.raises(UsageError, match="there is a run 'r1' already"):
        chosen.run("What is 2 + 2?", run_id="r1")
    with pytest.raises(UsageError, match="no run 'nowhere'"):
        agent(settings).resume("nowhere")


def test_a_resumed_finished_run_gives_the_same_result_without_a_call(settings: Settings) -> None:
    first = agent(settings).run("What is 2 + 2?", run_id="r1")
    again = agent(settings, local=ScriptedChat(reply=lambda _text: "Answer: 5")).resume("r1")
    assert (again.answer, again.subtasks, again.spend) == (first.answer, first.subtasks, first.spend)


def test_both_graphs_draw_themselves(settings: Settings) -> None:
    drawn = agent(settings).mermaid()
    assert all(name in drawn["run"] for name in ("plan", "approve", "execute", "synthesise"))
    assert all(
        name in drawn["subtask"]
        for name in ("decide", "local", "retrieval", "large", "tool", "verify", "escalate")
    )


def test_an_async_synthesis_is_awaited(settings: Settings) -> None:
    async def join(_task: str, _plan: Plan, _results: Any) -> Answer:
        return Answer(text="joined", status="answered")

    assert agent(settings, synthesise=join).run("What is 2 + 2?").answer == "joined"


def test_a_planning_model_that_crashes_falls_back_to_the_rules(settings: Settings) -> None:
    def crash(_text: str) -> str:
        raise RuntimeError("boom")

    result = agent(settings, planner="llm", large=ScriptedChat(reply=crash)).run("What is 2 + 2?")
    assert result.plan["planner"] == "rules"
    assert "boom" in result.plan["note"]
    assert result.answer == "4"


def test_a_subtask_that_ran_out_of_budget_is_tried_again_on_resume(settings: Settings) -> None:
    first = agent(settings, budget=Budget(calls=0)).run("What is two and two?", run_id="r1")
    assert (first.status, first.subtasks[0].failure) == ("failed", "budget")
    assert agent(settings, budget=Budget(calls=9)).resume("r1").status == "answered"


def test_a_policy_that_miscounts_is_named(settings: Settings) -> None:
    class Idle:
        def decide(self, _subtasks: Any, /) -> list[Any]:
            return []

    result = agent(settings, policy=Idle()).run("What is 2 + 2?")
    assert "made 0 decisions on one subtask" in result.answer
