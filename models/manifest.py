"""What is recorded of a model's files: each one's hash, beside the size and time it was hashed at.

So a warm start hashes nothing, and a file that was changed afterwards is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import UnavailableError

Reason = Literal["absent", "altered", "unreachable"]
"""`absent` also when a file of several is; `unreachable` when nothing could be fetched."""

Progress = Callable[[str, int, int], None]
"""Called with the model id, bytes done and bytes in all (0 when unknown)."""

MANIFEST = "pilotfish.json"
_BLOCK = 1 << 20


class WeightsError(UnavailableError):
    """Weights that are absent, altered, or cannot be fetched; the message says what to do."""

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file as it was when it was last hashed."""

    sha256: str
    size: int
    mtime_ns: int


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_manifest(folder: Path) -> tuple[str, dict[str, Checked]]:
    """Revision and hashed files of a model's folder; nothing when there is no readable manifest."""
    try:
        data: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(data["revision"]), {name: Checked(**entry) for name, entry in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return "", {}


def write_manifest(folder: Path, revision: str, hashes: Mapping[str, str]) -> None:
    """Record the hashes of files as they are now."""
    files: dict[str, Any] = {}
    for name, sha256 in hashes.items():
        stat = (folder / name).stat()
        files[name] = {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".manifest-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"revision": revision, "files": files}, file, indent=1)
    Path(temporary).replace(folder / MANIFEST)
