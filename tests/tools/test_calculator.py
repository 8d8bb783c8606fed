from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.tools.calculator import calculate, calculator_tool
from pilotfish.tools.errors import ToolInputError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("2 + 3 * 4 - 6 / 3", "12"),
        ("-2 ** 2", "-4"),
        ("2 ** -3 ** 2", "0.001953125"),
        ("2 ^ 10", "1024"),
        ("15% of 1,234.50", "185.175"),
        ("100 * 15%", "15"),
        ("17 % 5", "2"),
        ("-7 // 2", "-4"),
        ("($1,234.5 + $10) × 2", "2489"),
        ("sqrt(2) * sqrt(8)", "4"),
        ("log(8, 2)", "3"),
        ("floor(sqrt(2) ** 2)", "2"),
        ("round(2.675, 2)", "2.68"),
        ("round(2.5) + round(3.5)", "6"),
        ("max(1, 234, 5) - min((1,234), 2000)", "-1000"),
        ("ceil(1.2) + abs(-3)", "5"),
        ("1 / 3", "0.333333333333333"),
        ("2 * pi", "6.28318530717959"),
        ("123456789123456789 * 1.5", "185185183685185183.5"),
        ("exp(0) + 1e3", "1001"),
    ],
)
def test_worked_examples(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "empty"),
        ("1 / 0", "division by zero"),
        ("5 % (2 - 2)", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("1 / (log(8) - 3 * log(2))", "division by zero"),
        ("9 ** 9 ** 9", "10000 bits"),
        ("sqrt(2) ** 30000", "10000 bits"),
        ("exp(exp(10))", "10000 bits"),
        ("1e9999", "out of range"),
        ("sqrt(-1)", "not a real number"),
        ("(-8) ** (1 / 3)", "not a real number"),
        ("log(0)", "positive"),
        ("__import__('os').system('true')", "not part of arithmetic"),
        ("(1).__class__", "character 4"),
        ("lambda: 1", "not part of arithmetic"),
        ("open(1)", "unknown name 'open'"),
        ("sqr(4)", "did you mean 'sqrt'"),
        ("sqrt(1,234)", "1 argument, not 2"),
        ("2 3", "expected an operator at character 3"),
        ("(1 + 2", "expected ')'"),
        ("1 +", "expected a number"),
        ("(" * 60 + "1" + ")" * 60, "nests deeper"),
        ("1 + " * 200 + "1", "limit is 500"),
        ("round(1, 1000)", "up to 50"),
    ],
)
def test_refusals_name_the_trouble(expression: str, says: str) -> None:
    with pytest.raises(ToolInputError, match=says.replace("(", r"\(").replace(")", r"\)")):
        calculate(expression)


_numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=50)


@st.composite
def _trees(draw: st.DrawFn, depth: int = 3) -> tuple[str, Fraction]:
    """An expression and its value by Python's own exact numbers."""
    if depth == 0 or draw(st.booleans()):
        number = draw(_numbers)
        return f"({number.numerator}/{number.denominator})", number
    (left, a), (right, b) = draw(_trees(depth=depth - 1)), draw(_trees(depth=depth - 1))
    operator = draw(st.sampled_from("+-*/" if b else "+-*"))
    value = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[operator]()
    return f"({left}{operator}{right})", value


@given(_trees())
def test_agrees_with_exact_fractions(tree: tuple[str, Fraction]) -> None:
    text, value = tree
    assert float(calculate(text)) == pytest.approx(float(value), rel=1e-14, abs=1e-14)


@given(st.text(max_size=60))
def test_any_text_gives_a_number_or_a_usage_error(text: str) -> None:
    try:
        value = calculate(text)
    except UsageError:
        return
    float(value)


def test_is_a_langchain_tool() -> None:
    tool = calculator_tool()
    assert tool.name == "calculator"
    assert tool.invoke({"expression": "6 * 7"}) == "42"
    with pytest.raises(ToolInputError):
        tool.invoke({"expression": "six * seven"})
