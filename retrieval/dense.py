"""The dense leg: cosine neighbours in a persistent Chroma collection, which is handed vectors and embeds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from .manifest import StoreError

Vectors: TypeAlias = NDArray[np.float32]
_COLLECTION = "chunks"
# Wider than Chroma's defaults of 100: the loss against exact search was measured (docs/retrieval.md).
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 400}


class DenseIndex:
    """Ids and vectors in Chroma. One process writes to a folder, before any other reads it."""

    def __init__(self, folder: Path, client: Any, collection: Any) -> None:
        self._folder = folder
        self._client = client
        self._collection = collection

    @classmethod
    def create(cls, folder: Path) -> DenseIndex:
        """A new, empty index in `folder`."""
        client = _connect(folder)
        collection = client.create_collection(
            _COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}, metadata=None
        )
        return cls(folder, client, collection)

    @classmethod
    def load(cls, folder: Path) -> DenseIndex:
        """The index in `folder`; `StoreError` if it is missing or damaged."""
        from chromadb.errors import ChromaError

        if not (folder / "chroma.sqlite3").exists():
            raise StoreError(f"the dense index {str(folder)!r} is missing; rebuild the store")
        client = None
        try:
            # Opening replays Chroma's log and may compact it, which two processes must not do at once.
            with FileLock(folder / "open.lock", timeout=60):
                client = _connect(folder)
                index = cls(folder, client, client.get_collection(_COLLECTION, embedding_function=None))
                index._warm_up()
                return index
        # AttributeError: what Chroma's own clean-up fails with on a file that is no database.
        except (ChromaError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
            if client is not None:
                client.close()
            raise _damaged(folder, error) from error

    def _warm_up(self) -> None:
        if self._collection.count():
            found = self._collection.get(limit=1, include=["embeddings"])
            self._collection.query(query_embeddings=found["embeddings"], n_results=1, include=[])

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add `vectors`, shape (len(ids), dimension), under new ids."""
        for rows in self._batch(len(ids)):
            self._collection.add(ids=list(ids[rows]), embeddings=vectors[rows])

    def remove(self, ids: Sequence[str]) -> None:
        """Remove the vectors under `ids`."""
        for rows in self._batch(len(ids)):
            self._collection.delete(ids=list(ids[rows]))

    def _batch(self, count: int) -> list[slice]:
        size = self._client.get_max_batch_size()
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def find_top(self, vector: Vectors, depth: int) -> list[tuple[str, float]]:
        """At most `depth` ids nearest to `vector`, shape (dimension,), best first, with their cosines."""
        from chromadb.errors import ChromaError

        try:
            found = self._collection.query(
                query_embeddings=vector[None, :],
                n_results=min(depth, self._collection.count()),
                include=["distances"],
            )
        except (ChromaError, ValueError, TypeError, RuntimeError) as error:
            raise _damaged(self._folder, error) from error
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return sorted(((key, 1.0 - float(distance)) for key, distance in pairs), key=lambda pair: -pair[1])

    def list_vectors(self) -> dict[str, Vectors]:
        """Every id with its vector; `StoreError` if they cannot be read."""
        from chromadb.errors import ChromaError

        try:
            found = self._collection.get(include=["embeddings"])
        except (ChromaError, ValueError, TypeError, RuntimeError) as error:
            raise _damaged(self._folder, error) from error
        return dict(zip(found["ids"], found["embeddings"], strict=True))

    def list_ids(self) -> set[str]:
        """Every id."""
        return set(self._collection.get(include=[])["ids"])

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()


def _connect(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    folder.mkdir(parents=True, exist_ok=True)
    # Chroma reads a .env of whatever folder one is in, which may name an address to send its traces to.
    settings = Settings(_env_file=None, anonymized_telemetry=False)  # pyright: ignore[reportCallIssue] - pydantic's own
    return chromadb.PersistentClient(path=str(folder), settings=settings)


def _damaged(folder: Path, error: Exception) -> StoreError:
    return StoreError(f"the dense index {str(folder)!r} is damaged ({error}); rebuild the store")
