"""Reads the files that outcome tables come in, as records: CSV, CSV.gz, Parquet and JSON. Knows nothing of models."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

from .. import UsageError

LONGEST_FIELD = 2**31 - 1
"""Characters of one CSV field: a prompt may carry a whole document."""


def read_records(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV, CSV.gz or Parquet file by column; raises `UsageError` naming the file and what is wrong."""
    return _parquet(path) if path.suffix == ".parquet" else _csv(path)


def read_json(path: Path) -> Any:
    """The value in a JSON file; raises `UsageError` naming the file and where it breaks off."""
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise UsageError(f"{str(path)!r} is no JSON: {error}") from None


def _csv(path: Path) -> list[dict[str, Any]]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        reader = csv.DictReader(io.StringIO(_text(path), newline=""))
        header = list(reader.fieldnames or ())
        records: list[dict[Any, Any]] = list(reader)
    except csv.Error as error:
        raise UsageError(f"{str(path)!r} is no CSV: {error}") from None
    finally:
        csv.field_size_limit(before)
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise UsageError(f"{str(path)!r} has the column {twice[0]!r} twice")
    for row, record in enumerate(records):
        if None in record or None in record.values():
            raise UsageError(f"row {row + 1} of {str(path)!r} has more or fewer fields than its header")
    return records


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{str(path)!r} is damaged or no gzip file: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8: {error.reason} at byte {error.start}") from None


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise UsageError(
            f"reading {str(path)!r} needs pyarrow; install it with: pip install 'pilotfish[lab]'"
        ) from error
    try:
        return parquet.read_table(path).to_pylist()
    except arrow.ArrowInvalid as error:
        raise UsageError(f"{str(path)!r} is no Parquet file: {error}") from None
