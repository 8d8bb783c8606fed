"""The manifest: what a store holds, which embedding model made it, which generation of its files is valid.

Replacing it is the one act by which an ingest takes effect.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .. import UsageError

FORMAT = 1
"""Version of the layout on disk."""
_NAME = "manifest.json"


class StoreError(UsageError):
    """A store does not fit what is asked of it; the message names the store and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """One file of the corpus as it was read."""

    size: int
    """Bytes."""
    mtime_ns: int
    sha256: str
    """Hash of the file's bytes."""
    skipped: str = ""
    """Why nothing was taken from it; empty for a file that was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The state of a store."""

    model_id: str
    """The embedding model, the same for every passage and every query."""
    model_digest: str
    """sha256 of its weights."""
    generation: int = 0
    """Counts the changes; names the chunk file and the index folder. 0 is an empty store."""
    folder: str = ""
    """The folder that is mirrored."""
    chunks: int = 0
    chunks_sha256: str = ""
    """Hash of the chunk file's bytes."""
    scanned_ns: int = 0
    """When the folder was last read, in nanoseconds since the epoch."""
    classes: str = ""
    """Digest of what was said about the documents' data classes; empty in a store from before there were any."""
    files: Mapping[str, FileStamp] = field(default_factory=dict)
    """Path relative to the folder, with `/`, to what was read."""


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of the store in `folder`, or None where there is none."""
    path = folder / _NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise StoreError(
                f"the store {str(folder)!r} was written by another version; delete it and ingest again"
            )
        files = {source: FileStamp(**stamp) for source, stamp in data.pop("files").items()}
        return Manifest(files=files, **data)
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({error}); delete the store and ingest again") from error


def sign_manifest(folder: Path) -> tuple[int, int, int] | None:
    """What tells one manifest from the next without reading it, or None where there is none."""
    try:
        status = (folder / _NAME).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put `manifest` in place, all or nothing."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, sort_keys=True, ensure_ascii=False)
    replace_file(folder / _NAME, text.encode())


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, flush it to the disk, and rename it over `path`."""
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_model(folder: Path, manifest: Manifest, *, model_id: str, digest: str) -> None:
    """Raise `StoreError` unless the store was made with exactly this embedding model."""
    if (manifest.model_id, manifest.model_digest) != (model_id, digest):
        raise StoreError(
            f"the store {str(folder)!r} was made with the embedding model {manifest.model_id!r} "
            f"(sha256 {manifest.model_digest[:12]}…), not with {model_id!r} (sha256 {digest[:12]}…); "
            "open it with that model, or delete it and ingest again"
        )
