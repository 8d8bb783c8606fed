"""Every way in which an agent reaches a model, walked twice: recorded in full, and refused with anything missing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest

from pilotfish import Agent, Evidence, Plan, Subtask
from pilotfish.agents.attempt import EscalationReason
from pilotfish.agents.canary import Canary
from pilotfish.agents.fallback import FallbackLane
from pilotfish.agents.hedged import HedgedLane
from pilotfish.agents.lane import Lane
from pilotfish.agents.plan import PlanError
from pilotfish.models.client import Completion, ModelClient
from pilotfish.models.load import spec_for
from pilotfish.models.resilience import Resilience
from pilotfish.models.settings import Settings
from pilotfish.models.spec import ModelSpec
from pilotfish.prompts import RenderedPrompt
from pilotfish.router.llm import load_llm
from pilotfish.router.load import load_policy
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy, FakeRetriever
from pilotfish.tracing.call import Arm, CallContext, Purpose
from pilotfish.tracing.content import content_digest, prompt_text
from pilotfish.tracing.ledger import Ledger

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
TEXT = "The Suez Canal admits a draft of 20.1 m."
PASSAGE = Evidence(source="a.md", text=TEXT, chunk_id="c", start=0, end=len(TEXT), rank=1, grade="sufficient")
PLAN = json.dumps({"subtasks": [{"id": "s1", "text": "What is the draft?", "depends_on": []}]})


class Watched(ScriptedChat):
    """A chat model that notes every request that reached it, in the ledger's own hash."""

    touched: Any
    """A list; typed as one, pydantic would copy it."""

    def _generate(self, messages: Any, *arguments: Any, **more: Any) -> Any:
        roles = {"human": "user", "ai": "assistant"}
        sent = [(roles.get(message.type, message.type), str(message.content)) for message in messages]
        self.touched.append(content_digest(prompt_text(sent)))
        return super()._generate(messages, *arguments, **more)


class Replies:
    """One reply after the other, the last for ever; an exception is raised."""

    def __init__(self, *replies: str | Exception) -> None:
        self._replies = list(replies)

    def __call__(self, _text: str) -> str:
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One way to a model."""

    purposes: frozenset[str]
    """Those of the calls that are made on it."""
    least: int = 1
    """Requests that must have reached a model, or the walk is not what it is called."""
    local: tuple[str | Exception, ...] = ("fish",)
    large: tuple[str | Exception, ...] | None = None
    subtask: Mapping[str, Any] = field(default_factory=dict[str, Any])
    thinking: bool = False
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of the agent; `router` replies for the llm policy."""
    router: tuple[str, ...] | None = None
    lanes: Callable[[Lane, Lane], Lane] | None = None
    """What the local lane becomes, from itself and the large one."""


class OneRollout:
    """A rollout that gives everybody the same arm, and shadows the baseline's requests."""

    id = "r"

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def assign(self, _unit: str, **_whose: str) -> Arm | None:
        return self._arm

    def shadows(self, _unit: str, **_whose: str) -> bool:
        return True

    def forgo(self, _pair: str, /) -> None:
        """Nobody counts."""

    def observe(self, _observation: Any, **_more: str) -> None:
        """Nobody looks."""


