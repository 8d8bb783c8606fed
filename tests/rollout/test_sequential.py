from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.rollout.sequential import DifferenceSequence, ErrorGuard

GAINS = st.lists(st.integers(-16, 16).map(lambda n: n / 16), max_size=60)
ALPHA = 0.05


def fed(gains: list[float], *, alpha: float = ALPHA) -> DifferenceSequence:
    sequence = DifferenceSequence(alpha=alpha)
    for gain in gains:
        sequence.add(gain)
    return sequence


def _most(expected: float, runs: int) -> float:
    """The share that chance exceeds once in a thousand times."""
    return expected + 3.1 * math.sqrt(expected * (1 - expected) / runs)


# The error guard


def test_the_guard_stops_a_broken_candidate_within_a_few_calls() -> None:
    calls: list[int] = []
    for seed in range(400):
        rng = random.Random(seed)
        guard = ErrorGuard(limit=0.02, alpha=0.01)
        while not guard.fired:
            guard.add(rng.random() < 0.5)
        calls.append(guard.calls)
    assert sorted(calls)[200] <= 4
    assert max(calls) <= 25


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.02])
def test_the_guard_looked_at_after_every_call_is_seldom_wrong(rate: float) -> None:
    runs, fired = 300, 0
    for seed in range(runs):
        rng = random.Random(seed)
        guard = ErrorGuard(limit=0.02, alpha=0.1)
        for _ in range(600):
            guard.add(rng.random() < rate)
            if guard.fired:
                fired += 1
                break
    assert fired / runs <= _most(0.1, runs)


def test_ten_thousand_good_calls_do_not_blind_the_guard() -> None:
    guard = ErrorGuard(limit=0.02, alpha=0.01)
    for _ in range(10_000):
        guard.add(False)
    more = 0
    while not guard.fired:
        guard.add(more % 2 == 0)
        more += 1
    assert more <= 20


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_an_error_more_never_weakens_the_guards_case(errors: list[bool], data: st.DataObject) -> None:
    worse = [error or data.draw(st.booleans()) for error in errors]
    guards = [ErrorGuard(limit=0.02, alpha=0.01) for _ in range(2)]
    for one, other in zip(errors, worse, strict=True):
        guards[0].add(one)
        guards[1].add(other)
    assert guards[1].evidence >= guards[0].evidence * (1 - 1e-9)


def test_one_error_alone_proves_nothing() -> None:
    guard = ErrorGuard(limit=0.02, alpha=0.01)
    guard.add(True)
    assert not guard.fired


# Differences


def paired(rng: random.Random) -> float:
    return float((rng.random() < 0.9) - (rng.random() < 0.9))


def against_a_mean(rng: random.Random) -> float:
    return (rng.random() < 0.8) - sum(rng.random() < 0.8 for _ in range(8)) / 8


def skewed(rng: random.Random) -> float:
    """Mean 0, and rarely a great loss: what normal approximations get wrong."""
    return -1.0 if rng.random() < 0.01 else 0.01 / 0.99


def drifting(rng: random.Random, state: dict[str, float] = {"t": 0.0}) -> float:  # noqa: B006 - the state is the point
    state["t"] += 0.01
    rate = 0.7 + 0.25 * math.sin(state["t"])
    return float((rng.random() < rate) - (rng.random() < rate))


@pytest.mark.parametrize("draw", [paired, against_a_mean, skewed, drifting])
def test_peeking_at_every_difference_is_free(draw: Callable[[random.Random], float]) -> None:
    runs, wrong = 300, 0
    for seed in range(runs):
        rng = random.Random(seed)
        sequence = DifferenceSequence(alpha=0.1)
        for _ in range(600):
            sequence.add(draw(rng))
            if sequence.worse:
                wrong += 1
                break
    assert wrong / runs <= _most(0.1, runs)


def test_the_bounds_hold_at_all_times_together() -> None:
    runs, missed = 150, 0
    for seed in range(runs):
        rng = random.Random(seed)
        sequence = DifferenceSequence(alpha=0.1)
        for number in range(400):
            sequence.add(float((rng.random() < 0.85) - (rng.random() < 0.9)))
            if number % 20 == 19 and sequence.above(-0.05):
                missed += 1
                break
    assert missed / runs <= _most(0.1, runs)


def test_a_worse_candidate_is_found_and_an_equal_one_bounded() -> None:
    rng = random.Random(1)
    worse = fed([float((rng.random() < 0.8) - (rng.random() < 0.9)) for _ in range(600)])
    assert worse.worse
    assert worse.high < 0
    equal = fed([paired(rng) for _ in range(6_000)])
    assert not equal.worse
    assert -0.03 < equal.low < 0 < equal.high < 0.03


@given(GAINS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(gains: list[float], rng: random.Random) -> None:
    shuffled = list(gains)
    rng.shuffle(shuffled)
    one, other = fed(gains), fed(shuffled)
    assert one.evidence == pytest.approx(other.evidence)
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


@given(GAINS, st.data())
def test_a_worse_outcome_never_helps_the_candidate(gains: list[float], data: st.DataObject) -> None:
    worse = [min(gain, data.draw(st.sampled_from([gain, -1.0, gain - 0.25]))) for gain in gains]
    before, after = fed(gains), fed([max(gain, -1.0) for gain in worse])
    assert after.evidence >= before.evidence * (1 - 1e-9)
    assert after.low <= before.low + 1e-6
    assert after.high <= before.high + 1e-6


@given(GAINS)
def test_the_bounds_stand_on_both_sides_of_the_mean(gains: list[float]) -> None:
    sequence = fed(gains)
    assert -1 <= sequence.low <= sequence.mean <= sequence.high <= 1


@given(GAINS, st.integers(-15, 15).map(lambda n: n / 16 + 0.01))
def test_above_says_what_low_says(gains: list[float], bound: float) -> None:
    sequence = fed(gains)
    assert sequence.above(bound) == (sequence.low > bound) or abs(sequence.low - bound) < 1e-6


def test_nothing_seen_is_nothing_known() -> None:
    sequence = fed([])
    assert (sequence.low, sequence.high, sequence.evidence) == (-1, 1, pytest.approx(1))
    assert not sequence.worse
    assert not sequence.above(-0.5)


def test_draws_alone_show_that_it_is_not_much_worse_and_never_that_it_is() -> None:
    sequence = fed([0.0] * 5_000)
    assert sequence.evidence == pytest.approx(1)
    assert sequence.above(-0.03)


def test_a_disaster_does_not_overflow() -> None:
    sequence = fed([-1.0] * 3_000)
    assert math.isfinite(sequence.evidence)
    assert sequence.high < -0.9
    guard = ErrorGuard(limit=0.02, alpha=0.01)
    for _ in range(3_000):
        guard.add(True)
    assert math.isfinite(guard.evidence)
