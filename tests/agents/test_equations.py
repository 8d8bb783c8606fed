from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.agents.equations import equations, expression_value

TRUE = [
    "3 * 4 = 12", "12 + 5 is 17", "$1,200 / 4 = $300", "15% of 80 = 12", "2 + 3 = 5 + 1 = 6", "7 − 2 = 5", "6 ÷ 2 = 3",
    "3 apples * 4 = 12 apples", "\\(3 \\times 4 = 12\\)", "\\frac{1}{2} \\cdot 8 = 4", "10/3 = 3.33", "2 x 3 = 6",
    "(2 + 3) * 4 = 20", "2(3+4) = 14", "3^2 = 9", "2**3 = 8", "12 plus 5 equals 17", "20 divided by 4 is 5",
    "20 / 80 = 25%", "48 + 24 = <<48+24=72>>72 clips", "Total = 60 / 2 = 30", "1/4 of 80 = 20", "10 / 3 ≈ 3",
    "2 million + 3 million = 5 million", "10/3 = 3.333...", "The sum is 3 + 4 = **7**.", "- 3 + 4 = 7",
    "5 dollars per hour * 8 hours = 40 dollars", "1483 + 20 is about 1500", "3 * -2 = -6", "(3 + 4 = 7)",
    "12 = 3 * 4", "40 / 36 = 1.1111111111111112",
]  # fmt: skip
FALSE = [
    "3 * 4 = 13", "12 + 5 is 18", "$1,200 / 4 = $301", "15% of 80 = 13", "2 + 3 = 5 + 1 = 7", "2(3+4) = 15",
    "3 apples * 4 = 13 apples", "10/3 = 3.34", "48 + 24 = <<48+24=71>>71", "12 = 3 * 5", "x = 3 * 4 = 13",
    "5 apples + 3 oranges = 9 fruits", "\\frac{1}{2} + \\frac{1}{3} = \\frac{5}{7}",
]  # fmt: skip
NO_ALARM = [
    "2026-11-21", "pages 3-4 = chapter 2", "3-4 is 2 pages", "ratio 3:2 = 1.5", "v1.2.3 = 4", "555-123-4567 = 1",
    "2x + 3 = 11", "x + 2 * 3 = 10", "5! = 120", "5! + 2 * 3 = 126", "√(9+16) = 5", "f(2+1) = 8", "24/7 = 3",
    "10 mod 3 * 2 = 2", "1 hour + 30 minutes = 90 minutes", "1 m + 50 cm = 150 cm", "100 + 10% = 110",
    "5 + 9 = 2 (mod 12)", "If 3 + 4 = 8 then", "3 + 4 = 8 is wrong", "12 + 5 is 3 more than 14", "9/11 is 2001",
    "10 / 3 = 3 remainder 1", "1,5 + 2,5 = 4", "10 / 4 = 2", "2m + 3 = 11", "sqrt(16) + 2 * 2 = 8", "7 / 2 = 3 1/2",
    "3 ± 2 = 5", "3 + 4 ≠ 8", "3 + 4 != 8", "2 * n + 3 = 13", "3 dozen * 2 = 72", "(2 + x) * 3 = 9", "2 + 2 = 5x",
    "3 kg + 500 g = 3.5 kg", "The 2020-2021 season is 5", "half of 8 + 2 = 6", "0 / 0 = 1", "½ * 2 * 3 = 3",
    "10:30 + 2 = 12:30", "101 + 11 = 1000 in binary", "9^9^9^9 = 1",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_true_equations_hold(text: str) -> None:
    found = list(equations(text))
    assert found
    assert all(equation.holds for equation in found)


@pytest.mark.parametrize("text", FALSE)
def test_wrong_equations_are_found(text: str) -> None:
    assert any(equation.holds is False for equation in equations(text))


@pytest.mark.parametrize("text", NO_ALARM)
def test_what_only_looks_like_an_equation_raises_no_alarm(text: str) -> None:
    assert not any(equation.holds is False for equation in equations(text))


@settings(deadline=None)
@given(st.dates(), st.integers(1, 200), st.integers(1, 200), st.tuples(*[st.integers(0, 99)] * 3))
def test_dates_ranges_versions_and_ratios_never_alarm(
    day: object, a: int, b: int, version: tuple[int, ...]
) -> None:
    dotted = ".".join(map(str, version))
    text = (
        f"{day} is 5. Pages {a}-{b} are 3 pages. v{dotted} = 1. Ratio {a}:{b} = 2. Call +{a} 555-{a}-{b} = 1."
    )
    assert not any(equation.holds is False for equation in equations(text))


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    list(equations(text))


@settings(deadline=None)
@given(st.integers(-99, 99), st.integers(1, 99), st.integers(1, 99))
def test_a_bare_expression_is_computed_exactly(a: int, b: int, c: int) -> None:
    side = expression_value(f"({a} + {b}) / {c}")
    assert side is not None
    assert side.value == Fraction(a + b, c)


@pytest.mark.parametrize("text", ["12", "3 apples", "the sum of 3 + 4", "", "3 +", "#s1 + 3"])
def test_what_is_not_only_an_expression_has_no_value(text: str) -> None:
    assert expression_value(text) is None
