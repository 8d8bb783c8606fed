from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from pilotfish import UsageError
from pilotfish.retrieval.langchain import PilotfishRetriever, from_langchain
from pilotfish.retrieval.store import HybridStore
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.retriever_conformance import check_retriever


class Fixed(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return self.documents


def test_any_langchain_retriever_is_a_retriever() -> None:
    documents = [
        Document(page_content="Suez: 20.1 m", metadata={"source": "a.pdf", "page": 0, "start_index": 7}),
        Document(page_content="Panama: 15.24 m", id="p"),
    ]
    first, second = check_retriever(from_langchain(Fixed(documents=documents)), query="draft")
    assert (first.source, first.page, first.start, first.end) == ("a.pdf", 1, 7, 19)
    assert (second.chunk_id, second.source, second.page) == ("p", "p", None)


def test_what_is_no_retriever_is_refused() -> None:
    with pytest.raises(UsageError, match="'int' is neither"):
        from_langchain(3)


def test_a_store_serves_langchain_and_comes_back_the_same(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Suez\nThe draft is 20.1 m.\n")
    with HybridStore.open(tmp_path / "store", embedder=FakeEmbedder(), create=True) as store:
        store.ingest(tmp_path / "docs")
        (hit,) = store.search("Suez draft")
        retriever = PilotfishRetriever(source=store, k=3)
        (document,) = retriever.invoke("Suez draft")
        assert document.metadata["grade"] == hit.grade
        (back,) = from_langchain(retriever).search("Suez draft")
    assert (back.chunk_id, back.text, back.start, back.end) == (hit.chunk_id, hit.text, hit.start, hit.end)
