from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.retrieval.terms import FUNCTION_WORDS, split_terms, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("route", "routes"),
        ("port", "ports"),
        ("company", "companies"),
        ("restrict", "restricted"),
        ("stop", "stopping"),
        ("quick", "quickly"),
        ("organized", "organization"),
    ],
)
def test_forms_of_one_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("canal", "can"), ("bass", "bas"), ("bring", "br"), ("red", "r")])
def test_short_and_different_words_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_identifiers_are_found_whole_and_by_their_parts() -> None:
    terms = split_terms("maxRetries HTTPServer snake_case")
    assert {
        "max",
        stem("retries"),
        stem("maxretries"),
        "http",
        stem("server"),
        stem("snake"),
        stem("case"),
    } <= set(terms)


def test_a_question_is_reduced_to_what_it_is_about() -> None:
    assert split_terms("What is the draft of it?") == ["draft"]


@given(st.text())
def test_any_text_gives_lower_case_terms_without_function_words(text: str) -> None:
    terms = split_terms(text)
    assert all(term and term == term.lower() for term in terms)
    assert split_terms(" ".join(FUNCTION_WORDS)) == []
