"""Evidence: a retrieved passage with all that is needed to cite it and to explain its rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ..models.data_policy import INTERNAL

Grade = Literal["sufficient", "partial", "none"]
"""Whether the evidence found can carry an answer to the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One passage found for a query."""

    source: str
    """Path of the document, relative to the corpus."""
    text: str
    chunk_id: str
    start: int
    """First character of the passage in the document's text."""
    end: int
    """One past its last character."""
    page: int | None = None
    """Page of a PDF, from 1."""
    heading: str | None = None
    scores: dict[str, float] = field(default_factory=dict)
    """Score of each leg that found it: `bm25`, `dense`, `rrf`."""
    rank: int = 0
    """Fused rank, from 1."""
    sha256: str = ""
    """Hash of the passage's text."""
    model_id: str = ""
    """The embedding model of the dense leg."""
    grade: Grade = "partial"
    """Sufficiency of the whole result list this passage belongs to, for its query."""

    data_class: str = INTERNAL
    """Who may see the document."""
    also: tuple[str, ...] = ()
    """Further data classes: what the document says of itself, what was detected in the passage."""

    @property
    def data_classes(self) -> tuple[str, ...]:
        """Every data class of the passage."""
        return tuple(sorted({self.data_class, *self.also}))


def classes_of(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """Every data class that the passages are of."""
    return tuple(sorted({name for passage in evidence for name in passage.data_classes}))


@runtime_checkable
class Retriever(Protocol):
    """Finds evidence. Any LangChain `BaseRetriever` is adapted to this.

    One with `locality = "local"` says that queries stay on this machine; one that says nothing counts as remote.
    """

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        """At most `k` passages, best first."""
        ...
