"""A run as a collector on the loopback sees it: the tree of spans, what they say, and what is measured."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool

from pilotfish import Agent, DataPolicy, Evidence, Plan, Subtask
from pilotfish.agents.budget import Budget
from pilotfish.models.data_policy import Rule
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy, FakeRetriever
from pilotfish.testing.otlp_receiver import OtlpReceiver, ReceivedSpan, otlp_receiver
from pilotfish.tracing.otel import OtelTelemetry
from pilotfish.tracing.otlp import Collector
from pilotfish.tracing.telemetry import Telemetry

CORPUS = "The Suez Canal admits a draft of 20.1 m."


@pytest.fixture
def receiver() -> Generator[OtlpReceiver]:
    with otlp_receiver() as listening:
        yield listening


@pytest.fixture
def telemetry(receiver: OtlpReceiver) -> Generator[OtelTelemetry]:
    collector = Collector(receiver.endpoint, loopback=True)
    yield OtelTelemetry(collector.tracer_provider, collector.meter_provider, collector=collector)
    collector.close()


@pytest.fixture
def opened() -> Generator[list[Telemetry]]:
    """Telemetry that a test opened from settings: its threads end with the test."""
    telemetries: list[Telemetry] = []
    yield telemetries
    for each in telemetries:
        assert isinstance(each, OtelTelemetry)
        each.close()


@tool
def double(number: int) -> int:
    """Twice a number."""
    if number < 0:
        raise ValueError("no negative numbers")
    return 2 * number


def plan(*subtasks: Subtask) -> Plan:
    return Plan(subtasks=subtasks, planner="ours")


def agent(tmp_path: Path, telemetry: OtelTelemetry | None, **more: Any) -> Agent:
    more.setdefault("local", ScriptedChat(reply=lambda _text: "Answer: 20.1 m"))
    more.setdefault("policy", FakePolicy())
    more.setdefault("corpus", FakeRetriever(_found))
    return Agent(settings=Settings(home=tmp_path), telemetry=telemetry, name="ports", tools=[double], **more)


def _found(_query: str, _k: int) -> list[Evidence]:
    return [
        Evidence(
            source="suez.md", text=CORPUS, chunk_id="c1", start=0, end=len(CORPUS), rank=1, grade="sufficient"
        )
    ]


def only(spans: list[ReceivedSpan]) -> ReceivedSpan:
    (span,) = spans
    return span


def inside(receiver: OtlpReceiver, span: ReceivedSpan) -> list[str]:
    return sorted(each.name for each in receiver.spans if each.parent_id == span.span_id)


def test_the_spans_of_a_run_form_its_tree(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    large = ScriptedChat(reply=lambda _text: "Answer: 42", model_name="big")
    steps = plan(
        Subtask(id="draft", text="What draft does the Suez Canal admit?", lane="retrieval"),
        Subtask(id="twice", text="Twice 21", tool="double", arguments={"number": 21}),
        Subtask(id="hard", text="What is the answer?", lane="local", verifier="is_42"),
        Subtask(id="after", text="Say #twice again", lane="local", verifier="is_42", depends_on=("twice",)),
    )
    done = agent(
        tmp_path,
        telemetry,
        large=large,
        planner=steps,
        verifiers={"is_42": lambda _subtask, attempt: "42" in attempt.text},
    ).run("Ports")
    assert done.status == "answered"
    assert telemetry.flush(timeout_s=10)

    root = receiver.one("invoke_workflow ports")
    assert root.parent_id == ""
    assert {span.trace_id for span in receiver.spans} == {root.trace_id}
    assert inside(receiver, root) == [
        "invoke_agent after", "invoke_agent draft", "invoke_agent hard", "invoke_agent twice", "plan",
    ]  # fmt: skip
    assert inside(receiver, receiver.one("invoke_agent draft")) == [
        "chat scripted",
        "retrieval FakeRetriever",
    ]
    assert inside(receiver, receiver.one("invoke_agent twice")) == ["execute_tool double"]
    assert inside(receiver, receiver.one("invoke_agent hard")) == ["chat big", "chat scripted"]
    assert inside(receiver, receiver.one("invoke_agent after")) == ["chat big", "chat scripted"]
    assert root.attributes["pilotfish.run_id"] == done.run_id
    assert root.attributes["gen_ai.workflow.name"] == "ports"
    assert receiver.resource["service.name"] == "pilotfish"


def test_a_subtask_says_how_it_was_routed_judged_and_escalated(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    large = ScriptedChat(reply=lambda _text: "Answer: 42", model_name="big")
    steps = plan(Subtask(id="hard", text="What is the answer?", verifier="is_42"))
    checks = {"is_42": lambda _subtask, attempt: "42" in attempt.text}
    agent(tmp_path, telemetry, large=large, planner=steps, verifiers=checks).run("Ports")
    telemetry.flush(timeout_s=10)
    said = receiver.one("invoke_agent hard").attributes
    assert said["gen_ai.operation.name"] == "invoke_agent"
    assert said["pilotfish.escalations"] == ["local>large:verifier_failed"]
    assert {name: said[f"pilotfish.{name}"] for name in ("kind", "lane", "verdict", "policy", "status")} == {
        "kind": "reasoning", "lane": "large", "verdict": "pass", "policy": "fake", "status": "accepted",
    }  # fmt: skip
    (asked,) = receiver.named("chat big")
    assert asked.attributes["gen_ai.request.model"] == "big"
    assert asked.attributes["gen_ai.prompt.name"] == "agent_answer"
    assert asked.attributes["gen_ai.prompt.version"]
    assert asked.attributes["gen_ai.usage.output_tokens"] == 2
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert asked.attributes["pilotfish.model_digest"] == "pilotfish/big"
    assert asked.attributes["pilotfish.data_classes"] == ["internal"]
    assert asked.attributes["pilotfish.subtask_id"] == "hard"


def test_failures_carry_their_type_and_nobodys_words(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    def broken(_text: str) -> str:
        raise ConnectionError("no route to the host called Zanzibar")

    steps = plan(
        Subtask(id="asked", text="What is the answer?", lane="local"),
        Subtask(id="lost", text="And #asked?", depends_on=("asked",)),
        Subtask(id="used", text="Twice", tool="double", arguments={"number": -1}),
    )
    done = agent(tmp_path, telemetry, local=ScriptedChat(reply=broken), corpus=None, planner=steps).run(
        "Ports"
    )
    telemetry.flush(timeout_s=10)
    assert done.status == "failed"
    errors = {span.name: span.attributes.get("error.type") for span in receiver.spans if span.status == 2}
    assert errors["chat scripted"] == "model_unavailable"
    assert errors["invoke_agent asked"] == "model_unavailable"
    assert errors["invoke_agent lost"] == "skipped"
    assert errors["execute_tool double"] == "parse_error"
    assert all(not span.events for span in receiver.spans)  # an exception event holds its message
    assert not any(b"Zanzibar" in body or b"negative" in body for body in receiver.bodies)


def test_what_is_refused_has_a_span_too(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    steps = plan(Subtask(id="s1", text="What is the answer?", lane="local"))
    agent(tmp_path, telemetry, corpus=None, planner=steps, budget=Budget(calls=0)).run("Ports")
    sealed = DataPolicy(rules={"sealed": Rule(localities=())})
    agent(tmp_path, telemetry, corpus=None, planner=steps, data_policy=sealed).run(
        "Ports", data_class="sealed"
    )
    telemetry.flush(timeout_s=10)
    assert {"budget", "data_policy"} <= {span.attributes.get("error.type") for span in receiver.spans}
    assert not receiver.measures  # nothing was sent, so nothing took time


def test_each_sample_of_a_vote_is_a_span_of_its_subtask(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    steps = plan(
        *(Subtask(id=name, text=f"Which day follows {name}?", lane="local") for name in ("a", "b", "c"))
    )
    agent(tmp_path, telemetry, corpus=None, planner=steps).run("Days")
    telemetry.flush(timeout_s=10)
    for name in ("a", "b", "c"):
        subtask = receiver.one(f"invoke_agent {name}")
        chats = [span for span in receiver.named("chat") if span.parent_id == subtask.span_id]
        assert {span.attributes["pilotfish.subtask_id"] for span in chats} == {name}
        assert sorted(span.attributes["pilotfish.purpose"] for span in chats) == [
            "answer",
            "sample",
            "sample",
        ]


def test_tokens_and_durations_are_measured(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    steps = plan(Subtask(id="s1", text="How much?", lane="local"))
    done = agent(tmp_path, telemetry, planner=steps, votes=1).run("Ports")
    telemetry.flush(timeout_s=10)
    tokens = {
        measure.attributes["gen_ai.token.type"]: measure
        for measure in receiver.measures
        if measure.name == "gen_ai.client.token.usage"
    }
    assert (tokens["input"].total, tokens["output"].total) == (
        done.spend.input_tokens,
        done.spend.output_tokens,
    )
    assert tokens["input"].unit == "{token}"
    (duration,) = [m for m in receiver.measures if m.name == "gen_ai.client.operation.duration"]
    assert (duration.count, duration.unit) == (1, "s")
    assert duration.attributes["gen_ai.request.model"] == "scripted"
    assert duration.attributes["gen_ai.operation.name"] == "chat"
    assert not any("run_id" in name for measure in receiver.measures for name in measure.attributes)


async def test_closing_an_agent_sends_what_is_waiting(
    tmp_path: Path, telemetry: OtelTelemetry, receiver: OtlpReceiver
) -> None:
    async with agent(tmp_path, telemetry) as asker:
        await asker.arun("How much is 2 + 2?")
    assert receiver.one("invoke_workflow ports")


def test_an_agent_sends_to_the_collector_in_its_settings(
    tmp_path: Path, receiver: OtlpReceiver, opened: list[Telemetry]
) -> None:
    asker = Agent(
        local=ScriptedChat(reply=lambda _text: "Answer: 4"),
        policy=FakePolicy(),
        settings=Settings(home=tmp_path, otlp_endpoint=f"{receiver.endpoint}/"),
    )
    opened.append(asker.services.calling.telemetry)
    asker.run("How much is 2 + 2?")
    assert asker.services.calling.telemetry.flush(timeout_s=10)
    assert receiver.one("invoke_workflow").attributes["pilotfish.status"] == "answered"
