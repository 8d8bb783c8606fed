from __future__ import annotations

import math
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pilotfish import UsageError
from pilotfish.lab.tasks_checks import (
    Choice,
    Exact,
    Function,
    Numeric,
    Python,
    Regex,
    normalise,
    read_last_number,
    read_letter,
    resolve_check,
)

WORDS = st.text(alphabet=string.ascii_letters + " ", min_size=1).filter(lambda text: bool(normalise(text)))


@given(WORDS)
def test_exact_forgives_case_articles_and_punctuation(answer: str) -> None:
    check = Exact(answer=(answer,))
    assert check.score(f"  The {answer.upper()}! ") == 1.0
    assert check.score(f"{answer} zzz") == 0.0


@given(WORDS, WORDS)
def test_a_contained_answer_counts_only_where_asked_for(answer: str, around: str) -> None:
    said = f"{around}, {answer}, {around}"
    assert Exact(answer=(answer,), contains=True).score(said) == 1.0
    assert Exact(answer=(answer,)).score(said) == float(normalise(said) == normalise(answer))


def test_contained_means_as_whole_words() -> None:
    check = Exact(answer=("art",), contains=True)
    assert check.score("He made art.") == 1.0
    assert check.score("He started.") == 0.0


def test_any_of_several_accepted_answers_counts() -> None:
    check = Exact.model_validate({"type": "exact", "answer": ["14 December 1972 UTC", "December 1972"]})
    assert check.score("december 1972") == 1.0
    assert check.score("1972") == 0.0


def test_an_accepted_answer_without_words_is_refused() -> None:
    with pytest.raises(ValidationError, match="no words"):
        Exact(answer=("the",))


@given(st.integers(-(10**9), 10**9), st.integers(0, 10**6))
def test_the_last_number_is_the_answer(answer: int, before: int) -> None:
    said = f"First {before} and so the result is {answer:,}."
    assert Numeric(answer=answer).score(said) == 1.0
    assert Numeric(answer=answer + 1).score(said) == 0.0


@given(st.floats(-1e6, 1e6), st.floats(0.001, 100))
def test_tolerance_is_how_far_off_an_answer_may_be(answer: float, tolerance: float) -> None:
    check = Numeric(answer=answer, tolerance=tolerance)
    near, far = answer + 0.9 * tolerance, answer + 1.1 * tolerance
    assert math.isclose(near, answer, abs_tol=tolerance)
    assert check.score(f"{near:.12f}") == 1.0
    assert check.score(f"{far:.12f}") == 0.0


def test_the_box_beats_later_numbers_and_no_number_is_wrong() -> None:
    assert read_last_number(r"\boxed{42} as of 2024") == 42
    assert read_last_number("It costs $1,234.50 in all") == 1234.5
    assert read_last_number("twelve") == 12
    assert read_last_number("I do not know") is None
    assert Numeric(answer=0).score("I do not know") == 0.0


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("B", "B"),
        ("(b) because of it", "B"),
        ("B. Paris", "B"),
        ("The answer is C.", "C"),
        (r"so \boxed{D}", "D"),
        ("I would go for (A), not (B): option A", "A"),
        ("Paris", "B"),
        ("the PARIS.", "B"),
        ("A city in France is meant", None),
        ("", None),
    ],
)
def test_the_letter_of_a_choice(said: str, letter: str | None) -> None:
    assert read_letter(said, ["Rome", "Paris", "Bonn", "Oslo"]) == letter


def test_a_choice_beyond_its_options_is_refused() -> None:
    assert Choice(answer="b", options=("x", "y")).score("y") == 1.0
    with pytest.raises(ValidationError, match="beyond the 2 options"):
        Choice(answer="C", options=("x", "y"))


def test_regex_searches_and_can_ask_for_the_whole() -> None:
    assert Regex(pattern=r"\d{4}").score("in 1972, or so") == 1.0
    assert Regex(pattern=r"\d{4}", whole=True).score("in 1972") == 0.0
    assert Regex(pattern="utc", ignore_case=False).score("UTC") == 0.0
    with pytest.raises(ValidationError, match="not a regular expression"):
        Regex(pattern="(")


def test_code_is_imported_only_when_it_was_named(tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    (tmp_path / "checks.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\ndef short(answer):\n    return len(answer) < 5\n"
    )
    check = Python(function="checks.py:short")
    with pytest.raises(UsageError, match=r"--code checks\.py"):
        resolve_check(check, folder=tmp_path, code=[])
    assert not mark.exists()
    found = resolve_check(check, folder=tmp_path, code=["checks.py"])
    assert (found.score("four"), found.score("longer")) == (1.0, 0.0)


def test_a_module_of_the_path_can_check_too() -> None:
    found = resolve_check(Python(function="math:isfinite"), folder=Path(), code=["math"])
    with pytest.raises(UsageError, match="crashed with TypeError"):
        found.score("a text")


@pytest.mark.parametrize(
    ("place", "fault"), [("nowhere.py", "no file"), ("no_such_module_of_mine", "cannot be imported")]
)
def test_code_that_is_not_there_is_named(tmp_path: Path, place: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        resolve_check(Python(function=f"{place}:f"), folder=tmp_path, code=[place])


@pytest.mark.parametrize("found", ["yes", None, 2, -0.5, float("nan")])
def test_a_function_that_says_something_else_is_an_error(found: object) -> None:
    with pytest.raises(UsageError, match="a bool or 0 to 1"):
        Function("mine", lambda _answer: found).score("x")


def test_parts_of_a_point_are_kept() -> None:
    assert Function("mine", lambda answer: len(answer) / 10).score("four") == 0.4


@given(st.text())
def test_no_answer_breaks_a_check(answer: str) -> None:
    for check in (
        Exact(answer=("x",), contains=True),
        Numeric(answer=1),
        Choice(answer="A", options=("x", "y")),
        Regex(pattern="x+"),
    ):
        assert check.score(answer) in (0.0, 1.0)
