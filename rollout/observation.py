"""One observation of a canary: what became of one request under one arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Arm = Literal["baseline", "candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How a request ended for the arm that answered first, whoever answered it in the end."""

    arm: Arm
    unit: str
    """Whose request it was: the same unit is always in the same arm."""
    passed: bool | None
    """Whether the arm's own answer passed the verifiers; None where nothing could judge it."""
    stratum: str = ""
    """What the request is compared within: the kind of the subtask."""
    pair: str = ""
    """In shadow: the request both arms carried out; empty where only one did."""
    error: bool = False
    """The model could not be reached, timed out or crashed."""
    escalated: bool = False
    truncated: bool = False
    parse_failed: bool = False
    latency_ms: float = 0.0
    cost_usd: float = 0.0
