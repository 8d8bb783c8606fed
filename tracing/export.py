"""A ledger's records as a file for other tools: JSON lines, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from .. import UsageError
from .content import CONTENT_REFERENCES, UNKEPT, split_content
from .ledger import Ledger
from .record import Record
from .whole import writing_whole

_FORMATS = (".jsonl", ".parquet")
_BATCH = 2000
"""Rows of a Parquet row group, and so how many are held in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    path: Path
    records: int
    content: bool
    """Whether texts are in it, where they are kept."""


def export(ledger: Ledger, path: Path, *, run_id: str | None = None, content: bool = True) -> Exported:
    """Write the records, of one run or all, to a `.jsonl` or `.parquet` file, which appears whole or not at all.

    A row has a record's columns with its `hash`, and `texts`: what its body names by a hash, such as a call's prompt
    and answer. Without `content` all texts are blank and their hashes stay. Raises `UsageError` for an unknown run or
    ending, and where Parquet's library is not installed.
    """
    if path.suffix not in _FORMATS:
        raise UsageError(f"{str(path)!r} ends in none of {', '.join(_FORMATS)}")
    if run_id is not None:
        ledger.summary(run_id)
    write = _write_parquet if path.suffix == ".parquet" else _write_lines
    with writing_whole(path) as partial:
        count = write(partial, _rows(ledger, run_id, content=content))
    return Exported(path=path, records=count, content=content)


def _rows(ledger: Ledger, run_id: str | None, *, content: bool) -> Iterator[dict[str, Any]]:
    for record, digest in ledger.scan(run_id):
        body = record.body if content else split_content(record.kind, record.body)[0]
        names = CONTENT_REFERENCES if content and record.kind == "call" and not record.content_unkept else ()
        texts = {name: ledger.content(body[name]) for name in names if body.get(name)}
        yield {
            "seq": record.seq,
            "run_id": record.run_id,
            "kind": record.kind,
            "subtask_id": record.subtask_id,
            "key": record.key,
            "at": record.at,
            "body": body,
            "content_sha256": _column(record),
            "content_missing": record.content_missing or not content,
            "texts": {name.removesuffix("_sha256"): text for name, text in texts.items()},
            "hash": digest,
        }


def _column(record: Record) -> str | None:
    """As it is in the ledger, so that a row's hash can be recomputed."""
    return f"{UNKEPT}{record.content_sha256 or ''}" if record.content_unkept else record.content_sha256


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="ascii") as file:  # JSON's own escapes: half a surrogate pair is not UTF-8
        for row in rows:
            file.write(json.dumps(row) + "\n")
            count += 1
    return count


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow: pip install 'pilotfish[lab]', or export to a .jsonl file"
        ) from None
    names = ("run_id", "kind", "subtask_id", "key", "at", "body", "content_sha256", "texts", "hash")
    columns = [("seq", arrow.int64()), ("content_missing", arrow.bool_())]
    schema = arrow.schema([*columns, *((name, arrow.string()) for name in names)])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            flat = [
                {**row, "body": json.dumps(row["body"]), "texts": json.dumps(row["texts"])} for row in batch
            ]
            writer.write_table(arrow.Table.from_pylist(flat, schema=schema))
            count += len(batch)
    return count
