"""The ledger's records: what is written of a run, and what is read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

RecordKind = Literal[
    "run",
    "plan",
    "approval",
    "decision",
    "call",
    "tool",
    "verdict",
    "subtask",
    "answer",
    "feedback",
    "rollout",
    "observation",
    "trace",
    "sealed",
]
"""`sealed` is the ledger's own: it says which records a purge removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be written as one record."""

    run_id: str
    kind: RecordKind
    body: dict[str, Any]
    subtask_id: str | None = None
    key: str | None = None
    keep_content: bool | None = None
    """False leaves the body's texts out, hashes stay; None and True do as the ledger does."""
    follows: int | None = None
    """Number of the record of this run and kind that it must come right after, 0 for none; None is wherever."""
    texts: tuple[str, ...] = ()
    """Texts that the body names by their hash, such as a call's prompt and answer, to be kept with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that happened in a run."""

    seq: int
    run_id: str
    kind: RecordKind
    subtask_id: str | None
    key: str | None
    """For a finished subtask or a decision: the digest of what went into it."""
    at: str
    """ISO 8601, UTC."""
    body: dict[str, Any]
    """With its texts, where they are kept; else they are empty in it."""
    content_sha256: str | None = None
    """Of the texts taken out of the body; None where it had none."""
    content_missing: bool = False
    """Whether texts of the record, or named by it, were not kept, or the body's were deleted."""
    content_unkept: bool = False
    """Whether it was written without them: what another run kept under the same hash is none of this record's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of `pilotfish runs list`."""

    run_id: str
    task: str
    """Empty where its text is not kept."""
    status: str
    """The answer's status, or `unfinished`."""
    started: str
    calls: int
    cost_usd: float
    """What is billed: shadow calls are counted and stay out of it."""
