from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from pilotfish.models.client import ModelClient
from pilotfish.models.llama_server import LlamaServer
from pilotfish.models.llamacpp import LlamaCppChat
from pilotfish.models.load import load_chat
from pilotfish.models.local_chat import Request, Ticket
from pilotfish.models.settings import load_settings
from pilotfish.models.weights import WeightsError
from pilotfish.prompts import RenderedPrompt
from pilotfish.tracing.call import CallContext

CONTEXT = CallContext(data_classes=("internal",))

LANDS = {
    "Japan": "Tokyo",
    "Germany": "Berlin",
    "Egypt": "Cairo",
    "Greece": "Athens",
    "Norway": "Oslo",
    "Peru": "Lima",
    "Cuba": "Havana",
    "China": "Beijing",
}
STORY = "Tell a very long story about a ship."


class Watch(LlamaCppChat):
    """Keeps the tickets of its calls, to see what becomes of the generation behind them."""

    tickets: list[Any] = []  # noqa: RUF012 - a pydantic field

    def _start(self, request: Request, sink: Any) -> None:
        self.tickets.append(request.ticket)
        super()._start(request, sink)


@pytest.fixture(scope="module")
def chat(weights: Path) -> LlamaCppChat:
    model, _ = load_chat("smollm2-135m", settings=load_settings(home=weights))
    assert isinstance(model, LlamaCppChat)
    return model


@pytest.fixture
def watch(chat: LlamaCppChat) -> Watch:
    return Watch(path=chat.path, model_id=chat.model_id, context=chat.context)


def capital(land: str) -> RenderedPrompt:
    return RenderedPrompt(name="t", version="1", messages=(("user", f"What is the capital of {land}?"),))


@pytest.mark.weights
def test_an_answer_tells_model_reason_and_usage(chat: LlamaCppChat) -> None:
    answer = chat.invoke("What is the capital of Japan?")
    assert "Tokyo" in answer.text
    assert answer.response_metadata == {"finish_reason": "stop", "model_name": "smollm2-135m"}
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


@pytest.mark.weights
def test_a_cut_answer_says_length(chat: LlamaCppChat) -> None:
    answer = chat.invoke(STORY, max_tokens=4)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 4


@pytest.mark.weights
async def test_streams_bring_pieces_that_add_up_to_the_answer(chat: LlamaCppChat) -> None:
    question = "What is the capital of Norway?"
    whole = chat.invoke(question).text
    pieces = [chunk.text for chunk in chat.stream(question)]
    assert "".join(pieces) == whole
    assert len([piece for piece in pieces if piece]) > 3
    assert "".join([chunk.text async for chunk in chat.astream(question)]) == whole


@pytest.mark.weights
def test_a_seed_repeats_an_answer_and_another_one_changes_it(chat: LlamaCppChat) -> None:
    drawn = {"temperature": 1.0, "max_tokens": 24}
    one, again, other = (chat.invoke(STORY, seed=seed, **drawn).text for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.weights
async def test_eight_calls_at_once_are_never_mixed(chat: LlamaCppChat) -> None:
    client = ModelClient(chat, load_chat(chat, settings=load_settings())[1])
    done = await asyncio.gather(
        *(client.complete(capital(land), context=CONTEXT, seed=n) for n, land in enumerate(LANDS))
    )
    for (land, city), one in zip(LANDS.items(), done, strict=True):
        assert city in one.text, (land, one.text)


@pytest.mark.weights
async def test_the_deadline_really_stops_the_generation(watch: Watch) -> None:
    with pytest.raises(TimeoutError, match=r"'smollm2-135m' did not finish within 0\.05 s"):
        await watch.ainvoke(STORY, timeout_s=0.05, max_tokens=3000)
    with pytest.raises(TimeoutError):
        watch.invoke(STORY, timeout_s=0.05, max_tokens=3000)
    for ticket in watch.tickets:
        assert ticket.stopped
        ticket.done.result(timeout=60)


@pytest.mark.weights
async def test_cancelling_really_stops_the_generation(watch: Watch) -> None:
    stream = watch.astream(STORY, max_tokens=3000)
    task = asyncio.ensure_future(anext(stream))
    await task
    waiting = asyncio.create_task(watch.ainvoke(STORY, max_tokens=3000))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await stream.aclose()
    for ticket in watch.tickets:
        await asyncio.wrap_future(ticket.done)
        assert ticket.stopped


@pytest.mark.weights
def test_leaving_a_stream_early_stops_the_generation(watch: Watch) -> None:
    for _ in watch.stream(STORY, max_tokens=3000):
        break
    (ticket,) = watch.tickets
    ticket.done.result(timeout=60)
    assert ticket.stopped


class Answer(BaseModel):
    city: Literal["Oslo", "Bergen"]
    sure: bool


@pytest.mark.weights
async def test_a_grammar_holds_the_answer_to_its_schema(chat: LlamaCppChat) -> None:
    question = "Is the capital of Norway Oslo or Bergen? Answer in JSON."
    assert isinstance(chat.with_structured_output(Answer).invoke(question), Answer)
    raw = await chat.with_structured_output(Answer.model_json_schema(), include_raw=True).ainvoke(question)
    assert raw["parsed"]["city"] in ("Oslo", "Bergen")
    assert raw["parsing_error"] is None
    assert raw["raw"].usage_metadata


@pytest.mark.weights
def test_a_grammar_of_ones_own(chat: LlamaCppChat) -> None:
    assert chat.invoke(STORY, grammar='root ::= "aye" | "nay"').text in ("aye", "nay")


@pytest.mark.weights
async def test_a_prompt_that_does_not_fit_is_a_failure(chat: LlamaCppChat) -> None:
    client = ModelClient(chat, load_chat(chat, settings=load_settings())[1])
    prompt = RenderedPrompt(name="t", version="1", messages=(("user", "word " * 9000),))
    done = await client.complete(prompt, context=CONTEXT)
    assert done.failure == "truncated"
    assert "does not fit" in done.detail


@pytest.mark.weights
def test_one_server_for_each_weights_file(chat: LlamaCppChat) -> None:
    other = LlamaCppChat(path=chat.path, model_id="again")
    assert other.server is chat.server
    assert chat.server.address.startswith("http://127.0.0.1:")


@pytest.mark.weights
def test_the_engine_says_nothing_on_the_terminal(
    weights: Path, chat: LlamaCppChat, capfd: pytest.CaptureFixture[str]
) -> None:
    server = LlamaServer(chat.path, threads=1, slots=1, context=2048)
    seen: list[Any] = []
    ticket = Ticket()
    server.start(
        {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "stream": True},
        seen.append,
        ticket,
    )
    ticket.done.result(timeout=60)
    server.close()
    assert seen[-1] is None
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF but not really")
    with pytest.raises(WeightsError, match=r"cannot load '.*broken\.gguf'"):
        LlamaCppChat(path=file, model_id="broken").invoke("Hi")
