from __future__ import annotations

import pytest

from pilotfish import Evidence, Plan, Subtask
from pilotfish.agents.attempt import Attempt
from pilotfish.agents.caller import Model
from pilotfish.agents.llm_planner import LLMPlanner
from pilotfish.agents.model_lane import ModelLane
from pilotfish.agents.planner import as_planner
from pilotfish.agents.retrieval_lane import RetrievalLane
from pilotfish.agents.rule_planner import RulePlanner
from pilotfish.agents.tool_lane import ToolLane
from pilotfish.models.load import spec_for
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lane_conformance import check_lane
from pilotfish.testing.lanes import FakeLane, FakeRetriever
from pilotfish.testing.model_conformance import check_model
from pilotfish.testing.planner_conformance import check_planner
from pilotfish.tools import default_tools

CHAT = ScriptedChat(reply=lambda _text: "Answer: 4")
MODEL = Model(chat=CHAT, spec=spec_for(CHAT))
TEXT = "The answer to what 2 + 2 is, is 4."
PASSAGE = Evidence(source="a.md", text=TEXT, chunk_id="c", start=0, end=len(TEXT), rank=1, grade="sufficient")


@pytest.mark.parametrize(
    "lane",
    [
        ModelLane(name="local", model=MODEL),
        ModelLane(name="large", model=MODEL),
        RetrievalLane(retriever=FakeRetriever(lambda _query, _k: [PASSAGE]), reader=MODEL),
        RetrievalLane(retriever=FakeRetriever(lambda _query, _k: []), reader=MODEL),
        ToolLane(tools={tool.name: tool for tool in default_tools()}),
        FakeLane("local", lambda *_: "yes"),
    ],
    ids=lambda lane: type(lane).__name__,
)
async def test_every_lane_conforms(lane: object) -> None:
    await check_lane(lane)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "planner",
    [RulePlanner(), LLMPlanner(model=MODEL), as_planner(Plan([Subtask(id="a", text="x")]))],
    ids=["rules", "llm", "fixed"],
)
async def test_every_planner_conforms(planner: object) -> None:
    await check_planner(planner)  # type: ignore[arg-type]


async def test_the_scripted_chat_conforms() -> None:
    await check_model(CHAT)


async def test_a_lane_with_an_answer_and_a_failure_is_found_out() -> None:
    both = FakeLane("local", lambda *_: Attempt(lane="local", text="yes", failure="timeout", detail="late"))
    with pytest.raises(AssertionError, match="not both"):
        await check_lane(both)


async def test_a_planner_of_two_minds_is_found_out() -> None:
    made: list[int] = []

    def fickle(task: str) -> Plan:
        made.append(1)
        return Plan([Subtask(id=f"s{len(made)}", text=task)])

    with pytest.raises(AssertionError, match="another plan for the same task"):
        await check_planner(as_planner(fickle))


async def test_a_model_that_hides_its_tokens_is_found_out() -> None:
    class Silent(ScriptedChat):
        def _generate(self, *args: object, **more: object):  # type: ignore[no-untyped-def, override]
            result = super()._generate(*args, **more)  # type: ignore[arg-type]
            result.generations[0].message.usage_metadata = None  # type: ignore[attr-defined]
            return result

    with pytest.raises(AssertionError, match="does not report its tokens"):
        await check_model(Silent(reply=lambda _text: "hello"))
