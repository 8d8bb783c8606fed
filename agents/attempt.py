"""What a lane brings back, and what a verifier says of it: `Attempt`, `Verdict`, `Escalation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..retrieval.evidence import Evidence
from ..rollout.observation import Arm
from ..router.policy import LaneName
from ..tracing.call import Call

EscalationReason = Literal[
    "verifier_failed",
    "low_agreement",
    "low_confidence",
    "truncated",
    "timeout",
    "parse_error",
    "no_evidence",
    "data_policy",
    "model_unavailable",
    "budget",
]
"""Why a subtask moved to its next lane, or could not be answered."""
PASSING: tuple[EscalationReason, ...] = ("timeout", "budget", "model_unavailable", "data_policy")
"""Failures of the moment rather than of the answer: `data_policy` is one, for the lane it would allow was down, or
the policy can be put right before the run goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A quoted span of a passage that an answer rests on."""

    source: str
    quote: str
    chunk_id: str
    start: int
    end: int
    page: int | None = None
    heading: str | None = None
    sha256: str = ""

    @classmethod
    def of(cls, passage: Evidence, start: int, end: int) -> Citation:
        """The characters `start` to `end` of a passage's text, word for word."""
        return cls(
            source=passage.source,
            quote=passage.text[start:end],
            chunk_id=passage.chunk_id,
            start=passage.start + start,
            end=passage.start + end,
            page=passage.page,
            heading=passage.heading,
            sha256=passage.sha256,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One lane's try at one subtask. It has an answer, or a failure, never both."""

    lane: LaneName
    text: str = ""
    """The answer as text; for a structured answer, its JSON."""
    value: Any = None
    """The answer as JSON data, when the subtask has a schema or a tool made it."""
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[Citation, ...] = ()
    samples: tuple[str, ...] = ()
    """All answers drawn for an agreement check, the kept one included; empty when one was drawn unvoted."""
    confidence: float | None = None
    """How sure the model is of this answer, 0 to 1: its group's share of the samples drawn, or what a lane measured
    itself; None where nothing did."""
    calls: tuple[Call, ...] = ()
    failure: EscalationReason | None = None
    detail: str = ""
    """What the failure was, or what a reader should know of the answer."""
    answered_by: str = ""
    """Who answered, and why not the one asked first, where a fallback or a hedge did; else empty."""
    arms: Mapping[str, Arm] = field(default_factory=dict[str, Arm])
    """Which side of each canary it was made by, by rollout; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verifier found."""

    status: Literal["pass", "fail", "unknown"]
    """`unknown`: this verifier has nothing to go on here; it is not a pass."""
    reason: str
    checked: str
    """The verifier that spoke: `schema`, `arithmetic`, `agreement`, `groundedness`, or the workflow's own name."""
    escalation: EscalationReason = "verifier_failed"
    """The reason an escalation takes from this verdict when it is not a pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A subtask moving to its next lane."""

    source: LaneName
    target: LaneName
    reason: EscalationReason
    detail: str = ""
    """What the lane left behind got wrong, in words."""
