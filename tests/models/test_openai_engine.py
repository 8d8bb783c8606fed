from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from pydantic import BaseModel

from pilotfish.models.client import Completion, ModelClient
from pilotfish.models.llamacpp import LlamaCppChat
from pilotfish.models.load import load_chat
from pilotfish.models.settings import load_settings
from pilotfish.prompts import RenderedPrompt
from pilotfish.tracing.call import CallContext

CONTEXT = CallContext(data_classes=("internal",))

PROMPT = RenderedPrompt(name="t", version="1", messages=(("user", "What is the capital of Japan?"),))


@pytest.fixture(scope="module")
def address(weights: Path) -> str:
    chat, _ = load_chat("smollm2-135m", settings=load_settings(home=weights))
    assert isinstance(chat, LlamaCppChat)
    return f"{chat.server.address}/v1"


def client(address: str) -> ModelClient:
    return ModelClient(*load_chat(f"openai/smollm2@{address}", settings=load_settings()))


@pytest.mark.weights
def test_an_endpoint_answers_from_one_event_loop_after_another(address: str) -> None:
    asker = client(address)
    done: list[Completion] = [
        asyncio.run(asker.complete(PROMPT, context=CONTEXT, seed=n, temperature=0.0)) for n in range(3)
    ]
    for one in done:
        assert one.failure is None, one.detail
        assert "Tokyo" in one.text
        assert (one.call.finish_reason, one.call.input_tokens > 0, one.call.output_tokens > 0) == (
            "stop",
            True,
            True,
        )


@pytest.mark.weights
async def test_max_tokens_is_understood_and_a_cut_answer_is_truncated(address: str) -> None:
    done = await client(address).complete(PROMPT, context=CONTEXT, max_tokens=3)
    assert (done.failure, done.call.output_tokens) == ("truncated", 3)


@pytest.mark.weights
async def test_streaming_counts_tokens_too(address: str) -> None:
    chunks = [chunk async for chunk in client(address).model.astream("What is the capital of Japan?")]
    assert "Tokyo" in "".join(chunk.text for chunk in chunks)
    assert sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata) > 0


@pytest.mark.weights
async def test_the_deadline_is_a_failure(address: str) -> None:
    story = RenderedPrompt(name="t", version="1", messages=(("user", "Tell a very long story."),))
    done = await client(address).complete(story, context=CONTEXT, timeout_s=0.05, max_tokens=100)
    assert done.failure == "timeout"


async def test_an_unreachable_server_is_a_failure_with_its_address_and_the_remedy() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = await client(f"http://127.0.0.1:{port}/v1").complete(PROMPT, context=CONTEXT)
    assert done.failure == "model_unavailable"
    assert f"http://127.0.0.1:{port}/v1" in done.detail
    assert "PILOTFISH_OPENAI_BASE_URL" in done.detail


class City(BaseModel):
    city: str


@pytest.mark.weights
def test_structured_output_needs_nothing_of_the_server(address: str) -> None:
    result = (
        client(address)
        .model.with_structured_output(City, include_raw=True, max_tokens=16)
        .invoke("Name a city.")
    )
    assert set(result) == {"raw", "parsed", "parsing_error"}
    assert (result["parsed"] is None) == (result["parsing_error"] is not None)
