from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.router.allotment import EXACT, CallEstimate, LargeBudget, allot

GAIN = st.floats(0.001, 1.0)
COST = st.floats(0.0, 10.0)


@st.composite
def knapsacks(draw: st.DrawFn, most: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, k = draw(st.integers(1, most)), draw(st.integers(1, 2))
    gains = np.array(draw(st.lists(GAIN, min_size=n, max_size=n)))
    costs = np.array(draw(st.lists(COST, min_size=n * k, max_size=n * k))).reshape(n, k)
    return gains, costs, np.array(draw(st.lists(st.floats(0.0, 20.0), min_size=k, max_size=k)))


def within(chosen: np.ndarray, costs: np.ndarray, limits: np.ndarray, rounding: float = 0.0) -> bool:
    return bool((costs[chosen].sum(axis=0) <= limits + rounding).all())


@given(knapsacks())
def test_no_set_within_the_budget_gains_more(problem: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    gains, costs, limits = problem
    chosen = allot(gains, costs, limits)
    assert within(chosen, costs, limits, 1e-9)
    best = max(
        gains[list(some)].sum()
        for size in range(len(gains) + 1)
        for some in itertools.combinations(range(len(gains)), size)
        if within(np.isin(np.arange(len(gains)), some), costs, limits)
    )
    assert gains[chosen].sum() >= best - 1e-9


@given(knapsacks(), st.floats(1.0, 3.0))
def test_more_budget_never_lowers_the_gain(
    problem: tuple[np.ndarray, np.ndarray, np.ndarray], more: float
) -> None:
    gains, costs, limits = problem
    assert gains[allot(gains, costs, limits * more)].sum() >= gains[allot(gains, costs, limits)].sum() - 1e-9


@given(st.integers(0, 10_000), st.floats(0.0, 30.0))
def test_with_many_candidates_no_single_swap_is_better(seed: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    n = EXACT + 20
    gains, costs, limits = random.uniform(0.01, 1, n), random.uniform(0.1, 3, (n, 1)), np.array([limit])
    chosen = allot(gains, costs, limits)
    assert within(chosen, costs, limits, 1e-9)
    for into in np.flatnonzero(~chosen):
        for out in [None, *np.flatnonzero(chosen)]:
            other = chosen.copy()
            other[into] = True
            if out is not None:
                other[out] = False
            assert not within(other, costs, limits) or gains[other].sum() <= gains[chosen].sum() + 1e-9


@pytest.mark.parametrize("calls", [0, 1, 17, 60])
def test_calls_of_one_price_go_to_the_largest_gains_however_many_ask(calls: int) -> None:
    gains = np.random.default_rng(0).permutation(np.linspace(0.01, 1, 60))
    chosen = allot(gains, np.ones((60, 1)), np.array([float(calls)]))
    assert sorted(gains[chosen]) == sorted(gains)[60 - calls :]


def test_of_equally_good_sets_the_first_and_smallest_is_taken() -> None:
    chosen = allot(np.full(4, 0.5), np.ones((4, 1)), np.array([2.0]))
    assert list(chosen) == [True, True, False, False]


def test_a_budget_needs_a_limit_that_makes_sense() -> None:
    with pytest.raises(UsageError, match="give usd, tokens, seconds or large_calls"):
        LargeBudget()
    with pytest.raises(UsageError, match=r"usd=-1\.0 is not"):
        LargeBudget(usd=-1.0)
    with pytest.raises(UsageError, match="usd=nan"):
        LargeBudget(usd=float("nan"))


def test_an_unknown_price_or_pace_is_said() -> None:
    with pytest.raises(UsageError, match="prices, which are not known"):
        CallEstimate(price_in=1.0).check(LargeBudget(usd=1.0))
    with pytest.raises(UsageError, match="give seconds_per_call"):
        CallEstimate().check(LargeBudget(seconds=3.0))
    CallEstimate().check(LargeBudget(tokens=100, large_calls=2))


def test_what_a_call_takes_is_counted_by_its_limits() -> None:
    estimate = CallEstimate(price_in=2.0, price_out=10.0, prompt_tokens=50, output_tokens=100, seconds=1.5)
    tokens_in = 50 + 25
    usd = (tokens_in * 2.0 + 100 * 10.0) / 1e6
    assert estimate.of("x" * 100, ["large_calls", "usd", "tokens", "seconds"]) == [
        1.0,
        pytest.approx(usd),
        175.0,
        1.5,
    ]
