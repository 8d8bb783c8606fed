"""Replies of an earlier run, which stand in for a model where the request is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReply:
    """What a model once answered to a request, and what that took then."""

    text: str
    """As the model wrote it, thinking included."""
    finish_reason: str
    input_tokens: int
    output_tokens: int
    latency_ms: float
    cost_usd: float
    logprobs: Mapping[str, Any] | None = field(default=None, repr=False)
    """As the engine reported them."""

    def message(self) -> AIMessage:
        """The message as it came from the model, as far as the client reads one."""
        from langchain_core.messages import AIMessage

        metadata: dict[str, Any] = {"finish_reason": self.finish_reason}
        if self.logprobs is not None:
            metadata["logprobs"] = self.logprobs
        return AIMessage(
            content=self.text,
            usage_metadata={
                "input_tokens": self.input_tokens,
                "output_tokens": self.output_tokens,
                "total_tokens": self.input_tokens + self.output_tokens,
            },
            response_metadata=metadata,
        )


class Recorded(Protocol):
    """The replies that a run is replayed from."""

    def reply(self, request_sha256: str, /) -> RecordedReply | None:
        """What was answered to this request, or None where it must be made."""
        ...
