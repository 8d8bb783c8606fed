"""One row per policy and task, in a JSONL file that is appended to line by line and read again after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .. import UnavailableError, UsageError
from ..agents.attempt import EscalationReason
from ..agents.codec import from_json, to_json
from ..agents.result import SubtaskStatus
from ..router.policy import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One escalation."""

    source: str
    target: str
    reason: EscalationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one task under one policy."""

    policy: str
    """As it was named to the bench."""
    version: str
    """Of the policy, from its decision."""
    id: str
    key: str
    """Digest of everything the row depends on but the check: a row with another key is not this work's."""
    run_id: str
    """In the ledger of the bench."""
    kind: Kind | None
    """The task's own, where it has one."""
    group: str | None
    decided: Kind | None
    p_reasoning: float | None
    lane: str
    """Whose answer it is; lanes of several subtasks are joined by `+`."""
    status: SubtaskStatus
    verdict: str
    """What the last verifier said."""
    answer: str
    """Empty where there is none."""
    score: float
    """0 to 1, by the task's check; 0 where there is no answer."""
    confidence: float
    """0 to 1: the share of samples that agree, else what verdict and evidence say."""
    escalations: tuple[Moved, ...]
    failure: EscalationReason | None
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    model_ms: float
    """Latency of all model calls, as it was when each was first made."""
    latency_ms: float
    """`model_ms`, and what else this run took: searching, checking, the graph."""
    made: int
    """Completions a model was asked for."""
    replayed: int
    """Completions that came from the cache."""

    @property
    def accepted(self) -> bool:
        """Whether a verifier passed the answer."""
        return self.status == "accepted"


class RowFile:
    """The rows of a bench in the file `path`. Rows of other work in it are left alone and not read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RowFile({str(self.path)!r})"

    def read(self) -> dict[str, Row]:
        """Rows by key, the last of each; a last line that a kill cut short is removed from the file."""
        if not self.path.is_file():
            return {}
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self.path.open("r+b") as file:
                file.truncate(whole)
        rows = (self._row(number, line) for number, line in _numbered(data[:whole]))
        return {row.key: row for row in rows}

    def append(self, row: Row) -> None:
        """Add one row, whole or not at all: one write at the end of the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # ASCII: a model may write half of a surrogate pair, which is JSON but not UTF-8.
        line = (json.dumps(to_json(row)) + "\n").encode()
        place = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(place, line)
        finally:
            os.close(place)
        if written != len(line):
            raise UnavailableError(f"{str(self.path)!r} took a part of a row only; free disk space and go on")

    def _row(self, number: int, line: bytes) -> Row:
        try:
            data: Any = json.loads(line)
            return from_json(Row, data)
        except (ValueError, ValidationError):
            raise UsageError(
                f"line {number} of {str(self.path)!r} is no row of a bench; name another folder with --out"
            ) from None


def _numbered(data: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())
