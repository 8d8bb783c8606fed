from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from pilotfish import ModelSpec, UnavailableError
from pilotfish.models.calling import Calling
from pilotfish.models.client import ModelClient
from pilotfish.models.guard import Guards
from pilotfish.models.resilience import Resilience
from pilotfish.prompts import RenderedPrompt
from pilotfish.tracing.call import Call, CallContext

CONTEXT = CallContext(data_classes=("internal",))

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PROMPT = RenderedPrompt(name="sum", version="3", messages=(("system", "Add."), ("user", "2 + 3?")))
SPEC = ModelSpec(id="scripted", engine="openai", sha256="abc", price_in=1.0, price_out=10.0)
THINKER = ModelSpec(id="thinker", engine="llamacpp", sha256="abc", thinking="tags")


def message(text: str, finish_reason: str = "stop") -> AIMessage:
    usage: Any = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    return AIMessage(text, usage_metadata=usage, response_metadata={"finish_reason": finish_reason})


class Scripted(BaseChatModel):
    """Answers with its script in order and remembers what it was asked."""

    script: Sequence[Any]
    seed: int | None = None
    _asked: list[tuple[list[BaseMessage], dict[str, Any]]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        answer = self.script[len(self._asked)]
        self._asked.append((messages, kwargs))
        if isinstance(answer, BaseException):
            raise answer
        return ChatResult(
            generations=[ChatGeneration(message=message(answer) if isinstance(answer, str) else answer)]
        )


def client(*script: Any, spec: ModelSpec = SPEC) -> tuple[ModelClient, Scripted, list[Call]]:
    calls: list[Call] = []
    model = Scripted(script=script)
    once = Guards(Resilience(attempts=1))
    return ModelClient(model, spec, calling=Calling(record=calls.append, guards=once)), model, calls


async def test_an_answer_comes_with_a_recorded_and_priced_call() -> None:
    asker, _, calls = client("5")
    done = await asker.complete(PROMPT, context=CONTEXT, seed=7)
    assert (done.text, done.failure) == ("5", None)
    assert calls == [done.call] == list(done.calls)
    call = done.call
    assert (call.model_id, call.model_digest, call.prompt_name, call.prompt_version) == (
        "scripted",
        "abc",
        "sum",
        "3",
    )
    assert (call.input_tokens, call.output_tokens, call.seed, call.finish_reason) == (100, 10, 7, "stop")
    assert call.cost_usd == pytest.approx(0.0002)


async def test_a_length_stop_is_never_an_answer() -> None:
    done = await client(message("The answer is", "length"))[0].complete(PROMPT, context=CONTEXT)
    assert (done.failure, done.call.failure, done.call.finish_reason) == ("truncated", "truncated", "length")
    constrained = await client(message('{"n": 5}', "length"))[0].complete(
        PROMPT, context=CONTEXT, schema=SCHEMA
    )
    assert (constrained.failure, constrained.value) == ("truncated", None)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError("slow"), "timeout"),
        (ConnectionRefusedError("no"), "model_unavailable"),
        (httpx.ConnectError("no"), "model_unavailable"),
        (httpx.ReadTimeout("no"), "timeout"),
        (UnavailableError("gone"), "model_unavailable"),
        (ContextOverflowError("too long"), "truncated"),
    ],
)
async def test_trouble_with_the_model_is_data(error: Exception, failure: str) -> None:
    asker, _, calls = client(error)
    done = await asker.complete(PROMPT, context=CONTEXT)
    assert (done.failure, done.text) == (failure, "")
    assert done.detail
    assert calls == [done.call]


async def test_a_programmers_error_is_raised_and_still_recorded() -> None:
    asker, _, calls = client(KeyError("oops"))
    with pytest.raises(KeyError):
        await asker.complete(PROMPT, context=CONTEXT)
    assert calls[0].finish_reason == "error"


async def test_calls_without_identity_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="id and a digest"):
        ModelClient(Scripted(script=[]), ModelSpec(id="", engine="openai"))
    with pytest.raises(ValueError, match="name and a version"):
        await client("5")[0].complete(
            RenderedPrompt(name="sum", version="", messages=(("user", "?"),)), context=CONTEXT
        )


async def test_a_wrong_structure_gets_one_repair_turn_under_the_same_prompt() -> None:
    asker, model, calls = client("five", '{"n": 5}')
    done = await asker.complete(PROMPT, context=CONTEXT, schema=SCHEMA)
    assert (done.value, done.failure) == ({"n": 5}, None)
    assert [call.prompt_name for call in done.calls] == ["sum", "sum"]
    assert [call.failure for call in done.calls] == ["parse_error", None]
    assert list(done.calls) == calls
    first, second = (messages for messages, _ in model._asked)
    assert '"required": ["n"]' in first[-1].text
    assert [turn.type for turn in second] == ["system", "human", "ai", "human"]
    assert second[2].text == "five"


async def test_two_wrong_structures_are_a_parse_error() -> None:
    done = await client("five", '{"n": "five"}')[0].complete(PROMPT, context=CONTEXT, schema=SCHEMA)
    assert (done.failure, done.value) == ("parse_error", None)
    assert "$.n" in done.detail


