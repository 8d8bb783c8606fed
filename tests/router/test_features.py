from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.router.features import HEAD, STEP, STEP_TOKENS, TAIL, read


@given(st.text(max_size=2000))
def test_any_text_has_features_with_unique_names_and_positive_values(text: str) -> None:
    found = read(text)
    names = [name for name, _ in found]
    assert len(names) == len(set(names))
    assert all(value > 0 for _, value in found)


def test_reading_is_capped_at_head_and_tail() -> None:
    head, tail = "a" * (HEAD - 1) + " ", " " + "z" * (TAIL - 1)
    assert read(head + "middle words " * 500 + tail) == read(head + "other filling here " * 700 + tail)


def test_references_and_numbers_are_seen_by_their_shape() -> None:
    assert read("Check that #1 is above 12") == read("Check that #s7 is above 99")
    assert "d references 2" in dict(read("Is #1 above #2?"))
    assert "d years" in dict(read("Was it founded in 1815?"))


def test_options_are_read_for_what_they_look_like() -> None:
    numeric = dict(read("Pick\nA. 3\nB. 5\nC. 7"))
    wordy = dict(read("Pick\nA. the long treaty\nB. the short war\nC. the old king"))
    assert numeric["d numeric options"] == 1.0
    assert "d numeric options" not in wordy
    assert "d restated options" in dict(read("Ben met Tom. Who left?\n(A) Ben\n(B) Tom"))


def test_words_never_seen_share_their_runs_of_letters() -> None:
    known, new = dict(read("Who recalculated it?")), dict(read("Who recalculates it?"))
    assert {"h calc", "h <rec"} <= known.keys() & new.keys()


def test_the_form_of_a_step_does_not_depend_on_its_topic() -> None:
    def form(text: str) -> set[str]:
        return {name for name, _ in read(text) if name.startswith("x ")}

    assert form("Is #1 older than Lisbon?") == form("Is #4 larger than Nairobi?")
    assert "x is, comparison words, some answers" in form("Is #1 older than Lisbon?")
    assert form("Is #1 older than Lisbon?") != form("Is #1 older than #2?")
    assert form("") == set()


def literal(text: str) -> set[str]:
    return {name.removeprefix(STEP) for name, _ in read(text) if name.startswith(STEP)}


def test_a_short_question_keeps_its_literal_wording() -> None:
    assert {"#2", "14", "above 14", ""} <= literal("Is #2 above 14?")
    assert literal("Is #s2 above 14?") == literal("Is #2 above 14?") != literal("Is #1 above 14?")


@pytest.mark.parametrize(
    "text",
    ["Compare #1 and #2", "Ann has 3 pears. How many has Bo?", "Who?\nA. Ann", "so " * STEP_TOKENS + "?", ""],
)
def test_orders_stories_options_and_long_questions_have_no_literal_wording(text: str) -> None:
    assert literal(text) == set()
