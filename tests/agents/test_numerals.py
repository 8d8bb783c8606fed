from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.agents.numerals import numerals, read_number, shown


def values(text: str) -> list[Fraction]:
    return [numeral.value for numeral in numerals(text)]


def test_numbers_as_people_write_them() -> None:
    text = "1,200 ships, 3.5 kg, -4 °C, $5 million, 25% of forty-two; sixteen."
    assert values(text) == [1200, Fraction(7, 2), -4, 5_000_000, 25, 42, 16]


@pytest.mark.parametrize("text", ["2026-11-21", "v1.2.3", "3:2", "10/11/2026", "1,5", "someone", "12:30"])
def test_what_is_no_number(text: str) -> None:
    assert values(text) == []


def test_marks_of_a_number() -> None:
    number = read_number("$2.50")
    assert number is not None
    assert (number.currency, number.decimals, number.percent) == ("$", 2, False)
    share = read_number("25 %")
    assert share is not None
    assert share.percent


def test_a_bullet_is_no_minus() -> None:
    assert values("- 4 apples") == [4]


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_integers_round_trip(n: int) -> None:
    assert values(f"it is {n:,} now") == [n]
    assert shown(Fraction(n)) == str(n)


@settings(deadline=None)
@given(st.fractions())
def test_what_is_shown_is_near_or_exact(value: Fraction) -> None:
    text = shown(value)
    if not text.startswith("about"):
        assert abs(Fraction(text.split("…")[0]) - value) <= Fraction(1, 10**6)
