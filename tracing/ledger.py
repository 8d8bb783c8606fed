"""The ledger: one SQLite file (WAL) to which every run appends what happened, and from which a killed run resumes.

Records are never changed. Each carries the hash of the one before it (`tracing.chain`), and of its texts only their
hash (`tracing.content`), so that texts can be left out or deleted. Several processes may append: a write takes
SQLite's lock for a fraction of a millisecond.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from .. import UnavailableError, UsageError
from .chain import Anchor, Inspection, inspect, record_hash
from .content import UNKEPT, content_column, content_digest, merge_content, split_content, texts_row
from .record import Entry, Record, RecordKind, RunSummary
from .views import VIEWS

__all__ = [
    "Entry",
    "Ledger",
    "LedgerError",
    "Record",
    "RecordKind",
    "RunSummary",
    "Superseded",
    "append_to",
    "read_record",
]

_FORMAT = 3
"""`PRAGMA user_version` of the file: 1 (written as 0) had the texts in the bodies, 2 no mark on what is not kept."""
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subtask_id TEXT,
    key TEXT,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    content TEXT,
    hash TEXT NOT NULL
)""",
    "CREATE TABLE IF NOT EXISTS contents (sha256 TEXT PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS records_of_run ON records (run_id, kind)",
    "CREATE INDEX IF NOT EXISTS records_of_rollouts ON records (seq) WHERE kind = 'rollout'",
)
_LAST_OF = "SELECT coalesce(max(seq), 0) FROM records WHERE run_id = ? AND kind = ?"
_LAST = "SELECT hash FROM records ORDER BY seq DESC LIMIT 1"
_APPEND = """
INSERT INTO records (run_id, kind, subtask_id, key, at, body, content, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_KEEP = "INSERT OR IGNORE INTO contents (sha256, text) VALUES (?, ?)"
_READ = """
SELECT r.seq, r.run_id, r.kind, r.subtask_id, r.key, r.at, r.body, r.content, c.text
FROM records r LEFT JOIN contents c ON c.sha256 = r.content
"""
_SCAN = """
SELECT r.seq, r.run_id, r.kind, r.subtask_id, r.key, r.at, r.body, r.content, c.text, r.hash
FROM records r LEFT JOIN contents c ON c.sha256 = r.content WHERE r.seq > ?1
"""
_PAGE = 500
_BUSY_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


class LedgerError(UnavailableError):
    """The ledger cannot be opened or written; the message says which file and why."""


class Superseded(UnavailableError):  # noqa: N818 - what happened to the writer, not to the ledger
    """A record that was to follow a certain one came too late: another process wrote first, and nothing was added."""


class Ledger:
    """Append-only record of runs in the SQLite file `path`; its folder is made on first use."""

    def __init__(self, path: Path, *, keep_content: bool = True) -> None:
        self.path = path
        self.keep_content = keep_content
        """Whether texts are kept; without, records hold their hashes only."""
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r}{'' if self.keep_content else ', keep_content=False'})"

    def append(
        self,
        run_id: str,
        kind: RecordKind,
        body: dict[str, Any],
        *,
        subtask_id: str | None = None,
        key: str | None = None,
        keep_content: bool | None = None,
        follows: int | None = None,
    ) -> int:
        """Add one record, durable against a killed process when this returns; the number it has in the ledger.

        `keep_content=False` leaves its texts out, as their data class may ask for; their hash stays.
        `follows` is the number of the record of this run and kind that it must come right after, 0 for none at all:
        where another is there already, nothing is added and `Superseded` is raised.
        """
        entry = Entry(
            run_id=run_id,
            kind=kind,
            body=body,
            subtask_id=subtask_id,
            key=key,
            keep_content=keep_content,
            follows=follows,
        )
        (seq,) = self.append_all((entry,))
        return seq

    def append_all(self, entries: Iterable[Entry]) -> list[int]:
        """Add records one after another, all of them or none; the numbers they have."""
        with self.transaction() as connection:
            return [append_to(connection, entry, keep_content=self.keep_content) for entry in entries]

    def keep(self, text: str) -> str:
        """Keep a text under its sha256, which is returned; the same text is kept once."""
        digest = content_digest(text)
        if self.keep_content:
            with self._open() as connection:
                connection.execute(_KEEP, (digest, json.dumps(text)))
        return digest

    def content(self, sha256: str) -> str | None:
        """The text kept under a hash, or None where it was not kept or is deleted."""
        with self._open() as connection:
            row = connection.execute("SELECT text FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else json.loads(row[0]) if row[0].startswith('"') else row[0]

    def records(self, run_id: str, *kinds: RecordKind, after: int = 0) -> list[Record]:
        """Records of a run in the order they were written; of `kinds` only, when any are named.

        `after`: those with a higher number only.
        """
        marks = ",".join("?" * len(kinds))
        only = f" AND r.kind IN ({marks})" if kinds else ""
        query = f"{_READ}WHERE r.run_id = ?{only} AND r.seq > ? ORDER BY r.seq"
        with self._open() as connection:
            return [read_record(row) for row in connection.execute(query, (run_id, *kinds, after))]

    def rollouts(self, *, after: int = 0) -> list[Record]:
        """Every canary's transitions with a number above `after`, in the order they were written."""
        query = f"{_READ}WHERE r.kind = 'rollout' AND r.seq > ? ORDER BY r.seq"
        with self._open() as connection:
            return [read_record(row) for row in connection.execute(query, (after,))]

    def scan(self, run_id: str | None = None) -> Iterator[tuple[Record, str]]:
        """Every record, of one run or all, with its hash, in order; other work may go on between two of them."""
        after, query = 0, f"{_SCAN} AND (?2 IS NULL OR r.run_id = ?2) ORDER BY r.seq LIMIT {_PAGE}"
        while True:
            with self._open() as connection:
                rows = connection.execute(query, (after, run_id)).fetchall()
            for *row, digest in rows:
                yield read_record(tuple(row)), digest
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

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
            cost_usd=sum(call.body["cost_usd"] for call in calls if call.body.get("purpose") != "shadow"),
        )

    def verify(self, anchor: Anchor | None = None) -> list[str]:
        """A message per record or kept text that is not as it was written; none when all are.

        Records cut off the end are found with an `anchor` only, which was taken before and kept elsewhere.
        """
        return list(self.inspect(anchor).problems)

    def inspect(self, anchor: Anchor | None = None) -> Inspection:
        """Recompute all hashes, and count."""
        with self.reading() as connection:
            return inspect(connection, anchor)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection whose queries all see the ledger of one moment."""
        with self._open() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """A connection that alone may write until the block ends; all that it wrote is undone when the block fails."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def checkpoint(self) -> bool:
        """Move the journal into the file and empty it; False where another process is at work on it."""
        with self._open() as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

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
                    f"the ledger {str(self.path)!r} cannot be used: {error}. {_remedy(error)}"
                ) from error
            except sqlite3.DatabaseError as error:
                raise LedgerError(
                    f"{str(self.path)!r} is not a ledger, or damaged ({error}); move it away and a new one is begun"
                ) from error


