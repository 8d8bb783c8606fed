"""The ledger: one SQLite file (WAL) to which every run appends what happened, and from which a killed run resumes.

Records are never changed. Each carries the hash of the one before it, so an edited, removed or reordered record is
found by `verify`; cutting records off the end is not, which needs an anchor outside the file. Several processes may
append: a write takes SQLite's lock for a fraction of a millisecond.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .. import UnavailableError, UsageError
from .content import content_digest

RecordKind = Literal[
    "run",
    "plan",
    "approval",
    "decision",
    "call",
    "verdict",
    "subtask",
    "answer",
    "feedback",
    "rollout",
    "observation",
]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subtask_id TEXT,
    key TEXT,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS contents (
    sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_of_run ON records (run_id, kind);
CREATE INDEX IF NOT EXISTS records_of_rollouts ON records (seq) WHERE kind = 'rollout';
"""
_APPEND = """
INSERT INTO records (run_id, kind, subtask_id, key, at, body, hash)
SELECT ?1, ?2, ?3, ?4, ?5, ?6,
       chain(coalesce((SELECT hash FROM records ORDER BY seq DESC LIMIT 1), ''), ?1, ?2, ?3, ?4, ?5, ?6)
WHERE ?7 IS NULL OR ?7 = coalesce((SELECT max(seq) FROM records WHERE run_id = ?1 AND kind = ?2), 0)
"""
"""One statement, so that SQLite's own lock keeps the chain whole between processes."""
_SELECT = "SELECT seq, run_id, kind, subtask_id, key, at, body FROM records"
_BUSY_SECONDS = 10.0


class LedgerError(UnavailableError):
    """The ledger cannot be opened or written; the message says which file and why."""


class Superseded(UnavailableError):  # noqa: N818 - what happened to the writer, not to the ledger
    """A record that was to follow a certain one came too late: another process wrote first, and nothing was added."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of `pilotfish runs list`."""

    run_id: str
    task: str
    status: str
    """The answer's status, or `unfinished`."""
    started: str
    calls: int
    cost_usd: float


class Ledger:
    """Append-only record of runs in the SQLite file `path`; its folder is made on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def append(
        self,
        run_id: str,
        kind: RecordKind,
        body: dict[str, Any],
        *,
        subtask_id: str | None = None,
        key: str | None = None,
        follows: int | None = None,
    ) -> int:
        """Add one record, durable against a killed process when this returns; the number it has in the ledger.

        `follows` is the number of the record of this run and kind that it must come right after, 0 for none at all:
        where another is there already, nothing is added and `Superseded` is raised.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        # ASCII: a model may write half of a surrogate pair, which is JSON but not UTF-8.
        fields = (run_id, kind, subtask_id, key, at, json.dumps(body, sort_keys=True))
        with self._open() as connection:
            done = connection.execute(_APPEND, (*fields, follows))
            seq = done.lastrowid
        if done.rowcount != 1 or seq is None:
            raise Superseded(
                f"the {kind} of {run_id!r} went on without us: no longer is {follows} its last record"
            )
        return seq

    def keep(self, text: str) -> str:
        """Keep a text under its sha256, which is returned; the same text is kept once."""
        digest = content_digest(text)
        with self._open() as connection:
            row = (digest, json.dumps(text))
            connection.execute("INSERT OR IGNORE INTO contents (sha256, text) VALUES (?, ?)", row)
        return digest

    def content(self, sha256: str) -> str | None:
        """The text kept under a hash, or None where it was not kept or is deleted."""
        with self._open() as connection:
            row = connection.execute("SELECT text FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else json.loads(row[0])

    def records(self, run_id: str, *kinds: RecordKind, after: int = 0) -> list[Record]:
        """Records of a run in the order they were written; of `kinds` only, when any are named.

        `after`: those with a higher number only.
        """
        marks = ",".join("?" * len(kinds))
        only = f" AND kind IN ({marks})" if kinds else ""
        query = f"{_SELECT} WHERE run_id = ?{only} AND seq > ? ORDER BY seq"
        with self._open() as connection:
            return [_record(row) for row in connection.execute(query, (run_id, *kinds, after))]

    def rollouts(self, *, after: int = 0) -> list[Record]:
        """Every canary's transitions with a number above `after`, in the order they were written."""
        with self._open() as connection:
            rows = connection.execute(f"{_SELECT} WHERE kind = 'rollout' AND seq > ? ORDER BY seq", (after,))
            return [_record(row) for row in rows]

    def runs(self, *, limit: int = 50) -> list[RunSummary]:
        """The latest runs, newest first."""
        query = "SELECT run_id FROM records WHERE kind = 'run' ORDER BY seq DESC LIMIT ?"
        with self._open() as connection:
            ids = [row[0] for row in connection.execute(query, (limit,))]
        return [self.summary(run_id) for run_id in dict.fromkeys(ids)]

    def summary(self, run_id: str) -> RunSummary:
        """What one run was and came to. An unknown id raises `UsageError`."""
        start = next(iter(self.records(run_id, "run")), None)
        if start is None:
            raise UsageError(
                f"no run {run_id!r} in {str(self.path)!r}; `pilotfish runs list` shows the runs there are"
            )
        answers = self.records(run_id, "answer")
        calls = self.records(run_id, "call")
        return RunSummary(
            run_id=run_id,
            task=start.body["task"],
            status=answers[-1].body["status"] if answers else "unfinished",
            started=start.at,
            calls=len(calls),
            cost_usd=sum(call.body["cost_usd"] for call in calls),
        )

    def verify(self) -> list[str]:
        """Recompute the hash chain; a message per record that does not fit, none when all is as written."""
        problems: list[str] = []
        before, expected = "", 1
        query = "SELECT seq, run_id, kind, subtask_id, key, at, body, hash FROM records ORDER BY seq"
        with self._open() as connection:
            for seq, *fields, digest in connection.execute(query):
                if seq != expected:
                    problems.append(f"records {expected} to {seq - 1} are missing")
                if _chain(before, *fields) != digest:
                    problems.append(
                        f"record {seq} (run {fields[0]!r}, {fields[1]}) is not what was written, or not where"
                    )
                before, expected = digest, seq + 1
        return problems

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self.path)
                yield self._connection
            except (sqlite3.OperationalError, OSError) as error:
                raise LedgerError(
                    f"the ledger {str(self.path)!r} cannot be used: {error}. "
                    "Free disk space or set PILOTFISH_HOME to a folder that can be written"
                ) from error
            except sqlite3.DatabaseError as error:
                raise LedgerError(
                    f"{str(self.path)!r} is not a ledger ({error}); move it away and a new one is begun"
                ) from error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL survives a killed process, which resume needs; FULL would also survive power loss, at 8 times the price.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)
    connection.create_function("chain", 7, _chain, deterministic=True)
    return connection


def _chain(before: str, *fields: str | None) -> str:
    # Lengths keep neighbouring fields apart, whatever they hold.
    parts = ("-" if field is None else f"{len(field)}:{field}" for field in (before, *fields))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _record(row: tuple[Any, ...]) -> Record:
    seq, run_id, kind, subtask_id, key, at, body = row
    return Record(
        seq=seq, run_id=run_id, kind=kind, subtask_id=subtask_id, key=key, at=at, body=json.loads(body)
    )