ANSWER = frozenset({"answer"})
WALKS = {
    "local": Walk(purposes=ANSWER, more={"votes": 1}),
    "retrieval": Walk(
        purposes=ANSWER,
        local=("20.1 m",),
        more={"corpus": FakeRetriever(lambda _query, _k: [PASSAGE])},
        subtask={"lane": "retrieval", "text": "What draft does the Suez Canal admit?"},
    ),
    "large": Walk(purposes=ANSWER, large=("big",), subtask={"lane": "large"}),
    "tool": Walk(
        purposes=frozenset(), least=0, subtask={"tool": "calculator", "arguments": {"expression": "1 + 1"}}
    ),
    "votes": Walk(purposes=frozenset({"answer", "sample"}), least=3, local=("a", "b", "c", "d", "e")),
    "escalation": Walk(purposes=ANSWER, least=2, local=("",), large=("big",)),
    "retry": Walk(
        purposes=ANSWER,
        least=2,
        local=(ConnectionError("reset"), "fish"),
        more={"votes": 1, "resilience": Resilience(wait_s=0.0)},
    ),
    "repair": Walk(purposes=ANSWER, least=2, local=("no", '{"n": 1}'), subtask={"answer_schema": SCHEMA}),
    "extraction": Walk(
        purposes=ANSWER,
        least=2,
        thinking=True,
        local=("<think>hm</think>one", '{"n": 1}'),
        subtask={"answer_schema": SCHEMA},
    ),
    "fallback": Walk(
        purposes=ANSWER,
        least=2,
        local=(ValueError("context overflow"),),
        large=("big",),
        lanes=lambda local, large: FallbackLane((local, large), on=frozenset(get_args(EscalationReason))),
        more={"votes": 1},
    ),
    "hedge": Walk(
        purposes=ANSWER,
        least=2,
        local=("",),
        large=("big",),
        lanes=lambda local, large: HedgedLane(local, large, 60.0),
        more={"votes": 1},
    ),
    "candidate": Walk(
        purposes=ANSWER,
        large=("big",),
        lanes=lambda local, large: Canary(local, large, OneRollout("candidate")),
        more={"votes": 1},
    ),
    "shadow": Walk(
        purposes=frozenset({"answer", "shadow"}),
        least=2,
        large=("big",),
        lanes=lambda local, large: Canary(local, large, OneRollout("baseline")),
        more={"votes": 1},
    ),
    "planner": Walk(
        purposes=frozenset({"plan", "answer"}),
        least=2,
        local=(PLAN, "fish"),
        more={"planner": "llm", "votes": 1},
    ),
    "planner, repair turn": Walk(
        purposes=frozenset({"plan", "answer"}),
        least=3,
        local=("no plan", PLAN, "fish"),
        more={"planner": "llm", "votes": 1},
    ),
    "llm policy": Walk(
        purposes=frozenset({"route", "answer"}), least=2, router=("reasoning",), more={"votes": 1}
    ),
    "llm policy, repair turn": Walk(
        purposes=frozenset({"route", "answer"}), least=3, router=("hm", "reasoning"), more={"votes": 1}
    ),
}


@pytest.fixture
def touched() -> list[str]:
    return []


