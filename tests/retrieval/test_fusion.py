from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.retrieval.fusion import fuse_ranks

rankings = st.lists(st.lists(st.integers(0, 20), unique=True), min_size=1, max_size=3)


def test_sums_of_reciprocal_ranks() -> None:
    fused = dict(fuse_ranks({"bm25": ["a", "b"], "dense": ["b", "c"]}, k=60))
    assert fused == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_equal_sums_keep_the_order_of_the_legs() -> None:
    assert [key for key, _ in fuse_ranks({"bm25": ["a"], "dense": ["b"]})] == ["a", "b"]
    assert [key for key, _ in fuse_ranks({"dense": ["b"], "bm25": ["a"]})] == ["b", "a"]


def test_a_weight_lets_one_leg_prevail() -> None:
    legs = {"bm25": ["a", "b"], "dense": ["b", "a"]}
    assert fuse_ranks(legs, weights={"bm25": 1.0, "dense": 2.0})[0][0] == "b"


@given(rankings)
def test_everything_found_is_ranked_once_best_first(lists: list[list[int]]) -> None:
    fused = fuse_ranks({str(leg): keys for leg, keys in enumerate(lists)})
    assert sorted(key for key, _ in fused) == sorted({key for keys in lists for key in keys})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@given(st.lists(st.integers(0, 20), unique=True))
def test_one_leg_alone_keeps_its_order(keys: list[int]) -> None:
    assert [key for key, _ in fuse_ranks({"only": keys})] == keys
