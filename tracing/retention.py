"""What is deleted from a ledger, and how it stays verifiable: texts stand beside the chain, records leave a seal in it.

A run goes whole, once its last record is old. What canaries wrote stays: a rollback must outlive its evidence.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .. import UsageError
from .content import CONTENT_REFERENCES, UNKEPT
from .ledger import Ledger, append_to
from .record import Entry

_AGE = re.compile(r"(\d+)\s*(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_KEPT = f"coalesce(content, '') NOT LIKE '{UNKEPT}%'"
_BY_NAME = (
    " UNION SELECT json_extract(body, '$.{name}') FROM records WHERE kind = 'call' AND {KEPT} AND {{where}}"
)
_BY_RECORD = "SELECT content AS sha256 FROM records WHERE content IS NOT NULL AND {where}"
_REFERENCES = _BY_RECORD + "".join(_BY_NAME.format(name=name, KEPT=_KEPT) for name in CONTENT_REFERENCES)
_OLD_RUNS = """
CREATE TEMP TABLE old_runs AS
SELECT run_id FROM records GROUP BY run_id
HAVING max(at) < ? AND sum(kind IN ('rollout', 'observation', 'sealed')) = 0
"""
_IN_OLD, _IN_OTHERS = "run_id IN (SELECT run_id FROM old_runs)", "run_id NOT IN (SELECT run_id FROM old_runs)"
_DELETE_CONTENTS = f"""
DELETE FROM contents WHERE sha256 IN (SELECT sha256 FROM ({_REFERENCES.format(where=_IN_OLD)}))
AND sha256 NOT IN (SELECT sha256 FROM ({_REFERENCES.format(where=_IN_OTHERS)}) WHERE sha256 IS NOT NULL)
"""  # noqa: S608 - names of this module only
_STRETCHES = f"""
SELECT min(seq), max(seq) FROM
(SELECT seq, seq - row_number() OVER (ORDER BY seq) AS stretch FROM records WHERE {_IN_OLD}) GROUP BY stretch
ORDER BY 1
"""  # noqa: S608
_DELETE_RECORDS = f"DELETE FROM records WHERE {_IN_OLD}"  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge did."""

    older_than: str
    """ISO 8601, UTC."""
    runs: int
    """Runs that are older."""
    records: int
    """Records removed; 0 where only texts were to go."""
    contents: int
    """Texts deleted; one that a younger run uses too stays."""
    inline: int
    """Records that hold their texts themselves, as the first format did: only removing them removes those."""
    wiped: bool
    """Whether nothing of it is left in the file. While another process reads, its journal still has it."""


def purge(ledger: Ledger, *, before: datetime, content_only: bool = False) -> Purged:
    """Delete the runs whose last record is older than `before`, or only their texts.

    The chain holds hashes of texts only, so it does not change when those go. A `sealed` record says what was
    deleted, and for records with which hash the chain goes on. All of it happens, or nothing.
    """
    limit = before.astimezone(UTC).isoformat(timespec="milliseconds")
    with ledger.transaction() as connection, _old_runs(connection, limit):
        runs = _count(connection, "SELECT count(*) FROM old_runs")
        inline = _count(
            connection,
            f"SELECT count(*) FROM records WHERE {_IN_OLD} AND kind = 'run' AND content IS NULL "  # noqa: S608
            "AND json_extract(body, '$.task') != ''",
        )
        contents = connection.execute(_DELETE_CONTENTS).rowcount
        stretches = [] if content_only else _stretches(connection)
        if (
            stretches or contents
        ):  # the seal first, so that its number follows the last one when nothing else is left
            body = {"older_than": limit, "runs": runs, "contents": contents, "ranges": stretches}
            append_to(connection, Entry(run_id="", kind="sealed", body=body))
        records = 0 if content_only else connection.execute(_DELETE_RECORDS).rowcount
    return Purged(
        older_than=limit,
        runs=runs,
        records=records,
        contents=contents,
        inline=inline if content_only else 0,
        wiped=ledger.checkpoint(),
    )


def _stretches(connection: sqlite3.Connection) -> list[tuple[int, int, str]]:
    """First and last number of every stretch of old records, and the hash that the next one follows."""
    return [
        (first, last, connection.execute("SELECT hash FROM records WHERE seq = ?", (last,)).fetchone()[0])
        for first, last in connection.execute(_STRETCHES).fetchall()
    ]


@contextmanager
def _old_runs(connection: sqlite3.Connection, limit: str) -> Generator[None]:
    connection.execute("DROP TABLE IF EXISTS old_runs")
    connection.execute(_OLD_RUNS, (limit,))
    yield
    connection.execute("DROP TABLE old_runs")


def _count(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0]


def moment(text: str, *, now: datetime | None = None) -> datetime:
    """A point in time from an age (`30d`, `12h`, `2w`, `90m`) or an ISO date; `UsageError` for anything else."""
    age = _AGE.fullmatch(text.strip())
    try:
        if age is not None:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[age[2]]: int(age[1])})
        given = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no age and no date; write 30d, 12h, 2w, or 2026-11-22") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
