"""Files that appear whole or not at all: who reads the path meets the old content or the new, never a part."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .. import UsageError


def write_whole(path: Path, data: bytes | str) -> None:
    """Write `data`, text as UTF-8 with its line ends as they are. Raises `UsageError` as `writing_whole` does."""
    with writing_whole(path) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


@contextmanager
def writing_whole(path: Path) -> Generator[Path]:
    """A path beside `path` to write to, moved there at the end; nothing is left of it when the block fails.

    Raises `UsageError` where `path` is a folder, or in none.
    """
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder; name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{str(path)!r} is in no folder there is; make {str(path.parent)!r} first")
    partial = path.with_name(
        f".{path.stem}.{secrets.token_hex(4)}{path.suffix}"
    )  # the ending says what it is
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
