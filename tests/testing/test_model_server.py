from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

from pilotfish import UsageError
from pilotfish.agents.budget import Budget, Meter
from pilotfish.agents.caller import Caller, Model
from pilotfish.models.calling import Calling
from pilotfish.models.client import Completion, ModelClient
from pilotfish.models.guard import Guards
from pilotfish.models.load import load_chat
from pilotfish.models.resilience import Resilience
from pilotfish.models.settings import load_settings
from pilotfish.prompts import RenderedPrompt
from pilotfish.testing.model_server import FAULTS, Fault, FaultPlan, ModelServer
from pilotfish.tracing.call import Call, CallContext

CONTEXT = CallContext(data_classes=("public",))
PROMPT = RenderedPrompt(name="t", version="1", messages=(("user", "What is it?"),))
ONCE = Resilience(attempts=1)


def client(
    server: ModelServer, terms: Resilience | None = None, *, name: str = ""
) -> tuple[ModelClient, list[Call]]:
    calls: list[Call] = []
    calling = Calling(record=calls.append, guards=Guards(terms or Resilience(wait_s=0.0)))
    return ModelClient(*load_chat(server.model(name), settings=load_settings()), calling=calling), calls


async def ask(server: ModelServer, terms: Resilience | None = None, **more: Any) -> Completion:
    return await client(server, terms)[0].complete(PROMPT, context=CONTEXT, **more)


def faulty(*script: Fault | None, **more: Any) -> ModelServer:
    return ModelServer(faults=FaultPlan(script=script, retry_after_s=0.01, latency_s=0.01, **more))


async def test_it_answers_and_keeps_what_it_saw() -> None:
    with ModelServer(models=("a", "b"), reply=lambda messages: f"{len(messages)} messages") as server:
        done = await client(server, name="b")[0].complete(PROMPT, context=CONTEXT, seed=7)
        async with httpx.AsyncClient() as http:
            listed = (await http.get(f"{server.url}/models")).json()
    assert (done.text, done.call.input_tokens, done.call.output_tokens) == ("1 messages", 3, 2)
    (seen,) = server.seen
    assert (seen.model, seen.body["seed"], seen.fault) == ("b", 7, None)
    assert [row["id"] for row in listed["data"]] == ["a", "b"]


TYPED: dict[Fault, tuple[str | None, str]] = {
    "latency": (None, ""),
    "rate_limit": ("model_unavailable", "429"),
    "error": ("model_unavailable", "500"),
    "hang": ("timeout", "did not answer within 0.05 s"),
    "drop": ("model_unavailable", "disconnected"),
    "truncate": ("model_unavailable", "without sending complete message body"),
    "garbage": ("model_unavailable", "it sent no completion"),
    "wrong_model": ("model_unavailable", "asked for 'stub' and answered with 'another-model'"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_a_typed_failure(fault: Fault) -> None:
    failure, words = TYPED[fault]
    with faulty(fault) as server:
        done = await ask(server, ONCE, timeout_s=0.05 if fault == "hang" else 30.0)
    assert (done.failure, server.requests) == (failure, 1)
    assert words in done.detail
    assert len(done.calls) == 1


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"latency", "wrong_model"}))
async def test_what_passes_by_itself_is_asked_again_and_every_request_is_recorded(fault: Fault) -> None:
    with faulty(fault, fault) as server:
        asker, calls = client(server, Resilience(wait_s=0.0, request_s=0.2 if fault == "hang" else None))
        done = await asker.complete(PROMPT, context=CONTEXT)
    assert (done.failure, done.text) == (None, "Answer: What is it?")
    assert [call.attempt for call in calls] == [1, 2, 3]
    assert [call.failure is None for call in calls] == [False, False, True]
    assert (server.requests, list(done.calls)) == (3, calls)


async def test_an_answer_by_another_model_is_not_asked_for_again_and_is_paid_for() -> None:
    with faulty("wrong_model") as server:
        done = await ask(server)
    assert (done.failure, server.requests, done.call.output_tokens) == ("model_unavailable", 1, 4)


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_a_budget_of_calls_holds_for_repetitions_too(calls: int) -> None:
    with faulty("error", "error", "error") as server:
        chat, spec = load_chat(server.model(), settings=load_settings())
        calling = Calling(guards=Guards(Resilience(wait_s=0.0)))
        caller = Caller(meter=Meter(Budget(calls=calls)), calling=calling, context=CONTEXT)
        done = await caller.complete(Model(chat=chat, spec=spec), PROMPT)
    assert (done.failure, server.requests, len(done.calls)) == ("model_unavailable", calls, calls)


async def test_a_model_the_server_does_not_have_is_not_asked_for_again() -> None:
    with ModelServer() as server:
        done = await client(server, name="other")[0].complete(PROMPT, context=CONTEXT)
    assert (done.failure, server.requests) == ("model_unavailable", 1)
    assert "GET /v1/models" in done.detail


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    calls: list[Call] = []
    calling = Calling(record=calls.append, guards=Guards(Resilience(wait_s=0.0)))
    asker = ModelClient(*load_chat(f"openai/stub@{url}", settings=load_settings()), calling=calling)
    assert (await asker.complete(PROMPT, context=CONTEXT)).failure == "model_unavailable"
    assert len(calls) == 3


async def test_an_answer_that_does_not_fit_its_schema_is_repaired_and_not_retried() -> None:
    with ModelServer(reply=lambda _: "not JSON") as server:
        done = await ask(server, schema={"type": "object"})
    assert (done.failure, server.requests, [call.attempt for call in done.calls]) == (
        "parse_error",
        2,
        [1, 1],
    )


async def test_clients_do_not_repeat_by_themselves() -> None:
    with faulty("error", "error") as server:
        chat, _ = load_chat(server.model(), settings=load_settings())
        with pytest.raises(Exception, match="500"):
            await chat.ainvoke("hello")
        assert server.requests == 1
        with pytest.raises(Exception, match="500"):
            await asyncio.to_thread(chat.invoke, "hello")
        assert server.requests == 2


async def test_streams_come_whole_or_break() -> None:
    with faulty(None, "truncate") as server:
        chat, _ = load_chat(server.model(), settings=load_settings())
        assert "".join([chunk.text async for chunk in chat.astream("one two")]) == "Answer: one two"
        with pytest.raises(Exception, match=r"(?i)connection|peer"):
            _ = [chunk async for chunk in chat.astream("one two")]


def test_a_connection_is_kept_within_an_event_loop_and_not_beyond() -> None:
    with ModelServer() as server:
        asker, calls = client(server)

        async def several() -> None:
            for _ in range(3):
                await asker.complete(PROMPT, context=CONTEXT)

        asyncio.run(several())
        asyncio.run(several())
    assert [call.failure for call in calls] == [None] * 6
    assert server.connections == 2


async def test_the_same_seed_brings_the_same_faults() -> None:
    met = []
    for _ in range(2):
        kinds: tuple[Fault, ...] = ("error", "garbage")
        with ModelServer(faults=FaultPlan(share=0.3, seed=4, kinds=kinds)) as server:
            asker, _ = client(server, ONCE)
            for _ in range(30):
                await asker.complete(PROMPT, context=CONTEXT)
        met.append([seen.fault for seen in server.seen])
    assert met[0] == met[1]
    assert set(met[0]) == {None, "error", "garbage"}


def test_a_fault_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="'explode'"):
        FaultPlan(script=["explode"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="share"):
        FaultPlan(share=1.5)
