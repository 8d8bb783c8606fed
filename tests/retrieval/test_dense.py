from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest

from pilotfish.retrieval.dense import DenseIndex
from pilotfish.retrieval.manifest import StoreError

VECTORS = np.eye(4, dtype=np.float32)


def test_neighbours_come_by_cosine_whatever_their_length(tmp_path: Path) -> None:
    index = DenseIndex.create(tmp_path / "chroma")
    index.add(["near", "far", "across"], np.array([[3, 1], [1, 3], [-1, 0]], dtype=np.float32))
    found = index.find_top(np.array([1, 0], dtype=np.float32), 3)
    index.close()
    assert [key for key, _ in found] == ["near", "far", "across"]
    assert [cosine for _, cosine in found] == pytest.approx([3 / 10**0.5, 1 / 10**0.5, -1.0], abs=1e-5)


def test_what_is_removed_is_not_found_after_reopening(tmp_path: Path) -> None:
    index = DenseIndex.create(tmp_path / "chroma")
    index.add(["a", "b", "c", "d"], VECTORS)
    index.remove(["b"])
    index.close()
    index = DenseIndex.load(tmp_path / "chroma")
    assert index.list_ids() == {"a", "c", "d"}
    assert "b" not in [key for key, _ in index.find_top(VECTORS[1], 10)]
    assert np.allclose(index.list_vectors()["c"], VECTORS[2])
    index.close()


def test_the_space_is_cosine_and_no_embedding_function_is_kept(tmp_path: Path) -> None:
    import chromadb
    from chromadb.config import Settings

    DenseIndex.create(tmp_path / "chroma").close()
    settings = Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(tmp_path / "chroma"), settings=settings)
    collection = client.get_collection("chunks", embedding_function=None)
    # "legacy" is what Chroma calls a collection that names no function to be made again when it is opened.
    with pytest.warns(DeprecationWarning, match="legacy embedding function"):
        configuration = collection.configuration
    client.close()
    assert configuration["hnsw"]["space"] == "cosine"


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"'.*gone' is missing"):
        DenseIndex.load(tmp_path / "gone")


def test_no_env_file_of_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CHROMA_OTEL_COLLECTION_ENDPOINT=http://elsewhere:4317\n")
    monkeypatch.chdir(tmp_path)
    given: list[Any] = []
    connect = chromadb.PersistentClient

    def watched(*, path: str, settings: Any) -> Any:
        given.append(settings)
        return connect(path=path, settings=settings)

    monkeypatch.setattr(chromadb, "PersistentClient", watched)
    DenseIndex.create(tmp_path / "chroma").close()
    assert [settings.chroma_otel_collection_endpoint for settings in given] == [""]
