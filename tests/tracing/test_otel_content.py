"""Text of users, documents and models in traces: none unless asked for, and never what may not leave."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, Evidence, Plan, Subtask
from pilotfish.models.data_policy import DataPolicy, Rule
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy, FakeRetriever
from pilotfish.testing.otlp_receiver import OtlpReceiver, otlp_receiver
from pilotfish.tracing.otel import OtelTelemetry
from pilotfish.tracing.otlp import Collector
from pilotfish.tracing.telemetry import Locality

SECRET = "The Marigold canal admits a draft of 20.1 m."
TASK = "Narwhal: what draft does the canal admit?"


@pytest.fixture
def receiver() -> Generator[OtlpReceiver]:
    with otlp_receiver() as listening:
        yield listening


def run(
    tmp_path: Path,
    receiver: OtlpReceiver,
    steps: Plan,
    *,
    content: bool,
    locality: Locality = "remote",
    data_class: str | None = None,
    passage_class: str = "internal",
    **more: Any,
) -> None:
    collector = Collector(receiver.endpoint, loopback=True)
    telemetry = OtelTelemetry(
        collector.tracer_provider,
        collector.meter_provider,
        content=content,
        locality=locality,
        collector=collector,
    )
    passage = Evidence(
        source="suez.md",
        text=SECRET,
        chunk_id="c1",
        start=0,
        end=len(SECRET),
        rank=1,
        grade="sufficient",
        data_class=passage_class,
    )
    done = Agent(
        local=ScriptedChat(reply=lambda _text: "Answer: 20.1 m, says Periwinkle"),
        policy=FakePolicy(),
        corpus=FakeRetriever(lambda _query, _k: [passage]),
        planner=steps,
        settings=Settings(home=tmp_path),
        telemetry=telemetry,
        votes=1,
        **more,
    ).run(TASK, data_class=data_class)
    assert done.subtasks
    telemetry.flush(timeout_s=10)
    collector.close()
    assert receiver.named("chat")


def steps(**more: Any) -> Plan:
    arguments = {"expression": "1001 + 1001"}
    tool = Subtask(id="sum", text="Add", tool="calculator", arguments=arguments, **more)
    return Plan(subtasks=(Subtask(id="s1", text=TASK, lane="retrieval", **more), tool))


def seen(receiver: OtlpReceiver, text: str) -> bool:
    return any(text.encode() in body for body in receiver.bodies)


TEXTS = ("Narwhal", "Marigold", "Periwinkle", "1001", "2002")


def test_no_text_is_sent_unless_asked_for(tmp_path: Path, receiver: OtlpReceiver) -> None:
    run(tmp_path, receiver, steps(), content=False, locality="local")
    assert not [text for text in TEXTS if seen(receiver, text)]
    assert not any("messages" in name for span in receiver.spans for name in span.attributes)


def test_text_is_sent_in_the_conventions_own_form_when_asked_for(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    run(tmp_path, receiver, steps(), content=True)
    chat = receiver.one("chat").attributes
    asked = json.loads(chat["gen_ai.input.messages"])
    assert {message["role"] for message in asked} <= {"system", "user"}
    assert "Narwhal" in asked[-1]["parts"][0]["content"]
    (said,) = json.loads(chat["gen_ai.output.messages"])
    assert (said["role"], said["finish_reason"]) == ("assistant", "stop")
    assert "Periwinkle" in said["parts"][0]["content"]
    search = receiver.one("retrieval").attributes
    assert search["gen_ai.retrieval.query.text"] == TASK
    assert json.loads(search["gen_ai.retrieval.documents"])[0]["content"] == SECRET
    tool = receiver.one("execute_tool").attributes
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"expression": "1001 + 1001"}
    assert "2002" in tool["gen_ai.tool.call.result"]
    assert receiver.one("invoke_workflow").attributes["pilotfish.task"] == TASK


def test_restricted_text_goes_to_no_collector_beyond_this_machine(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    run(tmp_path, receiver, steps(), content=True, data_class="restricted")
    assert not [text for text in TEXTS if seen(receiver, text)]
    assert receiver.one("chat").attributes["pilotfish.content_withheld"] is True
    assert "restricted" in receiver.one("chat").attributes["pilotfish.data_classes"]


def test_restricted_text_may_go_to_a_collector_on_this_machine(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    run(tmp_path, receiver, steps(), content=True, locality="local", data_class="restricted")
    assert all(seen(receiver, text) for text in TEXTS)


def test_one_restricted_subtask_keeps_itself_and_the_whole_answer_back(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    run(tmp_path, receiver, steps(data_class="restricted"), content=True)
    assert receiver.one("invoke_workflow").attributes["pilotfish.task"] == TASK  # the task itself is internal
    assert not [text for text in TEXTS if text != "Narwhal" and seen(receiver, text)]
    assert "pilotfish.answer" not in receiver.one("invoke_workflow").attributes


def test_a_restricted_passage_is_kept_back_and_all_that_was_read_from_it(
    tmp_path: Path, receiver: OtlpReceiver
) -> None:
    run(tmp_path, receiver, steps(), content=True, passage_class="restricted")
    assert seen(receiver, "1001")
    assert not [text for text in ("Marigold", "Periwinkle") if seen(receiver, text)]


def test_what_the_ledger_may_not_keep_no_collector_is_sent(tmp_path: Path, receiver: OtlpReceiver) -> None:
    forgetful = DataPolicy(rules={"internal": Rule(localities=("local", "remote"), keep_content=False)})
    run(tmp_path, receiver, steps(), content=True, locality="local", data_policy=forgetful)
    assert not [text for text in TEXTS if seen(receiver, text)]


def test_a_class_without_a_rule_is_shown_nowhere(tmp_path: Path, receiver: OtlpReceiver) -> None:
    policy = DataPolicy(rules={"internal": Rule(localities=("local", "remote"))})
    collector = Collector(receiver.endpoint, loopback=True)
    telemetry = OtelTelemetry(collector.tracer_provider, content=True, locality="local", collector=collector)

    def may_leave(classes: Any, where: Any) -> bool:
        return policy.refusal(classes, locality=where) is None

    for one in (telemetry, telemetry.under(may_leave)):
        with one.span("plan", data_classes=("unheard-of",)) as span:
            span.show(task=TASK)
        with one.span("plan") as span:  # and what has no class at all
            span.show(task=TASK)
    telemetry.flush(timeout_s=10)
    collector.close()
    assert len(receiver.spans) == 4
    assert not seen(receiver, "Narwhal")


def test_nobody_vouches_for_telemetry_used_alone(receiver: OtlpReceiver) -> None:
    collector = Collector(receiver.endpoint, loopback=True)
    telemetry = OtelTelemetry(collector.tracer_provider, content=True, locality="local", collector=collector)
    with telemetry.span("plan", data_classes=("public",)) as span:
        span.show(task=TASK)
    with pytest.raises(ValueError, match="is content"), telemetry.span("plan") as span:
        span.set(task=TASK)
    telemetry.flush(timeout_s=10)
    collector.close()
    assert not seen(receiver, "Narwhal")
