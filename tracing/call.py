"""The call record: one request to one model, as the ledger keeps it, and the context in which it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Failure = Literal["truncated", "timeout", "parse_error", "model_unavailable", "budget", "data_policy"]
"""Why a call gave no answer; a subset of the escalation reasons."""
Purpose = Literal["answer", "sample", "plan", "route", "verify", "judge", "shadow"]
"""What a call was made for. `shadow` calls answer nobody and stay out of a run's bill."""
Arm = Literal["", "baseline", "candidate"]
"""Which side of a canary a call was made by; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What the maker of a call must say besides the prompt: whose data is in it, and what it is for."""

    data_classes: tuple[str, ...]
    """Every data class that the prompt's text came from. Without any a call is refused."""
    purpose: Purpose = "answer"
    arm: Arm = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to one model. A call without model id, digest, prompt name and version cannot be made."""

    model_id: str
    model_digest: str
    """sha256 of the weights, or the revision a remote model is pinned to."""
    prompt_name: str
    prompt_version: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    latency_ms: float
    finish_reason: str
    """`stop`, `length`, `cancelled` or `error`."""
    seed: int | None = None
    failure: Failure | None = None
    """None when the call gave an answer."""
    detail: str = ""
    """What the failure was, in words."""
    purpose: Purpose = "answer"
    attempt: int = 1
    """1 for the first request, 2 and up for what the retry loop made of it."""
    arm: Arm = ""
    data_classes: tuple[str, ...] = ()
    prompt_sha256: str = ""
    """Of the messages as `tracing.content.prompt_text` writes them."""
    answer_sha256: str = ""
    """Of the answer as the model wrote it, thinking included; empty when there was none."""
    price_version: str = ""
    """The price table behind `cost_usd`; empty where the model's own spec said the price."""
    request_sha256: str = ""
    """Of all that the answer depends on: model, messages and settings. A replay finds the answer by it."""
    logprobs_sha256: str = ""
    """Of the log-probabilities as the engine reported them, as JSON; empty when there were none."""
    replayed: bool = False
    """Whether the answer was taken from the record of an earlier run. Tokens and latency are then of that time."""
    recorded_cost_usd: float = 0.0
    """Of a replayed call: what it cost when it was made; `cost_usd` is 0."""