def _remedy(error: Exception) -> str:
    if "locked" in str(error):
        return f"Another process has held it for {_BUSY_SECONDS:g} s; try again, or see what it does"
    return "Free disk space or set PILOTFISH_HOME to a folder that can be written"


def append_to(connection: sqlite3.Connection, entry: Entry, *, keep_content: bool = True) -> int:
    """Add one record within a transaction of the ledger's; the number it has."""
    if entry.follows is not None:
        (last,) = connection.execute(_LAST_OF, (entry.run_id, entry.kind)).fetchone()
        if last != entry.follows:
            raise Superseded(
                f"the {entry.kind} of {entry.run_id!r} went on without us: "
                f"its last record is {last}, no longer {entry.follows}"
            )
    metadata, content = split_content(entry.kind, entry.body)
    kept = keep_content and entry.keep_content is not False
    digest = None
    if content:
        text = texts_row(content)
        digest = content_digest(text)
        if kept:
            connection.execute(_KEEP, (digest, text))
    if kept:
        connection.executemany(_KEEP, ((content_digest(text), json.dumps(text)) for text in entry.texts))
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    body = json.dumps(metadata, sort_keys=True)
    column = content_column(entry.kind, entry.body, digest, kept=kept)
    fields = (entry.run_id, entry.kind, entry.subtask_id, entry.key, at, body, column)
    (before,) = connection.execute(_LAST).fetchone() or ("",)
    done = connection.execute(_APPEND, (*fields, record_hash(before, *fields)))
    return cast("int", done.lastrowid)


def read_record(row: tuple[Any, ...]) -> Record:
    """A row of the records, with its texts where they are kept. Raises `LedgerError` for one that was altered so."""
    seq, run_id, kind, subtask_id, key, at, body, column, text = row
    try:
        metadata = json.loads(body)
        told = metadata if text is None else merge_content(metadata, json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LedgerError(
            f"record {seq} of run {run_id!r} cannot be read, so it was altered ({error}); "
            "`pilotfish runs verify` names every record that was"
        ) from error
    digest = None if column is None else column.removeprefix(UNKEPT) or None
    return Record(
        seq=seq,
        run_id=run_id,
        kind=kind,
        subtask_id=subtask_id,
        key=key,
        at=at,
        body=told,
        content_sha256=digest,
        content_missing=column is not None and text is None,
        content_unkept=column != digest,
    )


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    deadline = time.monotonic() + _BUSY_SECONDS
    try:
        while not _is_set_up(connection, path, last=time.monotonic() > deadline):
            time.sleep(_PAUSE_SECONDS)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_set_up(connection: sqlite3.Connection, path: Path, *, last: bool) -> bool:
    """Set up, or found held by another process that does so now: changing the journal's mode waits for nobody."""
    try:
        _set_up(connection, path)
    except sqlite3.OperationalError as error:
        if last or "locked" not in str(error):
            raise
        return False
    return True


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _FORMAT:
        raise LedgerError(
            f"{str(path)!r} was written by a newer Pilotfish (format {version}); update this one"
        )
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL survives a killed process, which resume needs; FULL would also survive power loss, at 8 times the price.
    connection.execute("PRAGMA synchronous=NORMAL")
    # What a purge deletes is overwritten, not only forgotten.
    connection.execute("PRAGMA secure_delete=ON")
    if version < _FORMAT:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a new or an older file to this format; records already there stay as they are, byte for byte."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(records)")]
        if "content" not in columns:
            connection.execute("ALTER TABLE records ADD COLUMN content TEXT")
        for statement in VIEWS:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
