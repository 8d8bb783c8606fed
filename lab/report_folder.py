"""The folder of a report: it appears whole or not at all, and never takes the place of anything but a report."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import UsageError

RESULTS = "results.json"
"""The figures behind a report, and the list of its files, by which a later one knows that it may replace them."""


def check_folder(out: Path) -> None:
    """Raises `UsageError` where a report may not be written to `out`: something else is there."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{str(out)!r} is a file; --out names the folder of a report")
    foreign = sorted({path.name for path in out.iterdir()} - _own_files(out))
    if foreign:
        named = ", ".join(repr(name) for name in foreign[:3])
        raise UsageError(
            f"folder {str(out)!r} holds files that are no report's ({named}{'…' if len(foreign) > 3 else ''}); "
            "give --out a new or an empty folder"
        )


def write_folder(out: Path, files: Mapping[str, bytes], *, results: Mapping[str, Any]) -> None:
    """Writes the files and results.json beside `out`, then puts them in its place in one step."""
    check_folder(out)
    kept = {**results, "report_files": sorted([*files, RESULTS])}
    text = json.dumps(kept, ensure_ascii=False, indent=2, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        made, old = Path(scratch) / "new", Path(scratch) / "old"
        made.mkdir()
        for name, data in {**files, RESULTS: text.encode()}.items():
            (made / name).write_bytes(data)
        if out.exists():
            out.rename(old)
        try:
            made.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise


def _own_files(out: Path) -> set[str]:
    """The names a report's results.json lists as its own, itself among them."""
    try:
        found = json.loads((out / RESULTS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return set()
    listed = found.get("report_files") if isinstance(found, dict) else None
    return {os.fspath(name) for name in listed} if isinstance(listed, list) else set()
