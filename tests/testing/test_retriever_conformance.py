from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pilotfish.retrieval.evidence import Evidence
from pilotfish.testing.retriever_conformance import check_refusals, check_retriever

FIRST = Evidence(
    source="a", text="abc", chunk_id="1", start=0, end=3, rank=1, sha256=hashlib.sha256(b"abc").hexdigest()
)
SECOND = replace(FIRST, chunk_id="2", rank=2)


class Fixed:
    def __init__(self, *hits: Evidence) -> None:
        self._hits = list(hits)

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        return self._hits[:k]


def test_an_orderly_retriever_passes() -> None:
    assert check_retriever(Fixed(FIRST, SECOND), query="q") == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("hits", "fault"),
    [
        ((), "finds nothing"),
        ((FIRST, replace(SECOND, rank=3)), "ranks"),
        ((FIRST, replace(SECOND, chunk_id="1")), "twice"),
        ((FIRST, replace(SECOND, grade="none")), "grades"),
        ((replace(FIRST, end=9),), "span"),
        ((replace(FIRST, sha256="0"),), "hash"),
        ((replace(FIRST, source=""),), "source"),
    ],
)
def test_each_broken_promise_is_named(hits: tuple[Evidence, ...], fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        check_retriever(Fixed(*hits), query="q")


def test_a_retriever_that_takes_anything_is_told() -> None:
    with pytest.raises(AssertionError, match="not refused"):
        check_refusals(Fixed(FIRST))
