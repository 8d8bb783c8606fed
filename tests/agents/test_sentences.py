from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.agents.sentences import key_terms, sentence_spans, stem


def test_sentences_end_where_readers_end_them() -> None:
    text = "Mr. Smith sailed at 3.5 knots. He met Dr. Jones, of the U.S. Navy! Why? Nobody knows.\n\nThe end"
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "Mr. Smith sailed at 3.5 knots.",
        "He met Dr. Jones, of the U.S. Navy!",
        "Why?",
        "Nobody knows.",
        "The end",
    ]


@settings(deadline=None)
@given(st.text(alphabet="aB1 .!?\n;-", max_size=60))
def test_spans_are_ordered_and_lose_nothing_but_space(text: str) -> None:
    spans = sentence_spans(text)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    kept = "".join(text[start:end] for start, end in spans)
    assert set(text) - set(kept) <= set(" \n;")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("interceptions", "intercepted"),
        ("Defense", "defenses"),
        ("four", "4"),
        ("1,200", "1200"),
        ("Müller's", "muller"),
    ],
)
def test_forms_of_a_word_share_a_stem(a: str, b: str) -> None:
    assert stem(a) == stem(b)


def test_key_terms_leave_out_what_says_nothing() -> None:
    assert key_terms("What is the capital of France?") == {stem("capital"), stem("France")}
