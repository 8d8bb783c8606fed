from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import Subtask
from pilotfish.agents.arithmetic import Arithmetic
from pilotfish.agents.attempt import Attempt, Verdict


def check(text: str, question: str = "How many are left?", value: Any = None) -> Verdict:
    return Arithmetic().check(Subtask(id="s", text=question), Attempt(lane="local", text=text, value=value))


def test_a_wrong_equation_fails_with_the_right_value() -> None:
    verdict = check("She has 3 * 4 = 13 apples.")
    assert verdict.status == "fail"
    assert verdict.reason == "'3 * 4 = 13' is wrong: it is 12"


@pytest.mark.parametrize(
    "text", ["3 * 4 = 12", "First 5 + 7 = 12. The answer is 12.", "2 + 3 = 5, 5 * 2 = 10\n#### 10"]
)
def test_the_result_of_a_true_equation_passes(text: str) -> None:
    assert check(text).status == "pass"


def test_an_answer_that_no_equation_gives_is_unknown() -> None:
    assert check("3 * 4 = 12. The answer is 15.").status == "unknown"


@pytest.mark.parametrize("text", ["", "About a dozen.", "12", "On 2026-11-21.", "pages 3-4"])
def test_without_an_equation_it_is_unknown(text: str) -> None:
    assert check(text).status == "unknown"


@pytest.mark.parametrize(
    ("question", "answer", "status"),
    [
        ("What is 15% of 80?", "12", "pass"),
        ("What is 15% of 80?", "It is 13.", "fail"),
        ("17 * 23", "\\boxed{391}", "pass"),
        ("Compute 10/3.", "3.33", "pass"),
        ("Compute 10/3.", "3", "unknown"),
        ("Compute 10/3.", "3.4", "fail"),
        ("Calculate 12 + 5 =", "17", "pass"),
        ("What is 24/7?", "open 24 hours, 7 days", "unknown"),
        ("What is 1,200 / 4?", "$300", "pass"),
    ],
)
def test_a_question_that_is_arithmetic_is_recomputed(question: str, answer: str, status: str) -> None:
    assert check(answer, question).status == status


def test_a_numeric_value_is_the_answer() -> None:
    assert check('{"n": 12}', "What is 3 * 4?", value=12).status == "pass"
    assert check("13", "What is 3 * 4?", value=13.0).status == "fail"


@settings(deadline=None)
@given(st.integers(-999, 999), st.integers(1, 999), st.sampled_from("+-*"))
def test_integers_are_judged_exactly(a: int, b: int, operator: str) -> None:
    right = {"+": a + b, "-": a - b, "*": a * b}[operator]
    assert check(f"{a} {operator} {b} = {right}").status == "pass"
    assert check(f"{a} {operator} {b} = {right + 1}").status == "fail"
