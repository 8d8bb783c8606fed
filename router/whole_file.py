"""Writing a file whole or not at all: who reads its path meets the old content or the new, never a part."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, data: bytes | str) -> None:
    """Writes `data`, text as UTF-8 with its line ends as they are, beside `path` and moves it there.

    Two processes that write the same path at the same time must take turns; the folder must exist.
    """
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    partial.replace(path)
