"""What a model's message, or the error in its place, means: the answer, its tokens, and what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage

from ..tracing.call import Failure
from .failures import failure_of, impostor
from .logprobs import TokenLogprob, read_logprobs
from .spec import ModelSpec
from .structured import StructureError, parse_answer
from .thinking import extract_boxed, split_thinking

_CUT = ("length", "content_filter")
"""Finish reasons of an answer that is not whole."""
_LENGTHS = ("length", "max_tokens", "MAX_TOKENS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One message, read."""

    text: str = ""
    """The answer without the thinking."""
    thinking: str | None = None
    value: Any = None
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    failure: Failure | None = None
    detail: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


def read_error(error: BaseException, spec: ModelSpec, limit_s: float | None) -> Reading:
    """An error instead of a message; without a failure it is a programmer's mistake."""
    failure, detail = failure_of(error, spec, limit_s)
    cut_short = isinstance(error, asyncio.CancelledError | TimeoutError)
    return Reading(finish_reason="cancelled" if cut_short else "error", failure=failure, detail=detail)


def read_message(
    message: BaseMessage, spec: ModelSpec, *, schema: Mapping[str, Any] | None, logprobs: bool
) -> Reading:
    """A message; with a `schema`, an answer that does not fit it is the failure `parse_error`."""
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    tokens_in, tokens_out = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
    metadata = cast("dict[str, Any]", message.response_metadata)
    reason = metadata.get("finish_reason") or metadata.get("stop_reason") or "stop"
    finish = "length" if reason in _LENGTHS else str(reason)
    thought = split_thinking(message.text) if _thinks(message, spec) else None
    text = thought.answer if thought else message.text
    failure: Failure | None = None
    detail, value = "", None
    other = impostor(metadata.get("model_name"), spec)
    if other is not None:
        failure, detail = "model_unavailable", other
    elif finish in _CUT or (thought is not None and not thought.closed):
        failure = "truncated"
        detail = f"{spec.id!r} stopped after {tokens_out} tokens ({finish}), before it was done"
    elif schema is not None:
        value, fault = read_value(text, schema)
        failure, detail = ("parse_error", f"the answer does not fit: {fault}") if fault else (None, "")
    return Reading(
        text=text,
        thinking=thought.thinking if thought else None,
        value=value,
        finish_reason=finish,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        failure=failure,
        detail=detail,
        logprobs=read_logprobs(message) if logprobs else (),
    )


def read_value(text: str, schema: Mapping[str, Any]) -> tuple[Any, str]:
    """The value in an answer, or in its box, and what is wrong when there is none."""
    fault = ""
    for candidate in (text, extract_boxed(text) or ""):
        try:
            return parse_answer(candidate, schema), ""
        except StructureError as error:
            fault = fault or str(error)
    return None, fault


def _thinks(message: BaseMessage, spec: ModelSpec) -> bool:
    """A model of an unknown kind is only taken to think where its text opens with the tag."""
    return spec.thinking == "tags" or message.text.lstrip().lower().startswith("<think")
