"""The hybrid store: a folder on disk that mirrors a folder of documents and finds evidence in it.

The chunk file is the truth; Chroma and BM25 are indexes that can be made again from it. Every change is prepared
beside the state in force and takes effect by replacing the manifest, so a crash leaves the old state and readers
go on reading.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .. import UsageError
from ..models.data_policy import DataPolicy, locality_of
from .chunk_file import chunk_path, read_chunks, write_chunks
from .chunks import Chunk
from .classes import check_embedding, read_classes
from .evidence import Evidence, Grade
from .grading import load_grader, measure_signals
from .index import Findings, Index, build_index, index_path, is_current, load_index
from .ingest import IngestReport, check_passages, read_passages, scan_folder
from .lock import StoreLock
from .manifest import Manifest, StoreError, check_model, read_manifest, sign_manifest, write_manifest
from .terms import split_terms
from .verification import VerifyReport, verify_index

if TYPE_CHECKING:
    from ..models.embedder import Embedder
    from ..models.spec import Locality

_LOG = logging.getLogger(__name__)


class HybridStore:
    """A `Retriever` over a store on disk. Threads may share one, and many processes may search at once."""

    def __init__(
        self,
        path: Path,
        *,
        embedder: Embedder,
        lock_timeout_s: float = 5.0,
        data_policy: DataPolicy | None = None,
    ) -> None:
        self._path = path
        self._embedder = embedder
        self._data_policy = data_policy or DataPolicy()
        self._lock_timeout_s = lock_timeout_s
        self._mutex = threading.RLock()
        self._loaded: tuple[Manifest, Index] | None = None
        self._seen: tuple[object, Manifest] | None = None

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        embedder: Embedder,
        create: bool = False,
        lock_timeout_s: float = 5.0,
        data_policy: DataPolicy | None = None,
    ) -> HybridStore:
        """Open the store at `path`; with `create`, make an empty one where there is none.

        Reads the manifest only: models and indexes are loaded by the first search. Raises `StoreError` when there
        is no store or it was made with another embedding model. `lock_timeout_s` is how long a change waits for
        another writer before `StoreLockedError` names it. `data_policy` says which documents the embedder may see.
        """
        store = cls(Path(path), embedder=embedder, lock_timeout_s=lock_timeout_s, data_policy=data_policy)
        if not create:
            store._read_manifest()
        elif read_manifest(store._path) is None:
            store._path.mkdir(parents=True, exist_ok=True)
            with store._write_lock():
                if read_manifest(store._path) is None:
                    write_manifest(store._path, store._draft_manifest())
        store._read_manifest()
        return store

    def __repr__(self) -> str:
        return f"HybridStore({str(self._path)!r}, embedder={self._embedder.model_id!r})"

    @property
    def locality(self) -> Locality:
        """Where queries go: where the embedding model is, which is remote unless it says otherwise."""
        return locality_of(self._embedder)

    def __len__(self) -> int:
        """How many passages the store holds."""
        return self._read_manifest().chunks

    def __enter__(self) -> HybridStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the indexes; a later search loads them again."""
        with self._mutex:
            if self._loaded is not None:
                self._loaded[1].close()
                self._loaded = None

    def ingest(self, folder: Path | str, *, data_class: str | None = None) -> IngestReport:
        """Bring the store in line with `folder`: read what is new or changed, forget what vanished.

        `data_class` is of every document that `data_classes.yaml` in the folder does not class; see
        `retrieval.classes`.

        A file that cannot be read is reported and never stops the others. Raises `UsageError` when `folder` is
        missing, empty, or holds nothing readable, and `StoreLockedError` when another process is writing.
        """
        folder = Path(folder)
        manifest = self._read_manifest()
        classes = read_classes(folder, data_class)
        scan = scan_folder(folder, manifest, store=self._path, classes=classes)
        if manifest.generation and scan.changes_nothing():
            return scan.report(scan.stamps, chunks=manifest.chunks)
        with self._write_lock():
            manifest = self._read_manifest()
            kept, manifest = self._read_kept(manifest)
            scan = scan_folder(folder, manifest, store=self._path, classes=classes)
            chunks, stamps = read_passages(scan, kept)
            report = scan.report(stamps, chunks=len(chunks))
            check_passages(folder, chunks, report)
            draft = replace(
                manifest,
                folder=str(folder.resolve()),
                files=stamps,
                scanned_ns=scan.scanned_ns,
                classes=classes.digest,
            )
            self._publish(draft, chunks, previous=manifest)
        return report

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Replace what the store holds with passages cut elsewhere; nothing is mirrored then."""
        with self._write_lock():
            manifest = replace(self._read_manifest(), folder="", files={}, scanned_ns=0)
            self._publish(manifest, list(chunks), previous=None)

    def _read_kept(self, manifest: Manifest) -> tuple[list[Chunk], Manifest]:
        """The passages in force; none, and a manifest that knows no files, when the chunk file is damaged."""
        if not manifest.generation:
            return [], manifest
        try:
            return self._read_chunks(manifest), manifest
        except StoreError as error:
            _LOG.warning("%s; reading every document again", error)
            return [], replace(manifest, files={})

    def rebuild(self) -> None:
        """Make both indexes again from the chunk file."""
        with self._write_lock():
            self._publish_again(self._read_manifest())

    def _repair(self, broken: Manifest) -> None:
        """Make the indexes again unless another process has already replaced the broken generation."""
        with self._write_lock():
            manifest = self._read_manifest()
            if manifest.generation == broken.generation:
                self._publish_again(manifest)

    def _publish_again(self, manifest: Manifest) -> None:
        if manifest.generation:
            self._publish(manifest, self._read_chunks(manifest), previous=None)

    def _publish(self, manifest: Manifest, chunks: list[Chunk], *, previous: Manifest | None) -> None:
        """Write the next generation beside the present one, then put it in force."""
        generation = manifest.generation + 1
        self._remove_except(range(manifest.generation, manifest.generation + 1))
        check_embedding(chunks, self._data_policy, locality=self.locality, embedder=self._embedder.model_id)
        digest = write_chunks(chunk_path(self._path, generation), chunks)
        manifest = replace(manifest, generation=generation, chunks=len(chunks), chunks_sha256=digest)
        base = index_path(self._path, generation - 1)
        reusable = previous is not None and previous.generation > 0 and is_current(base, previous)
        build_index(
            index_path(self._path, generation),
            chunks,
            manifest,
            encode=self._embedder.encode_document,
            previous=base if reusable else None,
        )
        write_manifest(self._path, manifest)
        _LOG.info("store %s is at generation %d with %d passages", self._path, generation, len(chunks))

    def _remove_except(self, generations: Iterable[int]) -> None:
        """Remove what crashed and superseded generations left; the one in force stays for those who read."""
        kept = {index_path(self._path, number) for number in generations}
        kept |= {chunk_path(self._path, number) for number in generations}
        for path in [*self._path.glob("index-*"), *self._path.glob("chunks-*")]:
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        """At most `k` passages for `query`, best first, all carrying the grade of the whole list."""
        if not query.strip():
            raise UsageError("the query is empty; ask for something")
        if k < 1:
            raise UsageError(f"k is {k}; ask for at least one passage")
        self._require_passages()
        vector = self._embedder.encode_query([query])[0]
        terms = split_terms(query)
        with self._mutex:
            index = self._load_current()
            findings = index.find(terms, vector)
            grade = load_grader().grade(measure_signals(index, terms, findings))
            return self._cite(index, findings, grade, k)

    def _cite(self, index: Index, findings: Findings, grade: Grade, k: int) -> list[Evidence]:
        return [
            _make_evidence(
                index.chunks[row],
                scores=_collect_scores(findings, row) | {"rrf": fused},
                rank=rank,
                model_id=self._embedder.model_id,
                grade=grade,
            )
            for rank, (row, fused) in enumerate(findings.fused[:k], start=1)
        ]

    def list_chunks(self) -> list[Chunk]:
        """Every passage, in the order of the documents."""
        manifest = self._read_manifest()
        return self._read_chunks(manifest) if manifest.generation else []

    def verify(self) -> VerifyReport:
        """Check the chunk file and both indexes against each other, vectors included; changes nothing."""
        manifest = self._read_manifest()
        if not manifest.generation:
            return VerifyReport(ok=True, problems=())
        try:
            chunks = self._read_chunks(manifest)
        except StoreError as error:
            return VerifyReport(ok=False, problems=(str(error),))
        path = index_path(self._path, manifest.generation)
        return verify_index(path, chunks, manifest, encode=self._embedder.encode_document)

    def _require_passages(self) -> None:
        if not self._read_manifest().generation:
            raise StoreError(f"the store {str(self._path)!r} is empty; ingest a folder first")

    def _load_current(self) -> Index:
        """The index of the generation in force; made again first if it is missing or damaged."""
        manifest = self._read_manifest()
        if self._loaded is not None and self._loaded[0].generation == manifest.generation:
            return self._loaded[1]
        self.close()
        try:
            index = self._load(manifest)
        except StoreError as error:
            if self._read_manifest().generation == manifest.generation:
                _LOG.warning("%s; making it again from the chunk file", error)
                self._repair(manifest)
            manifest = self._read_manifest()
            index = self._load(manifest)
        self._loaded = (manifest, index)
        return index

    def _load(self, manifest: Manifest) -> Index:
        path = index_path(self._path, manifest.generation)
        return load_index(path, self._read_chunks(manifest), manifest)

    def _read_chunks(self, manifest: Manifest) -> list[Chunk]:
        return read_chunks(chunk_path(self._path, manifest.generation), sha256=manifest.chunks_sha256)

    def _read_manifest(self) -> Manifest:
        """The manifest in force, read again when it was replaced, which another process may do at any time."""
        signature = sign_manifest(self._path)
        if self._seen is not None and signature is not None and self._seen[0] == signature:
            return self._seen[1]
        manifest = read_manifest(self._path)
        if manifest is None:
            raise StoreError(f"there is no store at {str(self._path)!r}; ingest a folder into it first")
        check_model(self._path, manifest, model_id=self._embedder.model_id, digest=self._embedder.digest)
        self._seen = (signature, manifest)
        return manifest

    def _draft_manifest(self) -> Manifest:
        return Manifest(model_id=self._embedder.model_id, model_digest=self._embedder.digest)

    def _write_lock(self) -> StoreLock:
        return StoreLock(self._path, timeout_s=self._lock_timeout_s)


def _collect_scores(findings: Findings, row: int) -> dict[str, float]:
    legs = {"bm25": findings.lexical, "dense": findings.dense}
    return {leg: rows[row] for leg, rows in legs.items() if row in rows}


def _make_evidence(
    chunk: Chunk, *, scores: dict[str, float], rank: int, model_id: str, grade: Grade
) -> Evidence:
    return Evidence(
        source=chunk.source,
        text=chunk.text,
        chunk_id=chunk.id,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading=chunk.heading,
        scores=scores,
        rank=rank,
        sha256=chunk.sha256,
        model_id=model_id,
        grade=grade,
        data_class=chunk.data_class,
        also=chunk.also,
    )
