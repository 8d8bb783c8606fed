"""A span and a measurement for each request to a model, refused and failed ones included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from ..prompts import RenderedPrompt
from ..tracing.call import Call, CallContext
from ..tracing.telemetry import Span, Telemetry
from .spec import ModelSpec

if TYPE_CHECKING:
    from .completion import Completion


class Replied(Protocol):
    """What a request came to, as far as a span tells it."""

    @property
    def call(self) -> Call:
        """The record of it."""
        ...

    @property
    def text(self) -> str:
        """The answer."""
        ...

    @property
    def thinking(self) -> str | None:
        """What the model thought aloud."""
        ...


Reply = TypeVar("Reply", bound=Replied)
_CONTEXT = ("purpose", "arm", "data_classes")


@contextmanager
def chat_span(
    telemetry: Telemetry,
    spec: ModelSpec,
    prompt: RenderedPrompt,
    context: CallContext,
    *,
    attempt: int,
    **settings: float | None,
) -> Generator[Callable[[Reply], Reply]]:
    """A span around one request; what is yielded takes the reply, tells it, and gives it back."""
    if not telemetry.on:
        yield _unchanged
        return
    known = {name: getattr(context, name) for name in _CONTEXT}
    named = {"prompt_name": prompt.name, "prompt_version": prompt.version, "attempt": attempt}
    asked = {**_identity(spec), **named, **known, **settings}
    with telemetry.span("chat", spec.id, **asked) as span:

        def tell(reply: Reply) -> Reply:
            _tell(telemetry, span, spec, prompt, reply)
            return reply

        yield tell


def _unchanged(reply: Reply) -> Reply:
    return reply


def refusal_told(telemetry: Telemetry, spec: ModelSpec, refusal: Completion) -> Completion:
    """A refusal as it was given, with a span of its own: nothing was sent, so nothing is measured."""
    call = refusal.call
    if telemetry.on:
        known = {name: getattr(call, name) for name in ("prompt_name", "prompt_version", *_CONTEXT)}
        with telemetry.span("chat", spec.id, **_identity(spec), **known) as span:
            span.fail(call.failure or "refused", call.detail)
    return refusal


def _identity(spec: ModelSpec) -> dict[str, Any]:
    return {**_provider(spec), "model": spec.id, "model_digest": spec.digest}


def _provider(spec: ModelSpec) -> dict[str, Any]:
    """The engine, or for a chat model of the caller's own the package it comes from; an endpoint's host and port."""
    if spec.engine == "langchain":
        return {"provider": spec.revision.partition("/")[0].removeprefix("langchain_")}
    if spec.engine != "openai":
        return {"provider": spec.engine}
    address = urlsplit(spec.source)
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return {"provider": "openai", "server_address": address.hostname, "server_port": port}


def _tell(telemetry: Telemetry, span: Span, spec: ModelSpec, prompt: RenderedPrompt, reply: Replied) -> None:
    call = reply.call
    span.set(
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        finish_reasons=[call.finish_reason],
        cost_usd=call.cost_usd,
        price_version=call.price_version,
        replayed=call.replayed or None,
    )
    span.show(input_messages=[_message(role, text) for role, text in prompt.messages])
    if reply.text:
        said = _message("assistant", reply.text, reply.thinking)
        span.show(output_messages=[{**said, "finish_reason": call.finish_reason}])
    if call.failure is not None:
        span.fail(call.failure, call.detail)
    if not call.replayed:
        telemetry.count_call(
            {
                **_provider(spec),
                "operation": "chat",
                "model": spec.id,
                "error_type": call.failure,
                "purpose": call.purpose,
                "arm": call.arm,
                "input_tokens": call.input_tokens,
                "output_tokens": call.output_tokens,
                "duration_s": call.latency_ms / 1000,
            }
        )


def _message(role: str, text: str, thinking: str | None = None) -> dict[str, Any]:
    """A message as the conventions write one."""
    parts = [{"type": "reasoning", "content": thinking}] if thinking else []
    return {"role": role, "parts": [*parts, {"type": "text", "content": text}]}
