"""The one boundary through which any chat model is called: what comes back is data, every call is recorded.

It fails closed: without a model id, a digest, a prompt name, a prompt version and a data class nothing is sent. It does
not choose a model, and leaves repeating to its guard. Trouble with a model is a `Failure`; only misuse raises.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import convert_to_messages

from ..prompts import RenderedPrompt, load_prompt
from ..tracing.call import Call, CallContext
from ..tracing.content import content_digest, prompt_text
from .call_span import chat_span, refusal_told
from .calling import Calling
from .completion import Completion, refused
from .failures import is_transient, retry_after_s
from .logprobs import TokenLogprob, logprobs_text
from .reading import read_error, read_message, read_value
from .recorded import RecordedReply
from .request import request_digest
from .resilience import RefusedError
from .spec import ModelSpec
from .structured import response_format
from .thinking import extract_boxed

_EXTRACT_TOKENS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """On what terms the calls of one completion are made."""

    context: CallContext
    seed: int
    max_tokens: int | None
    temperature: float | None
    deadline: float | None
    timeout_s: float | None
    top_logprobs: int | None = None
    made: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """One request and what it brought."""

    call: Call
    transient: bool = False
    retry_after_s: float | None = None
    text: str = ""
    thinking: str | None = None
    value: Any = None
    logprobs: tuple[TokenLogprob, ...] = ()


class ModelClient:
    """Calls one chat model. It keeps nothing between calls, so one client serves any number at once."""

    def __init__(self, model: BaseChatModel, spec: ModelSpec, *, calling: Calling | None = None) -> None:
        if not spec.id or not spec.digest:
            raise ValueError(
                f"a model needs an id and a digest before it is called, and {spec.id!r} has no "
                f"{'sha256 and no revision' if spec.id else 'id'}: give its ModelSpec one"
            )
        self.model = model
        self.spec = spec
        self.calling = calling or Calling()
        self._accepted = _accepted(model, spec)

    def __repr__(self) -> str:
        return f"ModelClient({self.spec.id!r}, engine={self.spec.engine!r})"

    async def complete(
        self,
        prompt: RenderedPrompt,
        *,
        context: CallContext,
        seed: int = 0,
        max_tokens: int | None = None,
        timeout_s: float | None = None,
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        top_logprobs: int | None = None,
    ) -> Completion:
        """Ask the model; `timeout_s` seconds bound all calls together, `max_tokens` each of them.

        Where the data policy keeps the text of these data classes from this model, the failure is `data_policy` and
        nothing was sent.

        With a `schema` the answer's `value` fits it: by grammar where the engine has one, by a second, short
        extraction for a model that thinks aloud, else by asking, validating and one repair turn.
        `top_logprobs` asks for the log-probabilities of the answer's tokens and of that many alternatives to each.
        Cancelling stops the generation.
        """
        why = self.calling.data_policy.refusal(
            context.data_classes, locality=self.spec.locality, model_id=self.spec.id
        )
        if why is not None:
            kept_back = refused(self.spec, prompt, "data_policy", why, context=context)
            return refusal_told(self.calling.telemetry, self.spec, kept_back)
        terms = _Terms(
            context=context,
            seed=seed,
            max_tokens=max_tokens,
            temperature=temperature,
            deadline=None if timeout_s is None else time.monotonic() + timeout_s,
            timeout_s=timeout_s,
            top_logprobs=top_logprobs,
        )
        if schema is None:
            return _completion(terms, await self._call(prompt, terms))
        if self.spec.thinking == "tags":
            return await self._think_then_extract(prompt, terms, schema)
        if self.spec.engine == "llamacpp":
            return _completion(terms, await self._call(prompt, terms, schema=schema, grammar=True))
        return await self._ask_and_repair(_with_schema(prompt, schema), terms, schema)

    async def _think_then_extract(
        self, prompt: RenderedPrompt, terms: _Terms, schema: Mapping[str, Any]
    ) -> Completion:
        thought = await self._call(prompt, terms)
        value, fault = read_value(thought.text, schema)
        if thought.call.failure is not None or not fault:
            return replace(_completion(terms, thought), value=value)
        answer = extract_boxed(thought.text) or thought.text
        extract = load_prompt("models_extract").render(answer=answer, schema=json.dumps(schema))
        if self.spec.engine == "llamacpp":
            short = replace(terms, max_tokens=_EXTRACT_TOKENS, temperature=0.0)
            done = _completion(terms, await self._call(extract, short, schema=schema, grammar=True))
        else:
            done = await self._ask_and_repair(extract, terms, schema)
        return replace(done, thinking=thought.thinking)

    async def _ask_and_repair(
        self, prompt: RenderedPrompt, terms: _Terms, schema: Mapping[str, Any]
    ) -> Completion:
        first = await self._call(prompt, terms, schema=schema)
        if first.call.failure != "parse_error":
            return _completion(terms, first)
        request = load_prompt("models_repair").render(fault=first.call.detail).messages
        again = prompt.followed_by(("assistant", first.text), *request)
        return _completion(terms, await self._call(again, terms, schema=schema))

    async def _call(
        self,
        prompt: RenderedPrompt,
        terms: _Terms,
        *,
        schema: Mapping[str, Any] | None = None,
        grammar: bool = False,
    ) -> _Reply:
        """One request, repeated as the guard sees fit; with a `schema` an answer that does not fit is a failure."""
        if not prompt.name or not prompt.version:
            raise ValueError(f"a prompt needs a name and a version before it is sent: {prompt!r}")
        request = self._request(prompt, terms, schema if grammar else None)
        recorded = None if self.calling.recorded is None else self.calling.recorded.reply(request)
        if recorded is not None:
            with self._span(prompt, terms) as told:
                return told(self._replayed(recorded, prompt, terms, schema, request))

        async def once(attempt: int) -> _Reply:
            why = self.calling.unaffordable() if attempt > 1 else None
            if why is not None:
                raise RefusedError(why)
            with self._span(prompt, terms, attempt) as told:
                return told(
                    await self._once(prompt, terms, schema, request, grammar=grammar, attempt=attempt)
                )

        try:
            guard = self.calling.guards.of(self.spec, candidate=terms.context.arm == "candidate")
            return await guard.run(once, deadline=terms.deadline)
        except RefusedError as error:
            why = f"{self.spec.id!r} was not asked: {error}"
            nobody = refused(self.spec, prompt, "model_unavailable", why, context=terms.context)
            return _Reply(call=refusal_told(self.calling.telemetry, self.spec, nobody).call)

    def _span(
        self, prompt: RenderedPrompt, terms: _Terms, attempt: int = 1
    ) -> AbstractContextManager[Callable[[_Reply], _Reply]]:
        settings = {"seed": terms.seed, "max_tokens": terms.max_tokens, "temperature": terms.temperature}
        return chat_span(
            self.calling.telemetry, self.spec, prompt, terms.context, attempt=attempt, **settings
        )

    async def _once(
        self,
        prompt: RenderedPrompt,
        terms: _Terms,
        schema: Mapping[str, Any] | None,
        request: str,
        *,
        grammar: bool,
        attempt: int,
    ) -> _Reply:
        """One request, recorded whatever becomes of it."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience(terms)):
                came: BaseMessage | BaseException = await self.model.ainvoke(
                    convert_to_messages(list(prompt.messages)),
                    **self._settings(terms, schema if grammar else None),
                )
        except (Exception, asyncio.CancelledError) as raised:  # noqa: BLE001 - raised again below, once recorded
            came = raised
        latency_ms = (time.perf_counter() - started) * 1000
        error = came if isinstance(came, BaseException) else None
        message = came if isinstance(came, BaseMessage) else None
        reply = self._reply(prompt, terms, schema, came, latency_ms)
        reply = self._recorded(reply, prompt, terms, message, attempt=attempt, request_sha256=request)
        if error is not None and reply.call.failure is None:
            raise error
        return replace(reply, transient=is_transient(error), retry_after_s=retry_after_s(error))

    def _replayed(
        self,
        recorded: RecordedReply,
        prompt: RenderedPrompt,
        terms: _Terms,
        schema: Mapping[str, Any] | None,
        request: str,
    ) -> _Reply:
        """A reply of an earlier run: read as ever, recorded for what it is, free of charge."""
        message = recorded.message()
        reply = self._reply(prompt, terms, schema, message, recorded.latency_ms)
        was: dict[str, Any] = {"replayed": True, "cost_usd": 0.0, "recorded_cost_usd": recorded.cost_usd}
        return self._recorded(reply, prompt, terms, message, request_sha256=request, **was)

    def _recorded(
        self, reply: _Reply, prompt: RenderedPrompt, terms: _Terms, message: BaseMessage | None, **known: Any
    ) -> _Reply:
        """The reply with its record written."""
        call = replace(reply.call, **known, **self._kept(prompt, message, terms))
        terms.made.append(call)
        self.calling.record(call)
        return replace(reply, call=call)

    def _kept(self, prompt: RenderedPrompt, message: BaseMessage | None, terms: _Terms) -> dict[str, str]:
        """The hashes of what was asked and answered; their texts are kept where the data policy lets them be."""
        texts = {
            "prompt_sha256": prompt_text(prompt.messages),
            "answer_sha256": "" if message is None else message.text,
            "logprobs_sha256": "" if terms.top_logprobs is None else logprobs_text(message),
        }
        keeps = self.calling.data_policy.keeps_content(terms.context.data_classes)
        if self.calling.keep is not None and keeps:
            for text in filter(None, texts.values()):
                self.calling.keep(text)
        return {name: content_digest(text) if text else "" for name, text in texts.items()}

    def _request(self, prompt: RenderedPrompt, terms: _Terms, schema: Mapping[str, Any] | None) -> str:
        """The identity of a request. A seed tells samples apart also where the model takes none."""
        settings = {
            "seed": terms.seed,
            "max_tokens": terms.max_tokens,
            "temperature": terms.temperature,
            "top_logprobs": terms.top_logprobs,
            "schema": schema,
        }
        return request_digest(self.model, self.spec, prompt.messages, settings)

    def _settings(self, terms: _Terms, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        wanted = {
            "seed": terms.seed,
            "max_tokens": terms.max_tokens,
            "temperature": terms.temperature,
            "logprobs": None if terms.top_logprobs is None else True,
            "top_logprobs": terms.top_logprobs,
        }
        settings: dict[str, Any] = {
            key: value for key, value in wanted.items() if value is not None and key in self._accepted
        }
        if schema is not None:
            settings["response_format"] = response_format(schema)
        return settings

    def _reply(
        self,
        prompt: RenderedPrompt,
        terms: _Terms,
        schema: Mapping[str, Any] | None,
        came: BaseMessage | BaseException,
        latency_ms: float,
    ) -> _Reply:
        if isinstance(came, BaseException):
            read = read_error(came, self.spec, self._limit_s(terms))
        else:
            read = read_message(came, self.spec, schema=schema, logprobs=terms.top_logprobs is not None)
        call = Call(
            model_id=self.spec.id,
            model_digest=self.spec.digest,
            prompt_name=prompt.name,
            prompt_version=prompt.version,
            input_tokens=read.input_tokens,
            output_tokens=read.output_tokens,
            cost_usd=self.calling.prices.cost(self.spec, read.input_tokens, read.output_tokens, latency_ms),
            latency_ms=latency_ms,
            finish_reason=read.finish_reason,
            seed=terms.seed,
            failure=read.failure,
            detail=read.detail,
            purpose=terms.context.purpose,
            arm=terms.context.arm,
            data_classes=terms.context.data_classes,
            price_version=self.calling.prices.version,
        )
        return _Reply(
            call=call, text=read.text, thinking=read.thinking, value=read.value, logprobs=read.logprobs
        )

    def _limit_s(self, terms: _Terms) -> float | None:
        """Seconds that one request may take when the call begins: its own limit, or all of the call's."""
        return _shorter(terms.timeout_s, self.calling.guards.of(self.spec).resilience.request_s)

    def _patience(self, terms: _Terms) -> float | None:
        """The same for a request that begins now."""
        return _shorter(_remaining(terms), self.calling.guards.of(self.spec).resilience.request_s)


def _accepted(model: BaseChatModel, spec: ModelSpec) -> frozenset[str]:
    """The settings that may be sent: a model the caller brought along gets only those it declares itself."""
    settings = frozenset({"seed", "max_tokens", "temperature", "logprobs", "top_logprobs"})
    if spec.engine != "langchain":
        return settings
    return settings & frozenset(type(model).model_fields)


def _completion(terms: _Terms, reply: _Reply) -> Completion:
    return Completion(
        text=reply.text,
        thinking=reply.thinking,
        value=reply.value,
        call=reply.call,
        calls=tuple(terms.made),
        failure=reply.call.failure,
        detail=reply.call.detail,
        logprobs=reply.logprobs,
    )


def _with_schema(prompt: RenderedPrompt, schema: Mapping[str, Any]) -> RenderedPrompt:
    """The prompt with the schema after its last turn's text: two user turns in a row break some templates."""
    ((_, request),) = load_prompt("models_schema").render(schema=json.dumps(schema)).messages
    *earlier, (role, text) = prompt.messages
    return replace(prompt, messages=(*earlier, (role, f"{text}\n\n{request}")))


def _shorter(left: float | None, right: float | None) -> float | None:
    return min((seconds for seconds in (left, right) if seconds is not None), default=None)


def _remaining(terms: _Terms) -> float | None:
    return None if terms.deadline is None else max(0.0, terms.deadline - time.monotonic())


__all__ = ["Completion", "ModelClient", "refused"]
