"""Verification: whether the indexes of a store still say what its chunk file says. It repairs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .chunks import Chunk
from .dense import DenseIndex
from .index import Encode, is_current
from .lexical import LexicalIndex
from .manifest import Manifest, StoreError

_TOLERANCE = 1e-3
_PROBES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verification found."""

    ok: bool
    problems: tuple[str, ...]
    """In words; empty when `ok`."""


def verify_index(path: Path, chunks: Sequence[Chunk], manifest: Manifest, *, encode: Encode) -> VerifyReport:
    """Compare the index in `path` with what `chunks` would give."""
    problems = [*_check_chunks(chunks, manifest)]
    if not is_current(path, manifest):
        problems.append(
            f"the index {str(path)!r} is missing or was made from other passages; rebuild the store"
        )
    else:
        problems += [*_check_lexical(path / "bm25", chunks), *_check_dense(path / "chroma", chunks, encode)]
    return VerifyReport(ok=not problems, problems=tuple(problems))


def _check_chunks(chunks: Sequence[Chunk], manifest: Manifest) -> Iterator[str]:
    if len(chunks) != manifest.chunks or len({chunk.id for chunk in chunks}) != len(chunks):
        yield f"the chunk file holds {len(chunks)} passages, the manifest says {manifest.chunks}"
    for chunk in chunks:
        if hashlib.sha256(chunk.text.encode()).hexdigest() != chunk.sha256:
            yield f"the passage {chunk.id!r} of {chunk.source!r} does not match its hash"


def _check_lexical(path: Path, chunks: Sequence[Chunk]) -> Iterator[str]:
    try:
        if not LexicalIndex.load(path).equals(LexicalIndex.build([chunk.indexed for chunk in chunks])):
            yield f"the lexical index {str(path)!r} does not match the chunk file; rebuild the store"
    except StoreError as error:
        yield str(error)


def _check_dense(path: Path, chunks: Sequence[Chunk], encode: Encode) -> Iterator[str]:
    try:
        dense = DenseIndex.load(path)
    except StoreError as error:
        yield str(error)
        return
    try:
        yield from _compare_vectors(dense, chunks, encode)
    except StoreError as error:
        yield str(error)
    finally:
        dense.close()


def _compare_vectors(dense: DenseIndex, chunks: Sequence[Chunk], encode: Encode) -> Iterator[str]:
    held = dense.list_vectors()
    missing = [chunk.id for chunk in chunks if chunk.id not in held]
    extra = held.keys() - {chunk.id for chunk in chunks}
    if missing or extra:
        yield f"the dense index lacks {len(missing)} passages and holds {len(extra)} others; rebuild the store"
        return
    expected = encode([chunk.indexed for chunk in chunks])
    actual = np.array([held[chunk.id] for chunk in chunks])
    wrong = int((np.abs(expected - actual).max(axis=1) > _TOLERANCE).sum())
    if wrong:
        yield f"the dense index holds {wrong} vectors that are not their passages'; rebuild the store"
        return
    for row in range(0, len(chunks), max(1, len(chunks) // _PROBES)):
        found = dense.find_top(expected[row], 1)
        if not found or found[0][1] < 1 - _TOLERANCE:
            yield f"the dense index does not find {chunks[row].id!r} by its own vector; rebuild the store"
            return
