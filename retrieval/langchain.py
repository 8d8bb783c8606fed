"""Both ways between LangChain and Pilotfish: a `BaseRetriever` as a `Retriever`, and the other way round."""

from __future__ import annotations

import hashlib
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from .. import UsageError
from ..models.data_policy import INTERNAL
from .evidence import Evidence, Retriever


class LangChainSource:
    """A `Retriever` over a LangChain retriever. It has no scores to grade by, so whatever it finds is `partial`."""

    def __init__(self, retriever: BaseRetriever) -> None:
        self._retriever = retriever

    @property
    def name(self) -> str:
        """The retriever's name, or its class's."""
        return self._retriever.name or type(self._retriever).__name__

    @property
    def metadata(self) -> dict[str, Any]:
        """The retriever's: under `pilotfish.locality` it says whether queries stay on this machine."""
        return self._retriever.metadata or {}

    def __repr__(self) -> str:
        return f"LangChainSource({type(self._retriever).__name__})"

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        """At most `k` of the documents the retriever returns, in its order."""
        documents = self._retriever.invoke(query)
        return [_to_evidence(document, rank) for rank, document in enumerate(documents[:k], start=1)]


def _to_evidence(document: Document, rank: int) -> Evidence:
    text = document.page_content
    digest = hashlib.sha256(text.encode()).hexdigest()
    data: dict[str, Any] = document.metadata
    start = _take_number(data, "start_index") or 0
    page = _take_number(data, "page")
    return Evidence(
        source=str(data.get("source", document.id or "unknown")),
        text=text,
        chunk_id=document.id or digest[:24],
        start=start,
        end=start + len(text),
        # LangChain's PDF loaders count pages from 0.
        page=None if page is None else page + 1,
        rank=rank,
        sha256=digest,
        data_class=str(data.get("data_class") or INTERNAL),
        also=tuple(map(str, data.get("also") or ())),
    )


def _take_number(data: dict[str, Any], key: str) -> int | None:
    value = data.get(key)
    return value if isinstance(value, int) else None


class PilotfishRetriever(BaseRetriever):
    """A LangChain retriever over a Pilotfish one; the metadata of a document hold what its citation needs."""

    source: Any
    """The `Retriever` that is asked."""
    k: int = 5

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain passes it by name
    ) -> list[Document]:
        source: Retriever = self.source
        return [_to_document(evidence) for evidence in source.search(query, self.k)]


def _to_document(evidence: Evidence) -> Document:
    return Document(
        id=evidence.chunk_id,
        page_content=evidence.text,
        metadata={
            "source": evidence.source,
            "start_index": evidence.start,
            "page": None if evidence.page is None else evidence.page - 1,
            "heading": evidence.heading,
            "scores": dict(evidence.scores),
            "rank": evidence.rank,
            "sha256": evidence.sha256,
            "model_id": evidence.model_id,
            "grade": evidence.grade,
            "data_class": evidence.data_class,
            "also": list(evidence.also),
        },
    )


def from_langchain(retriever: object) -> Retriever:
    """A LangChain `BaseRetriever` as Pilotfish's own seam; `UsageError` for anything else."""
    if not isinstance(retriever, BaseRetriever):
        raise UsageError(
            f"{type(retriever).__name__!r} is neither a folder, a retriever with search(query, k), "
            "nor a LangChain BaseRetriever"
        )
    return LangChainSource(retriever)