async def test_a_grammar_is_used_where_the_engine_has_one() -> None:
    asker, model, _ = client('{"n": 5}', spec=ModelSpec(id="m", engine="llamacpp", sha256="abc"))
    assert (await asker.complete(PROMPT, context=CONTEXT, schema=SCHEMA)).value == {"n": 5}
    messages, settings = model._asked[0]
    assert settings["response_format"]["json_schema"]["schema"] == SCHEMA
    assert messages[-1].text == "2 + 3?"


async def test_a_model_thinks_freely_and_only_the_extraction_is_constrained() -> None:
    asker, model, _ = client(r"<think>{} 2 and 3</think>So \boxed{5}.", '{"n": 5}', spec=THINKER)
    done = await asker.complete(PROMPT, context=CONTEXT, schema=SCHEMA)
    assert (done.value, done.thinking) == ({"n": 5}, "{} 2 and 3")
    assert [call.prompt_name for call in done.calls] == ["sum", "models_extract"]
    (_, free), (extraction, held) = model._asked
    assert "response_format" not in free
    assert held["response_format"]["json_schema"]["schema"] == SCHEMA
    assert "The answer:\n5\n" in extraction[-1].text


async def test_no_extraction_is_made_when_the_answer_fits_already_or_never_came() -> None:
    done = await client('<think>hm</think>{"n": 5}', spec=THINKER)[0].complete(
        PROMPT, context=CONTEXT, schema=SCHEMA
    )
    assert (done.value, len(done.calls)) == ({"n": 5}, 1)
    lost = await client("<think>hm", spec=THINKER)[0].complete(PROMPT, context=CONTEXT, schema=SCHEMA)
    assert (lost.failure, len(lost.calls)) == ("truncated", 1)


async def test_tags_of_a_model_not_known_to_think_are_text_unless_they_open_the_answer() -> None:
    assert (
        await client("Write </think> to close.")[0].complete(PROMPT, context=CONTEXT)
    ).text == "Write </think> to close."
    opened = await client("<think>hm</think>5")[0].complete(PROMPT, context=CONTEXT)
    assert (opened.text, opened.thinking) == ("5", "hm")


async def test_a_model_brought_along_is_sent_only_settings_it_declares() -> None:
    asker, model, _ = client("5", spec=ModelSpec(id="m", engine="langchain", revision="r"))
    await asker.complete(PROMPT, context=CONTEXT, seed=7, temperature=0.5, max_tokens=9)
    assert model._asked[0][1] == {"seed": 7}


class Waiting(Scripted):
    """Waits until it is cancelled, and says so."""

    _started: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)
    _cancelled: bool = PrivateAttr(default=False)

    async def _agenerate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self._cancelled = True
            raise
        raise AssertionError


async def test_the_deadline_cancels_the_model_and_is_a_failure() -> None:
    model = Waiting(script=[])
    done = await ModelClient(model, SPEC).complete(PROMPT, context=CONTEXT, timeout_s=0.01)
    assert (done.failure, done.call.finish_reason, model._cancelled) == ("timeout", "cancelled", True)


async def test_cancelling_reaches_the_model_and_is_recorded() -> None:
    calls: list[Call] = []
    model = Waiting(script=[])
    task = asyncio.create_task(
        ModelClient(model, SPEC, calling=Calling(record=calls.append)).complete(PROMPT, context=CONTEXT)
    )
    await model._started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model._cancelled
    assert [call.finish_reason for call in calls] == ["cancelled"]


async def test_one_client_serves_many_at_once() -> None:
    class Echo(Scripted):
        async def _agenerate(
            self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> ChatResult:
            await asyncio.sleep(0)
            return ChatResult(generations=[ChatGeneration(message=message(messages[-1].text))])

    echo = ModelClient(Echo(script=[]), SPEC)
    prompts = [RenderedPrompt(name="p", version="1", messages=(("user", str(n)),)) for n in range(50)]
    done = await asyncio.gather(
        *(echo.complete(prompt, context=CONTEXT, seed=n) for n, prompt in enumerate(prompts))
    )
    assert [(one.text, one.call.seed, len(one.calls)) for one in done] == [(str(n), n, 1) for n in range(50)]


LOGPROBS: Any = {
    "content": [
        {"token": "5", "logprob": -0.25, "top_logprobs": [{"token": "5", "logprob": -0.25}]},
        {"token": "!", "logprob": -1.0},
    ]
}


async def test_log_probabilities_come_only_when_asked_for() -> None:
    said = message("5!")
    said.response_metadata["logprobs"] = LOGPROBS
    asker, model, _ = client(said, said, "5!")
    assert (await asker.complete(PROMPT, context=CONTEXT)).logprobs == ()
    first, second = (await asker.complete(PROMPT, context=CONTEXT, top_logprobs=3)).logprobs
    assert (first.token, first.logprob, first.top) == ("5", -0.25, (("5", -0.25),))
    assert (second.token, second.top) == ("!", ())
    assert (await asker.complete(PROMPT, context=CONTEXT, top_logprobs=3)).logprobs == (), (
        "an engine may give none"
    )
    (_, without), (_, with_them), _ = model._asked
    assert "logprobs" not in without
    assert (with_them["logprobs"], with_them["top_logprobs"]) == (True, 3)
