"""Writing a file whole or not at all: who reads its path meets the old content or the new, never a part."""

from __future__ import annotations

from pathlib import Path

from .. import UsageError


def write_whole(path: Path, data: bytes | str) -> None:
    """Writes `data`, text as UTF-8 with its line ends as they are, beside `path` and moves it there.

    Two processes that write the same path at the same time must take turns. Raises `UsageError` where the path is a
    folder, or in none.
    """
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder; name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{str(path)!r} is in no folder there is; make {str(path.parent)!r} first")
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    partial.replace(path)
