"""The directory lock: one writer to a store, and a message that names who holds it."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from .. import UnavailableError
from .manifest import replace_file


class StoreLockedError(UnavailableError):
    """Another process, or another thread of this one, is writing to the store."""


class StoreLock:
    """Held while a store is written to. Searching takes no such lock, so it goes on meanwhile."""

    def __init__(self, folder: Path, *, timeout_s: float = 5.0) -> None:
        self._folder = folder
        self._holder = folder / "holder.json"
        self._lock = FileLock(folder / "store.lock", timeout=timeout_s)

    def __enter__(self) -> StoreLock:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StoreLockedError(
                f"the store {str(self._folder)!r} is being written to by {self._describe_holder()}; "
                "wait for it to finish, or stop it, and try again"
            ) from error
        replace_file(self._holder, json.dumps(_describe_self()).encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.unlink(missing_ok=True)
        self._lock.release()

    def _describe_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f"process {holder['pid']} ({holder['command']!r}, since {holder['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def _describe_self() -> dict[str, object]:
    # Arguments beyond the subcommand may hold a question or a key, so they stay out of the file.
    words = [Path(sys.argv[0]).name, *sys.argv[1:2]] if sys.argv else []
    return {
        "pid": os.getpid(),
        "command": " ".join(words) or "python",
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
