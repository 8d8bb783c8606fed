"""What asking a model comes to: a `Completion`, also where nothing was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..prompts import RenderedPrompt
from ..tracing.call import Call, CallContext, Failure
from .logprobs import TokenLogprob
from .spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model answered, or why it did not."""

    text: str
    """The answer without the thinking."""
    call: Call
    """The last call made."""
    calls: tuple[Call, ...]
    """All of them, repair and extraction included, in order."""
    thinking: str | None = None
    value: Any = None
    """The parsed answer, when a schema was given."""
    failure: Failure | None = None
    detail: str = ""
    """What the failure was, in words."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the last call's tokens; empty unless asked for and given by the engine."""


def refused(
    spec: ModelSpec, prompt: RenderedPrompt, failure: Failure, why: str, *, context: CallContext
) -> Completion:
    """The completion of a request that was never made, and so is in no record of calls."""
    call = Call(
        model_id=spec.id,
        model_digest=spec.digest,
        prompt_name=prompt.name,
        prompt_version=prompt.version,
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.0,
        latency_ms=0.0,
        finish_reason="error",
        failure=failure,
        detail=why,
        purpose=context.purpose,
        arm=context.arm,
        data_classes=context.data_classes,
    )
    return Completion(text="", call=call, calls=(), failure=failure, detail=why)
