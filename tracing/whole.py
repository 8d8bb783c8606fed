"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .. import UsageError


@contextmanager
def writing_whole(path: Path) -> Generator[Path]:
    """A path beside `path` to write to, moved there at the end; nothing is left of it when the block fails.

    Raises `UsageError` where `path` is a folder, or in none.
    """
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder; name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{str(path)!r} is in no folder there is; make {str(path.parent)!r} first")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
