from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.agents.equivalence import equivalent, groups, same_value

SAME = [
    ("5", "5.0"), ("1,200", "1200"), ("$5", "5 dollars"), ("5 km", "5"), ("25%", "0.25"), ("25 percent", "25%"),
    ("Yes", "yes."), ("True", "yes"), ("Yes, because it is big", "Yes"), ("(B)", "B) Paris"), ("B", "(b)"),
    ("B) Paris", "Paris"), ("2026-11-21", "November 21, 2026"), ("21st of Nov 2026", "2026-11-21"),
    ("red, blue", "blue and red"), ("{1, 2}", "{2, 1}"), ("\\boxed{42}", "42"), ("The answer is **42**.", "42"),
    ("four", "4"), ("The Eiffel Tower", "eiffel tower"), ("2.5 million", "2,500,000"), ('{"a": 1}', '{"a": 1.0}'),
]  # fmt: skip
OTHER = [
    ("5", "6"), ("5 km", "5 kg"), ("Paris", "London"), ("(A)", "(B)"), ("A) Paris", "B) Paris"), ("yes", "no"),
    ("2026-11-21", "2026-11-22"), ("red, blue", "red, green"), ("[1, 2]", "[2, 1]"), ("3:2", "2:3"), ("3-4", "-1"),
    ("-5", "5"), ("guilty", "not guilty"), ("1990s", "1990"), ("25%", "25 km"), ("", "0"), ("B", "Paris"),
]  # fmt: skip
FORMULAE = [("\\frac{1}{2}", "0.5"), ("x+1", "1+x"), ("$\\sqrt{8}$", "2\\sqrt{2}"), ("1/2", "\\frac12")]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_said_otherwise(a: str, b: str) -> None:
    assert equivalent(a, b)
    assert equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), OTHER)
def test_different_answers(a: str, b: str) -> None:
    assert not equivalent(a, b)
    assert not equivalent(b, a)


async def test_mathematics_in_a_thread() -> None:
    for a, b in FORMULAE:
        assert await asyncio.to_thread(equivalent, a, b)
    assert not await asyncio.to_thread(equivalent, "x+1", "x+2")


@pytest.mark.parametrize(
    "runaway",
    [
        "9^9^9^9",
        "2^{1000000}",
        "100000!",
        "9**9**9",
        "1" * 60 + "^2",
        "10^(99*99*99*99)",
        "(((9^99)^99)^99)^99",
    ],
)
def test_runaway_formulae_are_not_evaluated(runaway: str) -> None:
    assert not equivalent(runaway, "2+2")
    assert equivalent(runaway, runaway)


ANSWERS = st.one_of(st.text(max_size=20), st.sampled_from([text for pair in SAME + OTHER for text in pair]))


@settings(deadline=None)
@given(ANSWERS, ANSWERS)
def test_symmetric_and_reflexive(a: str, b: str) -> None:
    assert equivalent(a, a)
    assert equivalent(a, b) == equivalent(b, a)


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9))
def test_a_number_equals_its_other_spellings_and_not_its_neighbour(n: int) -> None:
    assert equivalent(f"{n:,}", str(n))
    assert equivalent(f"{n} km", f"{n}.0 km")
    assert not equivalent(str(n), str(n + 1))


@settings(deadline=None)
@given(st.lists(ANSWERS, max_size=6))
def test_groups_hold_every_index_once(answers: list[str]) -> None:
    found = groups(answers)
    assert sorted(index for group in found for index in group) == list(range(len(answers)))
    assert all(equivalent(answers[group[0]], answers[other]) for group in found for other in group)


def test_values_compare_by_what_they_hold() -> None:
    assert same_value({"n": 1, "t": "The Cape"}, {"t": "cape", "n": 1.0})
    assert not same_value({"n": 1}, {"n": 1, "m": None})
    assert not same_value([1, 2], {"0": 1})
    assert not same_value(None, "")
    assert same_value(True, "yes")
