"""The call record: one request to one model, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Failure = Literal["truncated", "timeout", "parse_error", "model_unavailable", "budget"]
"""Why a call gave no answer; a subset of the escalation reasons."""


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
