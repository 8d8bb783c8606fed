"""The caller: makes model calls on behalf of one run, within its budget, and writes each to its ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..models.call_span import refusal_told
from ..models.calling import Calling
from ..models.client import Completion, ModelClient, refused
from ..models.spec import ModelSpec
from ..prompts import RenderedPrompt
from ..tracing.call import Call, CallContext, Purpose
from .budget import Meter
from .recorded import ToolRecords

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
    calling: Calling
    """What every call goes through."""
    context: CallContext
    """Whose data the calls carry, and what they are for."""
    timeout_s: float | None = None
    """Longest that one completion may take, whoever asks for it."""
    tools: ToolRecords | None = None
    """Where values of tools are kept and found; None keeps none."""

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
            unpaid = refused(model.spec, prompt, "budget", exceeded, context=self.context)
            return refusal_told(self.calling.telemetry, model.spec, unpaid)
        limits = [limit for limit in (timeout_s, self.timeout_s) if limit is not None]
        timeout_s = min(self.meter.seconds_left(), *limits, math.inf)
        counted = replace(self.calling, record=self.count, unaffordable=self._repeating)
        client = ModelClient(model.chat, model.spec, calling=counted)
        with self.meter.calling():
            return await client.complete(
                prompt,
                context=self.context,
                seed=seed,
                max_tokens=max_tokens,
                timeout_s=None if timeout_s == math.inf else timeout_s,
                schema=schema,
                temperature=temperature,
            )

    def _repeating(self) -> str | None:
        return self.meter.exceeded(holding=1)

    def count(self, call: Call) -> None:
        """Take a call made elsewhere on behalf of this run. A shadow call is kept, and stays out of the bill."""
        if call.purpose != "shadow":
            self.meter.add(call)
        self.calling.record(call)

    def noting(self, made: list[Call]) -> Caller:
        """The same caller, which also adds each call to `made`: a cancelled attempt cannot bring its own."""

        def record(call: Call) -> None:
            made.append(call)
            self.calling.record(call)

        return replace(self, calling=replace(self.calling, record=record))

    def seeing(self, *data_classes: str) -> Caller:
        """The same caller for a prompt that holds text of these data classes as well."""
        together = tuple(sorted({*self.context.data_classes, *data_classes}))
        return replace(self, context=replace(self.context, data_classes=together))

    def meaning(self, purpose: Purpose) -> Caller:
        """The same caller for calls of another purpose; what is made for a shadow stays a shadow."""
        kept = "shadow" if self.context.purpose == "shadow" else purpose
        return replace(self, context=replace(self.context, purpose=kept))
