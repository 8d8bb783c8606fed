"""The caller: makes model calls on behalf of one run, within its budget, and writes each to its ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..models.client import Completion, ModelClient
from ..models.spec import ModelSpec
from ..prompts import RenderedPrompt
from ..tracing.call import Call
from .budget import Meter

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A chat model and what is known of it."""

    chat: BaseChatModel
    spec: ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes calls for one run or subtask."""

    meter: Meter
    record: Callable[[Call], None]
    timeout_s: float | None = None
    """Longest that one completion may take, whoever asks for it."""

    async def complete(
        self,
        model: Model,
        prompt: RenderedPrompt,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        timeout_s: float | None = None,
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> Completion:
        """One completion; failure `budget`, with no call made, when a limit is used up."""
        exceeded = self.meter.exceeded()
        if exceeded is not None:
            return _refused(model, prompt, exceeded)
        limits = [limit for limit in (timeout_s, self.timeout_s) if limit is not None]
        timeout_s = min(self.meter.seconds_left(), *limits, math.inf)
        client = ModelClient(model.chat, model.spec, record=self.count)
        with self.meter.calling():
            return await client.complete(
                prompt,
                seed=seed,
                max_tokens=max_tokens,
                timeout_s=None if timeout_s == math.inf else timeout_s,
                schema=schema,
                temperature=temperature,
            )

    def count(self, call: Call) -> None:
        """Take a call made elsewhere on behalf of this run."""
        self.meter.add(call)
        self.record(call)

    def noting(self, made: list[Call]) -> Caller:
        """The same caller, which also adds each call to `made`: a cancelled attempt cannot bring its own."""

        def record(call: Call) -> None:
            made.append(call)
            self.record(call)

        return replace(self, record=record)


def _refused(model: Model, prompt: RenderedPrompt, why: str) -> Completion:
    call = Call(
        model_id=model.spec.id,
        model_digest=model.spec.digest,
        prompt_name=prompt.name,
        prompt_version=prompt.version,
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.0,
        latency_ms=0.0,
        finish_reason="error",
        failure="budget",
        detail=why,
    )
    return Completion(text="", thinking=None, value=None, call=call, calls=(), failure="budget", detail=why)
