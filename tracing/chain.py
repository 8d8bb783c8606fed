"""The hash chain over the ledger's records: how a record is linked, and how every break is found.

It is a chain, not a signature: who can write the file can append records, or write the whole of it anew. Against that
stands an anchor, the last record's hash kept where that writer cannot reach.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import UsageError
from .content import row_digest
from .whole import writing_whole

_ROWS = "SELECT seq, run_id, kind, subtask_id, key, at, body, content, hash FROM records ORDER BY seq"
_MISSING = """
SELECT count(*) FROM records r
WHERE r.content IS NOT NULL AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.sha256 = r.content)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The ledger's end at some moment."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a look at the whole ledger found."""

    problems: tuple[str, ...]
    """A message per record or text that is not as it was written; none when all are."""
    records: int
    removed: int
    """Records that a purge removed, and said so."""
    contents: int
    """Texts kept."""
    contents_missing: int
    """Records whose texts were left out or deleted; their hashes are there."""
    end: Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seal:
    first: int
    last: int
    hash: str
    """Of the last record removed."""


def link(before: str, *fields: str | None) -> str:
    """The hash of a record that follows the one with the hash `before`."""
    # Lengths keep neighbouring fields apart, whatever they hold.
    parts = ("-" if field is None else f"{len(field)}:{field}" for field in (before, *fields))
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def record_hash(before: str, *fields: str | None) -> str:
    """`link` for a row's run id, kind, subtask id, key, time, body and content; rows older than content have none."""
    return link(before, *(fields if fields[-1] is not None else fields[:-1]))


def inspect(connection: sqlite3.Connection, anchor: Anchor | None = None) -> Inspection:
    """Recompute every hash, of records and of kept texts."""
    with _any_text(connection):
        seals = _seals(connection)
        problems, count, hashes_at, end = _walk(connection, seals, anchor)
        if anchor is not None:
            problems += _against(anchor, hashes_at, end, seals)
        contents = 0
        for digest, text in connection.execute("SELECT sha256, text FROM contents"):
            contents += 1
            if not _fits(digest, text):
                problems.append(f"the text kept under {str(digest)[:12]}… is not the one that was kept")
    return Inspection(
        problems=tuple(problems),
        records=count,
        removed=sum(seal.last - seal.first + 1 for seal in seals.values()),
        contents=contents,
        contents_missing=connection.execute(_MISSING).fetchone()[0],
        end=end,
    )


def _walk(
    connection: sqlite3.Connection, seals: Mapping[int, _Seal], anchor: Anchor | None
) -> tuple[list[str], int, str | None, Anchor]:
    """Problems of the records, their number, the hash at the anchor's place, and the end."""
    problems: list[str] = []
    before, expected, count, at_anchor = "", 1, 0, None
    for seq, *fields, digest in connection.execute(_ROWS):
        if seq > expected:
            sealed = _sealed(seals, expected, seq - 1)
            before = sealed or before
            if sealed is None:
                problems.append(f"records {expected} to {seq - 1} are missing")
        if seq < expected or record_hash(before, *fields) != digest:
            problems.append(
                f"record {seq} (run {fields[0]!r}, {fields[1]}) is not what was written, or not where"
            )
        before, expected, count = digest, seq + 1, count + 1
        if anchor is not None and seq == anchor.seq:
            at_anchor = digest
    return problems, count, at_anchor, Anchor(seq=expected - 1, hash=str(before))


def _against(anchor: Anchor, found: str | None, end: Anchor, seals: Mapping[int, _Seal]) -> list[str]:
    if anchor.seq == 0 or found == anchor.hash:
        return []
    if found is not None:
        return [
            f"record {anchor.seq} is not the one that the anchor saw: what came before it was written anew"
        ]
    if end.seq < anchor.seq:
        return [f"records {end.seq + 1} to {anchor.seq}, which the anchor saw, are cut off the end"]
    if anchor.seq in seals and seals[anchor.seq].hash == anchor.hash:
        return []
    return [
        f"record {anchor.seq}, which the anchor saw, is gone, so the anchor shows nothing: "
        "was it purged, purge with --anchor next time, which writes a new one"
    ]


def _seals(connection: sqlite3.Connection) -> dict[int, _Seal]:
    """What purges say they removed, by the last record of each stretch."""
    found: dict[int, _Seal] = {}
    for (body,) in connection.execute("SELECT body FROM records WHERE kind = 'sealed'"):
        for first, last, digest in _ranges(body):
            found[last] = _Seal(first=first, last=last, hash=digest)
    return found


def _ranges(body: str) -> list[tuple[int, int, str]]:
    try:
        rows: Any = json.loads(body)["ranges"]
        return [(int(first), int(last), str(digest)) for first, last, digest in rows]
    except (ValueError, KeyError, TypeError):
        return []  # edited: the walk says so


def _sealed(seals: Mapping[int, _Seal], first: int, last: int) -> str | None:
    """The hash before record `last + 1` where purges account for all from `first` to `last`."""
    place = last
    while place >= first and place in seals:
        place = seals[place].first - 1
    return seals[last].hash if place == first - 1 else None


def _fits(digest: object, row: object) -> bool:
    try:
        return isinstance(row, str) and row_digest(row) == digest
    except (ValueError, AttributeError):
        return False


@contextmanager
def _any_text(connection: sqlite3.Connection) -> Generator[None]:
    """Read also what is no UTF-8: it does not have its hash, which is to be said rather than raised."""
    before = connection.text_factory
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = before


def read_anchor(path: Path) -> Anchor:
    """The anchor in a file; `UsageError` where there is none."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return Anchor(seq=int(data["seq"]), hash=str(data["hash"]))
    except OSError as error:
        raise UsageError(
            f"the anchor {str(path)!r} cannot be read: {error.strerror}; "
            "`pilotfish runs verify --anchor FILE --write` writes a first one"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{str(path)!r} is not an anchor: {error!r}") from None


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Write the anchor, whole or not at all."""
    with writing_whole(path) as partial:
        partial.write_text(json.dumps({"seq": anchor.seq, "hash": anchor.hash}) + "\n", encoding="utf-8")
