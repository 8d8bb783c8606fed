"""Ingest: bring the passages of a store in line with the folder it mirrors, reading only what changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import UsageError
from .chunks import Chunk, split_document
from .classes import CLASSES_FILE, Classes
from .documents import UnreadableError, read_document
from .folder import list_files, stamp_files
from .manifest import FileStamp, Manifest, StoreError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What an ingest found and did, in files."""

    added: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    """Passages in the store afterwards."""
    skipped: tuple[tuple[str, str], ...]
    """Files nothing was taken from, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The folder as it is now, against what the store knows of it."""

    paths: Mapping[str, Path]
    stamps: Mapping[str, FileStamp]
    refused: Mapping[str, str]
    """Files that are not even opened, with the reason."""
    scanned_ns: int
    known: Mapping[str, FileStamp]
    classes: Classes
    """What is said about the documents' data classes."""
    classed: bool
    """Whether the passages in the store were classed by the same."""

    def list_stale(self) -> list[str]:
        """Files to read: the new ones and those whose bytes changed."""
        return [source for source, stamp in self.stamps.items() if not self._is_known(source, stamp)]

    def _is_known(self, source: str, stamp: FileStamp) -> bool:
        return source in self.known and self.known[source].sha256 == stamp.sha256

    def changes_nothing(self) -> bool:
        """Whether the store is up to date."""
        return self.classed and self.stamps.keys() == self.known.keys() and not self.list_stale()

    def report(self, stamps: Mapping[str, FileStamp], *, chunks: int) -> IngestReport:
        """What was done, `stamps` being the files as they were read."""
        stale = set(self.list_stale())
        skipped = {source: stamp.skipped for source, stamp in stamps.items() if stamp.skipped}
        return IngestReport(
            added=sum(source not in self.known for source in stale if source not in skipped),
            changed=sum(source in self.known for source in stale if source not in skipped),
            removed=len(self.known.keys() - stamps.keys()),
            unchanged=sum(source not in stale and source not in skipped for source in stamps),
            chunks=chunks,
            skipped=tuple(sorted({**skipped, **self.refused}.items())),
        )


def scan_folder(folder: Path, manifest: Manifest, *, store: Path, classes: Classes) -> Scan:
    """Look at `folder`; `UsageError` if it is missing, empty, or not the one the store mirrors."""
    mirrored = manifest.folder
    if mirrored and mirrored != str(folder.resolve()) and Path(mirrored).is_dir():
        raise StoreError(
            f"the store {str(store)!r} mirrors {mirrored!r}; give the folder {str(folder)!r} a store of its own"
        )
    scanned_ns = time.time_ns()
    paths, refused = list_files(folder, leave_out=store.resolve())
    paths.pop(CLASSES_FILE, None)
    if not paths:
        raise UsageError(
            f"the corpus {str(folder)!r} holds no files; put Markdown, text, HTML or PDF files there"
        )
    known = manifest.files
    stamps = stamp_files(paths, known, scanned_ns=manifest.scanned_ns)
    return Scan(
        paths=paths,
        stamps=stamps,
        refused=refused,
        scanned_ns=scanned_ns,
        known=known,
        classes=classes,
        classed=manifest.classes == classes.digest,
    )


def read_passages(scan: Scan, kept: Sequence[Chunk]) -> tuple[list[Chunk], dict[str, FileStamp]]:
    """The passages of the folder as it is now, those of unchanged files from `kept`; and the files as read."""
    stale = set(scan.list_stale() if scan.classed else scan.paths)
    by_source: dict[str, list[Chunk]] = {}
    for chunk in kept:
        by_source.setdefault(chunk.source, []).append(chunk)
    stamps = dict(scan.stamps)
    chunks: list[Chunk] = []
    for source, path in scan.paths.items():
        if source not in stale:
            chunks += by_source.get(source, [])
        elif not stamps[source].skipped:
            try:
                chunks += scan.classes.mark(
                    split_document(document := read_document(path, source=source)), document
                )
            except UnreadableError as error:
                _LOG.info("skipped %s: %s", source, error)
                stamps[source] = replace(stamps[source], skipped=str(error))
    return chunks, stamps


def check_passages(folder: Path, chunks: Sequence[Chunk], report: IngestReport) -> None:
    """Raise `UsageError` when nothing could be read, naming the first reasons."""
    if not chunks:
        reasons = "; ".join(f"{source!r} {why}" for source, why in report.skipped[:3])
        raise UsageError(f"nothing could be read in the corpus {str(folder)!r}: {reasons}")
