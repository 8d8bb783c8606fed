"""The chunk file: every passage of one generation of a store, a JSON object a line. Indexes are made from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .chunks import Chunk
from .manifest import StoreError, replace_file


def chunk_path(folder: Path, generation: int) -> Path:
    """Where the store in `folder` keeps the passages of `generation`."""
    return folder / f"chunks-{generation:06d}.jsonl"


def write_chunks(path: Path, chunks: Sequence[Chunk]) -> str:
    """Write all of `chunks` or nothing; returns the sha256 of the file."""
    data = "".join(json.dumps(asdict(chunk), ensure_ascii=False) + "\n" for chunk in chunks).encode()
    replace_file(path, data)
    return hashlib.sha256(data).hexdigest()


def read_chunks(path: Path, *, sha256: str) -> list[Chunk]:
    """The passages in the file, which must be the one that was written."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(f"{str(path)!r} is missing; delete the store and ingest again") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"{str(path)!r} was altered since it was written; delete the store and ingest again")
    # Not splitlines: a passage may hold U+2028, which JSON leaves as it is.
    return [_chunk(json.loads(line)) for line in data.decode().split("\n") if line]


def _chunk(row: dict[str, Any]) -> Chunk:
    row["also"] = tuple(row.get("also", ()))
    return Chunk(**row)
