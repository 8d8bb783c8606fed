from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish.retrieval.lexical import LexicalIndex
from pilotfish.retrieval.manifest import StoreError

TEXTS = ["the suez canal", "the panama canal canal", "cake"]


def test_a_rare_term_outranks_a_common_one(tmp_path: Path) -> None:
    index = LexicalIndex.build(TEXTS)
    assert [row for row, _ in index.find_top(["suez", "canal"], 10)] == [0, 1]
    assert index.find_top(["nowhere"], 10) == []
    assert index.weigh("nowhere") > index.weigh("suez") > index.weigh("canal")


def test_a_saved_index_is_the_same_index(tmp_path: Path) -> None:
    index = LexicalIndex.build(TEXTS)
    index.save(tmp_path / "bm25")
    loaded = LexicalIndex.load(tmp_path / "bm25")
    assert loaded.equals(index)
    assert loaded.find_top(["canal"], 2) == index.find_top(["canal"], 2)
    assert not loaded.equals(LexicalIndex.build([*TEXTS, "more"]))


def test_texts_without_terms_make_an_index_that_finds_nothing(tmp_path: Path) -> None:
    LexicalIndex.build(["?!", "the of"]).save(tmp_path / "bm25")
    loaded = LexicalIndex.load(tmp_path / "bm25")
    assert loaded.find_top(["anything"], 5) == []


def test_a_torn_index_says_which(tmp_path: Path) -> None:
    LexicalIndex.build(TEXTS).save(tmp_path / "bm25")
    next((tmp_path / "bm25").glob("indptr*")).write_bytes(b"")
    with pytest.raises(StoreError, match="bm25"):
        LexicalIndex.load(tmp_path / "bm25")
