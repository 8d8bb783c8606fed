"""What every `Retriever` must do, as one function that a test of an implementation calls."""

from __future__ import annotations

import hashlib

from .. import UsageError
from ..retrieval.evidence import Evidence, Retriever
from .promises import require


def check_retriever(retriever: Retriever, *, query: str) -> list[Evidence]:
    """Raise `AssertionError` unless `retriever` keeps the seam's promises for `query`, which must find something.

    Returns what it found. At most `k` passages, ranked from 1 without gaps, each citable (source, span, hash of its
    text), all with one grade, the same again on a second call, and a shorter list being the head of a longer one.
    """
    found = retriever.search(query, 5)
    require(bool(found), f"{retriever!r} finds nothing for {query!r}; ask for what its corpus holds")
    require(len(found) <= 5, f"{len(found)} passages were returned where 5 were asked for")
    require([hit.rank for hit in found] == list(range(1, len(found) + 1)), "the ranks are not 1, 2, 3 …")
    require(len({hit.chunk_id for hit in found}) == len(found), "a passage was returned twice")
    require(len({hit.grade for hit in found}) == 1, "the passages of one list carry different grades")
    for hit in found:
        _check_citation(hit)
    require(retriever.search(query, 5) == found, "the same query gave another answer the second time")
    head = [hit.chunk_id for hit in retriever.search(query, 1)]
    require(head == [found[0].chunk_id], "k=1 does not return the first of k=5")
    return found


def check_refusals(retriever: Retriever) -> None:
    """Raise `AssertionError` unless an empty query and a `k` below 1 are refused with a `UsageError`."""
    for query, k in (("", 5), (" \n", 5), ("anything", 0)):
        try:
            retriever.search(query, k)
        except UsageError:
            continue
        raise AssertionError(f"search({query!r}, {k}) was not refused with a UsageError")


def _check_citation(hit: Evidence) -> None:
    require(bool(hit.source), f"the passage {hit.chunk_id!r} has no source")
    require(bool(hit.text.strip()), f"the passage {hit.chunk_id!r} is empty")
    require(hit.end - hit.start == len(hit.text), f"the span of {hit.chunk_id!r} is not as long as its text")
    digest = hashlib.sha256(hit.text.encode()).hexdigest()
    require(hit.sha256 == digest, f"the hash of {hit.chunk_id!r} is not that of its text")
