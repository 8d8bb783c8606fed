"""The index: both legs over the passages of one generation, never changed once it is published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .chunks import Chunk
from .dense import DenseIndex, Vectors
from .fusion import fuse_ranks
from .lexical import LexicalIndex
from .manifest import Manifest, StoreError

DEPTH = 100
"""How many passages each leg hands to the fusion."""
Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the two legs found for a query, rows being positions in the chunk file."""

    lexical: dict[int, float]
    """BM25 by row, best first."""
    dense: dict[int, float]
    """Cosine by row, best first."""
    fused: list[tuple[int, float]]
    """Rows with their fused score, best first."""


class DenseLeg(Protocol):
    """What an index asks of its dense leg."""

    def find_top(self, vector: Vectors, depth: int) -> list[tuple[str, float]]:
        """At most `depth` ids nearest to `vector`, shape (dimension,), best first, with their cosines."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class Index:
    """Passages and the two legs over them."""

    def __init__(self, chunks: Sequence[Chunk], lexical: LexicalIndex, dense: DenseLeg) -> None:
        self.chunks = chunks
        self.lexical = lexical
        self.dense = dense
        self._rows = {chunk.id: row for row, chunk in enumerate(chunks)}

    def find(self, terms: Sequence[str], vector: Vectors, *, depth: int = DEPTH) -> Findings:
        """Ask both legs and fuse their ranks."""
        lexical = dict(self.lexical.find_top(terms, depth))
        nearest = self.dense.find_top(vector, depth)
        if any(key not in self._rows for key, _ in nearest):
            raise StoreError("the dense index holds passages that the chunk file does not; rebuild the store")
        dense = {self._rows[key]: cosine for key, cosine in nearest}
        fused = fuse_ranks({"bm25": list(lexical), "dense": list(dense)})
        return Findings(lexical=lexical, dense=dense, fused=fused)

    def close(self) -> None:
        """Let go of the files."""
        self.dense.close()


def index_path(folder: Path, generation: int) -> Path:
    """Where the store in `folder` keeps the index of `generation`."""
    return folder / f"index-{generation:06d}"


def build_index(
    path: Path, chunks: Sequence[Chunk], manifest: Manifest, *, encode: Encode, previous: Path | None = None
) -> None:
    """Make the index of `chunks` in the new folder `path`, taking vectors over from the index `previous`."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    LexicalIndex.build([chunk.indexed for chunk in chunks]).save(path / "bm25")
    if previous is None:
        dense = DenseIndex.create(path / "chroma")
    else:
        shutil.copytree(previous / "chroma", path / "chroma")
        dense = DenseIndex.load(path / "chroma")
    try:
        _update_vectors(dense, chunks, encode=encode)
    finally:
        dense.close()
    (path / "built.json").write_text(json.dumps(_describe(manifest)), encoding="utf-8")


def _update_vectors(dense: DenseIndex, chunks: Sequence[Chunk], *, encode: Encode) -> None:
    wanted = {chunk.id: chunk for chunk in chunks}
    held = dense.list_ids()
    dense.remove(sorted(held - wanted.keys()))
    new = [chunk for chunk in chunks if chunk.id not in held]
    if new:
        dense.add([chunk.id for chunk in new], encode([chunk.indexed for chunk in new]))
    if dense.list_ids() != wanted.keys():
        raise StoreError("Chroma did not take the changes to the dense index; rebuild the store")


def load_index(path: Path, chunks: Sequence[Chunk], manifest: Manifest) -> Index:
    """The index in `path`; `StoreError` if it is missing, damaged, or made from other passages."""
    if not is_current(path, manifest):
        raise StoreError(
            f"the index {str(path)!r} is missing or was made from other passages; rebuild the store"
        )
    return Index(chunks, LexicalIndex.load(path / "bm25"), DenseIndex.load(path / "chroma"))


def is_current(path: Path, manifest: Manifest) -> bool:
    """Whether the index in `path` was completed for exactly the passages of `manifest`."""
    try:
        return json.loads((path / "built.json").read_text(encoding="utf-8")) == _describe(manifest)
    except (OSError, ValueError):
        return False


def _describe(manifest: Manifest) -> dict[str, object]:
    return {
        "generation": manifest.generation,
        "chunks_sha256": manifest.chunks_sha256,
        "model_digest": manifest.model_digest,
    }
