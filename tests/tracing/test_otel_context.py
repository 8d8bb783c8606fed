"""W3C trace context: from the caller into a run, and out of it into requests; a resumed run links to its beginning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, Plan, Subtask
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.model_server import ModelServer
from pilotfish.testing.otlp_receiver import OtlpReceiver, otlp_receiver
from pilotfish.tracing.otel import OtelTelemetry
from pilotfish.tracing.otlp import Collector
from pilotfish.tracing.telemetry import carried_from

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STEPS = Plan(subtasks=(Subtask(id="s1", text="How much?", lane="local"),))


@pytest.fixture
def receiver() -> Generator[OtlpReceiver]:
    with otlp_receiver() as listening:
        yield listening


@pytest.fixture
def collector(receiver: OtlpReceiver) -> Generator[Collector]:
    collector = Collector(receiver.endpoint, loopback=True)
    yield collector
    collector.close()


def agent(tmp_path: Path, collector: Collector | None, **more: Any) -> Agent:
    more.setdefault("local", ScriptedChat(reply=lambda _text: "Answer: 4"))
    telemetry = None if collector is None else OtelTelemetry(collector.tracer_provider, collector=collector)
    return Agent(
        policy=FakePolicy(),
        planner=STEPS,
        votes=1,
        settings=Settings(home=tmp_path),
        telemetry=telemetry,
        **more,
    )


def the_caller_is_above_it_all(receiver: OtlpReceiver, collector: Collector) -> None:
    assert collector.flush(timeout_s=10)
    mine = receiver.one("mine")
    assert receiver.parent(receiver.one("invoke_workflow")) == mine
    chat = receiver.one("chat")
    assert receiver.parent(chat) == receiver.one("invoke_agent s1")
    assert chat.trace_id == mine.trace_id


def test_a_run_goes_on_in_the_trace_of_its_caller(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    with collector.tracer_provider.get_tracer("t").start_as_current_span("mine"):
        agent(tmp_path, collector).run("Add")
    the_caller_is_above_it_all(receiver, collector)


async def test_also_from_within_a_running_loop(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    with collector.tracer_provider.get_tracer("t").start_as_current_span("mine"):
        agent(tmp_path, collector).run("Add")  # a thread takes it
    the_caller_is_above_it_all(receiver, collector)


async def test_also_as_a_stream(tmp_path: Path, receiver: OtlpReceiver, collector: Collector) -> None:
    with collector.tracer_provider.get_tracer("t").start_as_current_span("mine"):
        assert [event async for event in agent(tmp_path, collector).astream("Add")]
    the_caller_is_above_it_all(receiver, collector)


def test_a_command_goes_on_in_the_trace_of_its_environment(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    with carried_from({"TRACEPARENT": f"00-{TRACE}-{PARENT}-01"}):
        agent(tmp_path, collector).run("Add")
    agent(tmp_path, collector).run("Add")
    collector.flush(timeout_s=10)
    first, second = receiver.named("invoke_workflow")
    assert (first.trace_id, first.parent_id) == (TRACE, PARENT)
    assert (second.trace_id == TRACE, second.parent_id) == (False, "")


def test_a_malformed_trace_context_is_as_good_as_none(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    with carried_from({"TRACEPARENT": "00-zebra"}):
        agent(tmp_path, collector).run("Add")
    collector.flush(timeout_s=10)
    assert receiver.one("invoke_workflow").parent_id == ""


def test_a_request_to_an_endpoint_carries_the_context_of_its_own_span(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    with ModelServer() as server:
        agent(tmp_path, collector, local=server.model()).run("Add")
        (request,) = server.seen
    collector.flush(timeout_s=10)
    chat = receiver.one("chat")
    assert request.headers["traceparent"].startswith(f"00-{chat.trace_id}-{chat.span_id}-")
    assert chat.kind == 3
    assert chat.attributes["server.address"] == "127.0.0.1"
    assert "baggage" not in request.headers


def test_without_telemetry_a_request_carries_nothing(tmp_path: Path) -> None:
    with ModelServer() as server, carried_from({"TRACEPARENT": f"00-{TRACE}-{PARENT}-01"}):
        agent(tmp_path, None, local=server.model()).run("Add")
        (request,) = server.seen
    assert "traceparent" not in request.headers


def test_a_resumed_run_links_to_the_trace_it_began_in(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    asker = agent(tmp_path, collector, approve=True)
    waiting = asker.run("Add")
    assert waiting.status == "awaiting_approval"
    assert asker.resume(waiting.run_id, approve=True).status in ("answered", "partial")
    collector.flush(timeout_s=10)
    began, went_on = receiver.named("invoke_workflow")
    assert began.links == ()
    assert went_on.links == ((began.trace_id, began.span_id),)
    assert went_on.attributes["pilotfish.resumed"] is True
    assert went_on.trace_id != began.trace_id
    assert {span.attributes["pilotfish.run_id"] for span in (began, went_on)} == {waiting.run_id}


def test_what_a_resumed_run_keeps_from_before_says_so(
    tmp_path: Path, receiver: OtlpReceiver, collector: Collector
) -> None:
    asker = agent(tmp_path, collector)
    asker.resume(asker.run("Add").run_id)
    collector.flush(timeout_s=10)
    first, second = receiver.named("invoke_agent")
    assert "pilotfish.from_ledger" not in first.attributes
    assert second.attributes["pilotfish.from_ledger"] is True
    assert len(receiver.named("chat")) == 1


def test_the_command_line_sends_what_it_did_before_it_ends(tmp_path: Path, receiver: OtlpReceiver) -> None:
    with ModelServer() as server:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from pilotfish.cli.main import main; main()",
                "ask",
                "How much is 2 + 2?",
                "--local",
                server.model(),
            ],
            env={
                **os.environ,
                "PILOTFISH_HOME": str(tmp_path),
                "PILOTFISH_OTLP_ENDPOINT": receiver.endpoint,
                "TRACEPARENT": f"00-{TRACE}-{PARENT}-01",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "Traceback" not in done.stderr
    root = receiver.one("invoke_workflow")
    assert (root.trace_id, root.parent_id) == (TRACE, PARENT)
    assert receiver.measures
