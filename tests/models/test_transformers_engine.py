from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError

from pilotfish.models.client import ModelClient
from pilotfish.models.load import load_chat
from pilotfish.models.local_chat import EngineError, Request
from pilotfish.models.settings import load_settings
from pilotfish.models.spec import Sampling
from pilotfish.models.transformers_engine import TransformersChat
from pilotfish.models.weights import WeightsError
from pilotfish.prompts import RenderedPrompt
from pilotfish.tracing.call import CallContext

CONTEXT = CallContext(data_classes=("internal",))

WORDS = [f"w{n}" for n in range(40)]
TEMPLATE = "{% for m in messages %}<s> {{ m['content'] }} {% endfor %}"
PROMPT = RenderedPrompt(name="t", version="1", messages=(("user", "w1 w2 w3"),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one layer with random weights, and a tokenizer of forty words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    vocabulary = {word: n for n, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *WORDS])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


class Watch(TransformersChat):
    tickets: list[Any] = []  # noqa: RUF012 - a pydantic field

    def _start(self, request: Request, sink: Any) -> None:
        self.tickets.append(request.ticket)
        super()._start(request, sink)


@pytest.fixture
def chat(folder: Path) -> Watch:
    return Watch(path=folder, model_id="tiny", sampling=Sampling(temperature=1.0, max_tokens=12))


def test_a_folder_is_loaded_by_its_path(folder: Path) -> None:
    model, spec = load_chat(str(folder), settings=load_settings())
    assert isinstance(model, TransformersChat)
    assert (spec.engine, len(spec.sha256)) == ("transformers", 64)


def test_an_answer_tells_model_reason_and_usage(chat: Watch) -> None:
    answers = [chat.invoke("w1 w2 w3", seed=seed, max_tokens=12) for seed in range(8)]
    for answer in answers:
        usage, metadata = answer.usage_metadata, answer.response_metadata
        assert usage is not None
        assert (usage["input_tokens"], metadata["model_name"]) == (4, "tiny")
        shown = len([word for word in answer.text.split() if word in WORDS])
        assert shown <= usage["output_tokens"] <= 12
        assert usage["output_tokens"] == 12 or metadata["finish_reason"] == "stop"
    assert {answer.response_metadata["finish_reason"] for answer in answers} == {"length", "stop"}


async def test_streams_bring_pieces_that_add_up_to_the_answer(chat: Watch) -> None:
    whole = chat.invoke("w1 w2", seed=3).text
    assert "".join(chunk.text for chunk in chat.stream("w1 w2", seed=3)) == whole
    assert "".join([chunk.text async for chunk in chat.astream("w1 w2", seed=3)]) == whole


async def test_a_seed_repeats_an_answer_also_among_others_and_leaves_torch_as_it_was(chat: Watch) -> None:
    import torch

    before = torch.random.get_rng_state()
    alone = [chat.invoke("w1 w2", seed=seed).text for seed in range(6)]
    together = await asyncio.gather(*(chat.ainvoke("w1 w2", seed=seed) for seed in range(6)))
    assert [answer.text for answer in together] == alone
    assert len(set(alone)) > 1
    assert torch.equal(before, torch.random.get_rng_state())


async def test_the_deadline_and_a_cancel_really_stop_the_generation(chat: Watch) -> None:
    chat.invoke("w1", max_tokens=1)
    endless = {"max_tokens": 4000, "temperature": 0.0}
    with pytest.raises(TimeoutError, match="'tiny' did not finish"):
        chat.invoke("w1", timeout_s=0.0, **endless)
    stream = chat.astream("w1", **endless)
    await anext(stream)
    await stream.aclose()
    for ticket in chat.tickets:
        await asyncio.wrap_future(ticket.done)
        assert ticket.stopped


async def test_the_client_sees_a_cut_answer_and_an_overflow(chat: Watch) -> None:
    client = ModelClient(chat, load_chat(chat, settings=load_settings())[1])
    assert (await client.complete(PROMPT, context=CONTEXT, seed=1)).call.output_tokens <= 12
    with pytest.raises(ContextOverflowError, match="context of 4096"):
        await chat.ainvoke("w1 " * 5000)
    long = RenderedPrompt(name="t", version="1", messages=(("user", "w1 " * 5000),))
    assert (await client.complete(long, context=CONTEXT)).failure == "truncated"


def test_no_warning_is_given(chat: Watch, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chat.invoke("w1", temperature=0.0)
        chat.invoke("w1", temperature=0.7, top_p=0.9)
    assert capfd.readouterr().err == ""


def test_trouble_inside_the_engine_is_an_engine_error(chat: Watch) -> None:
    with pytest.raises(EngineError, match="'tiny'"):
        chat.invoke("w1", top_p=-3.0)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="transformers cannot load"):
        TransformersChat(path=tmp_path, model_id="none").invoke("Hi")
