"""Text to vectors, through a cache that is addressed by content: a warm run never loads torch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import UnavailableError
from .catalogue import find_model
from .spec import Locality, ModelSpec
from .weights import resolve_weights

Vectors = NDArray[np.float32]
_Kind = Literal["query", "document"]
_THREADS = 2
_BATCH = 32
_MOST_VARIABLES = 500
_load_lock = threading.Lock()


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of shape (n, dim), float32, each of length 1.

    One with `locality = "local"` says that texts stay on this machine; one that says nothing counts as remote.
    """

    model_id: str
    digest: str

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        """Vectors of questions."""
        ...

    def encode_document(self, texts: Sequence[str], /) -> Vectors:
        """Vectors of passages."""
        ...


def load_embedder(model: str = "minilm-l6", *, home: Path, fetch: bool = False) -> Embedder:
    """The embedder of a catalogue model. Weights are checked now, and loaded at the first uncached text."""
    spec = find_model(model)
    folder = resolve_weights(spec, home=home, fetch=fetch)
    return SentenceEmbedder(spec, folder, cache=home / "cache" / "embeddings.db")


class SentenceEmbedder:
    """A sentence-transformers model on the CPU in float32; half precision is a hundred times slower there."""

    locality: ClassVar[Locality] = "local"

    def __init__(self, spec: ModelSpec, folder: Path, *, cache: Path) -> None:
        self.model_id = spec.id
        self.digest = spec.digest
        self._folder = folder
        self._cache = cache
        self._model: Any = None

    def __repr__(self) -> str:
        return f"SentenceEmbedder({self.model_id!r})"

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        """Vectors of questions, shape (n, dim)."""
        return self._encode("query", texts)

    def encode_document(self, texts: Sequence[str], /) -> Vectors:
        """Vectors of passages, shape (n, dim)."""
        return self._encode("document", texts)

    def _encode(self, kind: _Kind, texts: Sequence[str]) -> Vectors:
        keys = [_key(self.digest, kind, text) for text in texts]
        with _open(self._cache) as cache:
            known = _read(cache, keys)
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            if missing:
                fresh = self._compute(kind, list(missing.values()))
                known |= dict(zip(missing, fresh, strict=True))
                _write(cache, {key: known[key] for key in missing})
        if not keys:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([known[key] for key in keys])

    def _compute(self, kind: _Kind, texts: list[str]) -> Vectors:
        with _load_lock:
            if self._model is None:
                self._model = _load(self._folder)
            encode: Callable[..., Any] = (
                self._model.encode_query if kind == "query" else self._model.encode_document
            )
            vectors = encode(
                texts,
                batch_size=_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def _load(folder: Path) -> Any:
    """The model, from this folder only and without a word on the terminal."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    torch.set_num_threads(min(_THREADS, os.cpu_count() or 1))
    logging.disable_progress_bar()
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)


def _key(digest: str, kind: _Kind, text: str) -> bytes:
    return hashlib.sha256(f"{digest}\0{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()


@contextlib.contextmanager
def _open(path: Path) -> Generator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30.0)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
            )
            yield connection
    except sqlite3.Error as error:
        raise UnavailableError(
            f"the cache of vectors {str(path)!r} cannot be used: {error}. Delete it, or set PILOTFISH_HOME to a "
            "folder that can be written"
        ) from error


def _read(cache: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
    found: dict[bytes, Vectors] = {}
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), _MOST_VARIABLES):
        part = wanted[start : start + _MOST_VARIABLES]
        marks = ",".join("?" * len(part))
        rows = cache.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part)  # noqa: S608 - marks only
        found.update({key: np.frombuffer(vector, dtype=np.float32) for key, vector in rows})
    return found


def _write(cache: sqlite3.Connection, vectors: dict[bytes, Vectors]) -> None:
    with cache:
        cache.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
            [(key, vector.tobytes()) for key, vector in vectors.items()],
        )
