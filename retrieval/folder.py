"""The folder a store mirrors: which of its files are read, and which changed since they were last read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .. import UsageError
from .manifest import FileStamp

# A file changed within this time of a scan may have changed again without a new time stamp, so it is hashed.
_SETTLED_NS = 2 * 10**9


DOCUMENT_KINDS = "Markdown, text, HTML or PDF"


def list_files(folder: Path, *, leave_out: Path | None = None) -> tuple[dict[str, Path], dict[str, str]]:
    """The files under `folder` by their path relative to it, in order, and those refused with the reason.

    Hidden files and folders and the folder `leave_out` are left out; a link that leads outside is refused.
    """
    if not folder.is_dir():
        raise UsageError(
            f"the corpus {str(folder)!r} is not a folder; give a folder of {DOCUMENT_KINDS} files"
        )
    root = folder.resolve()
    files: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for where, folders, names in os.walk(root):
        here = Path(where)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if _is_walked(here / name, leave_out))
        for name in sorted([*names, *links]):
            path = here / name
            source = path.relative_to(root).as_posix()
            if not name.startswith(".") and not path.resolve().is_relative_to(root):
                refused[source] = "is a link that leads outside the folder"
            elif not name.startswith(".") and path.is_file():
                files[source] = path
    return files, refused


def _is_walked(folder: Path, leave_out: Path | None) -> bool:
    return not folder.name.startswith(".") and not folder.is_symlink() and folder != leave_out


def stamp_file(path: Path) -> FileStamp:
    """The present state of the file; one that cannot be opened is marked as skipped."""
    status = path.stat()
    digest, skipped = "", ""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        skipped = f"cannot be opened: {error.strerror or error}"
    return FileStamp(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=digest, skipped=skipped)


def is_settled(path: Path, stamp: FileStamp, *, scanned_ns: int) -> bool:
    """Whether size and time stamp alone show that the file is what `stamp` says."""
    status = path.stat()
    same = (status.st_size, status.st_mtime_ns) == (stamp.size, stamp.mtime_ns)
    return same and status.st_mtime_ns < scanned_ns - _SETTLED_NS


def stamp_files(
    files: Mapping[str, Path], known: Mapping[str, FileStamp], *, scanned_ns: int
) -> dict[str, FileStamp]:
    """The state of every file; only those that may have changed since `known` are read."""
    stamps: dict[str, FileStamp] = {}
    for source, path in files.items():
        before = known.get(source)
        if before is not None and before.sha256 and is_settled(path, before, scanned_ns=scanned_ns):
            stamps[source] = before
            continue
        now = stamp_file(path)
        if before is not None and before.sha256 == now.sha256:
            now = replace(now, skipped=before.skipped)
        stamps[source] = now
    return stamps
