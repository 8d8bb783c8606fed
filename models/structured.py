"""Structured answers: a schema from what the caller gave, JSON out of what the model wrote, one repair turn.

It never mends broken JSON itself: the model is asked once more, then it is a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel

from ..prompts import load_prompt
from .thinking import split_thinking

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_MOST_FAULTS = 3


class StructureError(ValueError):
    """Text that holds no JSON value, or one that does not fit; the message is fit to show to the model."""


def json_schema_of(schema: Mapping[str, Any] | type) -> dict[str, Any]:
    """The JSON schema of a pydantic class, or the schema itself."""
    if isinstance(schema, Mapping):
        return dict(schema)
    if issubclass(schema, BaseModel):
        return schema.model_json_schema()
    raise TypeError(f"an answer's schema is a pydantic class or a JSON schema, not {schema!r}")


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What an OpenAI-compatible server wants to hear to constrain an answer to `schema`."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}


def parse_answer(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in `text` that fits `schema`; raises `StructureError` otherwise.

    A value alone, in a code fence, or among other words is found; of several the last one that fits counts.
    """
    candidates = _candidates(text)
    if not candidates:
        raise StructureError("there is no JSON value in it")
    faults = [_faults(value, schema) for value in candidates]
    for value, fault in zip(reversed(candidates), reversed(faults), strict=True):
        if not fault:
            return value
    raise StructureError(faults[-1])


def constrained(
    model: Runnable[LanguageModelInput, Any], schema: Mapping[str, Any] | type, *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """What follows a model that a grammar already holds to the schema: parse, validate, nothing else."""

    def deliver(message: BaseMessage) -> Any:
        return _deliver(message, schema, include_raw)

    return model | RunnableLambda(deliver)


def repaired(
    model: BaseChatModel, schema: Mapping[str, Any] | type, *, include_raw: bool, **kwargs: Any
) -> Runnable[LanguageModelInput, Any]:
    """Structured answers of any chat model: ask for JSON, parse, validate, have it mended once."""
    wanted = json_schema_of(schema)

    def call(value: LanguageModelInput) -> Any:
        messages = _with_schema(value, wanted)
        answer = model.invoke(messages, **kwargs)
        again = _repair_turns(messages, answer, wanted)
        return _deliver(model.invoke(again, **kwargs) if again else answer, schema, include_raw)

    async def acall(value: LanguageModelInput) -> Any:
        messages = _with_schema(value, wanted)
        answer = await model.ainvoke(messages, **kwargs)
        again = _repair_turns(messages, answer, wanted)
        return _deliver(await model.ainvoke(again, **kwargs) if again else answer, schema, include_raw)

    return RunnableLambda(call, afunc=acall)


def _repair_turns(
    messages: list[BaseMessage], answer: BaseMessage, schema: Mapping[str, Any]
) -> list[BaseMessage]:
    """The conversation that asks for a mended answer; empty when the answer is good."""
    text = split_thinking(answer.text).answer
    try:
        parse_answer(text, schema)
    except StructureError as error:
        ((_, request),) = load_prompt("models_repair").render(fault=str(error)).messages
        return [*messages, AIMessage(text), HumanMessage(request)]
    return []


def _with_schema(value: LanguageModelInput, schema: Mapping[str, Any]) -> list[BaseMessage]:
    from langchain_core.messages.utils import convert_to_messages

    if isinstance(value, str):
        messages: list[BaseMessage] = [HumanMessage(value)]
    else:
        messages = value.to_messages() if isinstance(value, PromptValue) else convert_to_messages(value)
    ((_, request),) = load_prompt("models_schema").render(schema=json.dumps(schema)).messages
    return [*messages, HumanMessage(request)]


def _deliver(message: BaseMessage, schema: Mapping[str, Any] | type, include_raw: bool) -> Any:
    try:
        value = parse_answer(split_thinking(message.text).answer, json_schema_of(schema))
        parsed = value if isinstance(schema, Mapping) else schema.model_validate(value)
    except ValueError as error:
        if include_raw:
            return {"raw": message, "parsed": None, "parsing_error": error}
        raise OutputParserException(
            f"the answer does not fit its schema: {error}", llm_output=message.text
        ) from error
    return {"raw": message, "parsed": parsed, "parsing_error": None} if include_raw else parsed


def _candidates(text: str) -> list[Any]:
    """JSON values in the text: all of it, else those in code fences, else each outermost object or array."""
    for pieces in ([text], _FENCE.findall(text)):
        values = [value for piece in pieces for value in _load(piece)]
        if values:
            return values
    return _embedded(text)


def _load(text: str) -> list[Any]:
    try:
        return [json.loads(text, parse_constant=_refuse)]
    except (ValueError, RecursionError):
        return []


def _embedded(text: str) -> list[Any]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    values: list[Any] = []
    start = 0
    while match := re.compile(r"[\[{]").search(text, start):
        try:
            value, start = decoder.raw_decode(text, match.start())
            values.append(value)
        except (ValueError, RecursionError):
            start = match.end()
    return values


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _faults(value: Any, schema: Mapping[str, Any]) -> str:
    errors = sorted(
        Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path))
    )
    return "; ".join(f"{error.json_path}: {error.message}" for error in errors[:_MOST_FAULTS])