def carry_out(walk: Walk, home: Path, touched: list[str], monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The walk's run; a plan that nobody could make is its end too."""
    settings = Settings(home=home)
    more: dict[str, Any] = {
        "policy": FakePolicy(),
        "planner": Plan([Subtask(**{"id": "s1", "text": "Which fish is it?", **walk.subtask})]),
        **walk.more,
    }
    if walk.router is not None:
        router = Watched(reply=Replies(*walk.router), touched=touched, model_name="router")
        more["policy"] = load_llm(model=router, fallback=load_policy("rules"), logprobs=False)
    if walk.large is not None:
        more["large"] = Watched(reply=Replies(*walk.large), touched=touched, model_name="large")
    if walk.thinking:
        monkeypatch.setattr("pilotfish.agents.assembly.load_chat", _thinking)
    local = Watched(reply=Replies(*walk.local), touched=touched)
    agent = Agent(local=local, settings=settings, **more)
    if walk.lanes is not None:
        lanes = agent.services.lanes
        lanes = {**lanes, "local": walk.lanes(lanes["local"], lanes["large"])}
        agent.__dict__["services"] = dataclasses.replace(agent.services, lanes=lanes)
    agent.run("Which fish is it?", data_class="public")
    return Ledger(home / "ledger.db")


def _thinking(chat: Any, **_options: Any) -> tuple[Any, ModelSpec]:
    return chat, dataclasses.replace(spec_for(chat), thinking="tags")


@pytest.mark.parametrize("name", WALKS)
def test_every_request_that_reached_a_model_is_recorded_in_full(
    name: str, tmp_path: Path, touched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = WALKS[name]
    ledger = carry_out(walk, tmp_path, touched, monkeypatch)
    (run,) = ledger.runs()
    calls = [record.body for record in ledger.records(run.run_id, "call")]
    assert len(touched) >= walk.least
    assert sorted(call["prompt_sha256"] for call in calls) == sorted(touched)
    assert {call["purpose"] for call in calls} == walk.purposes
    for call in calls:
        for must in ("model_id", "model_digest", "prompt_name", "prompt_version", "data_classes", "purpose"):
            assert call[must], must
        assert call["request_sha256"]
        assert "public" in call["data_classes"]


def _no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    init = ModelClient.__init__

    def bare(self: ModelClient, model: Any, spec: ModelSpec, **more: Any) -> None:
        init(self, model, dataclasses.replace(spec, sha256="", revision=""), **more)

    monkeypatch.setattr(ModelClient, "__init__", bare)


def _no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    init = ModelClient.__init__

    def bare(self: ModelClient, model: Any, spec: ModelSpec, **more: Any) -> None:
        init(self, model, dataclasses.replace(spec, id=""), **more)

    monkeypatch.setattr(ModelClient, "__init__", bare)


def _asked_without(
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[RenderedPrompt, CallContext], tuple[RenderedPrompt, CallContext]],
) -> None:
    complete = ModelClient.complete

    async def bare(
        self: ModelClient, prompt: RenderedPrompt, *, context: CallContext, **more: Any
    ) -> Completion:
        prompt, context = change(prompt, context)
        return await complete(self, prompt, context=context, **more)

    monkeypatch.setattr(ModelClient, "complete", bare)


def _no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    _asked_without(monkeypatch, lambda prompt, context: (dataclasses.replace(prompt, version=""), context))


def _no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _asked_without(monkeypatch, lambda prompt, context: (dataclasses.replace(prompt, name=""), context))


def _no_class(monkeypatch: pytest.MonkeyPatch) -> None:
    _asked_without(
        monkeypatch, lambda prompt, context: (prompt, dataclasses.replace(context, data_classes=()))
    )


@pytest.mark.parametrize("without", [_no_digest, _no_id, _no_version, _no_name, _no_class])
@pytest.mark.parametrize("name", WALKS)
def test_with_anything_missing_no_model_is_reached(
    name: str,
    without: Callable[[pytest.MonkeyPatch], None],
    tmp_path: Path,
    touched: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch)
    try:
        ledger = carry_out(WALKS[name], tmp_path, touched, monkeypatch)
    except (ValueError, PlanError):
        ledger = Ledger(tmp_path / "ledger.db")
    assert touched == []
    (run,) = ledger.runs()
    assert ledger.records(run.run_id, "call") == []


async def test_a_second_request_is_held_to_the_same_as_the_first(
    touched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extraction has a prompt of its own: without a version it is not sent, though the thinking was."""
    from pilotfish.prompts import load_prompt

    chat, spec = _thinking(Watched(reply=Replies("<think>hm</think>one", '{"n": 1}'), touched=touched))
    monkeypatch.setattr(
        "pilotfish.models.client.load_prompt", lambda name: dataclasses.replace(load_prompt(name), version="")
    )
    prompt = load_prompt("agent_structured").render(question="How many?", known="")
    with pytest.raises(ValueError, match="needs a name and a version"):
        await ModelClient(chat, spec).complete(
            prompt, context=CallContext(data_classes=("public",)), schema=SCHEMA
        )
    assert len(touched) == 1


@pytest.mark.parametrize("purpose", get_args(Purpose))
async def test_a_call_is_recorded_under_every_purpose_there_is(
    purpose: Purpose, tmp_path: Path, touched: list[str]
) -> None:
    from pilotfish.agents.caller import Model
    from pilotfish.agents.scope import open_scope, start_run
    from pilotfish.prompts import load_prompt

    chat = Watched(reply=Replies("fish"), touched=touched)
    services = Agent(local=chat, settings=Settings(home=tmp_path), policy=FakePolicy()).services
    start_run(services, "r1", "task", "public", "")
    scope = open_scope(services, "r1", "task", lambda _event: None)
    caller = scope.caller(scope.meter, "s1").meaning(purpose)
    prompt = load_prompt("agent_answer").render(question="Which fish?", known="")
    await caller.complete(Model(chat=chat, spec=spec_for(chat)), prompt)
    (record,) = services.ledger.records("r1", "call")
    assert (record.body["purpose"], record.body["data_classes"]) == (purpose, ["public"])
    assert scope.meter.spend.calls == (0 if purpose == "shadow" else 1)
