from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from langchain_core.outputs import ChatResult
from pydantic import Field

from pilotfish.agents.budget import Meter
from pilotfish.agents.caller import Caller, Model
from pilotfish.agents.llm_planner import LLMPlanner
from pilotfish.agents.plan import Plan, PlanError
from pilotfish.agents.planner import make_plan
from pilotfish.models.calling import Calling
from pilotfish.models.load import spec_for
from pilotfish.models.spec import Sampling
from pilotfish.testing.chat import ScriptedChat
from pilotfish.tracing.call import Call, CallContext

CONTEXT = CallContext(data_classes=("internal",))

TASK = "Who wrote Emma and when was it published?"
GOOD = {
    "subtasks": [
        {"id": "s1", "text": "Who wrote Emma?", "depends_on": []},
        {"id": "s2", "text": "When did #s1 publish it?", "depends_on": ["s1"]},
    ]
}


async def plan_with(reply: str) -> tuple[Plan, list[Call]]:
    calls: list[Call] = []
    chat = ScriptedChat(reply=lambda _text: reply)
    planner = LLMPlanner(model=Model(chat=chat, spec=spec_for(chat)))
    return await make_plan(
        planner, TASK, Caller(meter=Meter(), calling=Calling(record=calls.append), context=CONTEXT)
    ), calls


async def test_the_models_plan_is_used_and_its_call_recorded() -> None:
    plan, calls = await plan_with(json.dumps(GOOD))
    assert plan.planner == "llm"
    assert [(s.id, s.depends_on) for s in plan] == [("s1", ()), ("s2", ("s1",))]
    assert [call.prompt_name for call in calls] == ["agent_plan"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I would rather not.", "parse_error"),
        (json.dumps({"subtasks": []}), "parse_error"),
        (
            json.dumps({"subtasks": [{"id": "s1", "text": "loop", "depends_on": ["s1"]}]}),
            "the plan runs in a circle",
        ),
        (
            json.dumps({"subtasks": [{"id": "s1", "text": "what", "depends_on": ["s7"]}]}),
            "depends on 's7', which is not in the plan",
        ),
    ],
)
async def test_a_useless_plan_falls_back_to_the_rules_and_says_why(reply: str, reason: str) -> None:
    plan, calls = await plan_with(reply)
    assert plan.planner == "rules"
    assert [s.text for s in plan] == ["Who wrote Emma", "When was it published?"]
    assert reason in plan.note
    assert calls


async def test_outside_a_run_it_says_how_to_use_it() -> None:
    chat = ScriptedChat(reply=str)
    with pytest.raises(PlanError, match="through an Agent"):
        await LLMPlanner(model=Model(chat=chat, spec=spec_for(chat))).plan(TASK)


async def test_a_planner_that_thinks_gets_the_tokens_for_it() -> None:
    class Watched(ScriptedChat):
        max_tokens: int = 0
        asked: list[int] = Field(default_factory=list[int])

        def _generate(self, *given: Any, max_tokens: int, **more: Any) -> ChatResult:
            self.asked.append(max_tokens)
            return super()._generate(*given, **more)

    chat = Watched(reply=lambda _text: f"<think>two parts</think>{json.dumps(GOOD)}")
    spec = dataclasses.replace(spec_for(chat), thinking="tags", sampling=Sampling(max_tokens=30_000))
    planner = LLMPlanner(model=Model(chat=chat, spec=spec))
    plan = await make_plan(
        planner, TASK, Caller(meter=Meter(), calling=Calling(record=lambda _call: None), context=CONTEXT)
    )
    assert (plan.planner, chat.asked) == ("llm", [30_000])
