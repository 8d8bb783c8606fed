"""The guarantee, at its boundary and beyond it, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import PilotfishError, UsageError
from pilotfish.lab.risk_bounds import Bound, betting, critical_mean, critical_means, hoeffding_bentkus
from pilotfish.lab.risk_control import (
    Outcomes,
    Promise,
    TooFewRowsError,
    cheapest,
    rows_needed,
    share_lower,
    uncorrected,
)

LEVEL = 0.1
TARGET = 0.9


def population(seed: int, n: int, *, informative: float = 1.0) -> Outcomes:
    """The large model is right on 9 of 10 whatever the score; the small one the more seldom the higher the score."""
    random = np.random.default_rng(seed)
    score = random.random(n)
    large = (random.random(n) < 0.9).astype(float)
    small = (random.random(n) < 0.9 - 0.6 * informative * score).astype(float)
    zero = np.zeros(n)
    return Outcomes(score=score, small=small, large=large, small_cost=zero, large_cost=zero + 1.0)


def truth(threshold: float) -> float:
    """Expected quality less the target, of `population`: small below the threshold, large from it on."""
    cut = min(max(threshold, 0.0), 1.0)
    return 0.9 * cut - 0.3 * cut**2 + 0.9 * (1.0 - cut) - TARGET * 0.9


@pytest.mark.parametrize(
    ("bound", "n"), [("normal", 400), ("normal", 2000), ("bentkus", 400), ("betting", 300), (None, 150)]
)
def test_the_threshold_found_breaks_its_promise_no_oftener_than_allowed(bound: Bound | None, n: int) -> None:
    promise = Promise(target=TARGET, confidence=1 - LEVEL, bound=bound, fresh=None)
    runs, broken, refused = 200, 0, 0
    for seed in range(runs):
        try:
            broken += truth(cheapest(population(seed, n), promise)) < 0
        except TooFewRowsError:
            refused += 1
    assert refused < runs / 2
    # Two standard errors above the level would already be luck; the bounds are not that tight.
    assert broken / runs <= LEVEL


def test_a_sorted_log_breaks_the_promise_no_oftener_than_allowed() -> None:
    """On the first half either model is right; on the second the small one so often that it just falls short."""
    n, runs, found = 300, 60, 0
    easy = np.arange(n) < n // 2
    for seed in range(runs):
        random = np.random.default_rng(seed)
        right = np.ones(n)
        small = (random.random(n) < np.where(easy, 1.0, 0.795)).astype(float)
        log = Outcomes(score=np.zeros(n), small=small, large=right, small_cost=0 * right, large_cost=right)
        found += cheapest(log, Promise(target=TARGET, confidence=1 - LEVEL, bound="betting", fresh=None)) > 0
    assert found / runs <= LEVEL


def test_without_correction_it_breaks_in_half_of_all_logs() -> None:
    broken = [truth(uncorrected(population(seed, 400), target=TARGET)) < 0 for seed in range(200)]
    assert 0.35 < np.mean(broken) < 0.75


@pytest.mark.parametrize("n", [60, 300, 3000])
@pytest.mark.parametrize("wins", [0.01, 0.06, 0.3])
def test_at_the_boundary_every_bound_rejects_a_mean_of_zero_at_most_at_its_level(n: int, wins: float) -> None:
    """Values of 1, 0.1, 0 and -0.9 whose mean is exactly 0: the null hypothesis where it is hardest to keep."""
    small_gain = 0.3
    losses = (wins + 0.1 * small_gain) / 0.9
    chances = [wins, small_gain, losses, 1 - wins - small_gain - losses]
    if chances[3] < 0:
        chances = [wins, 0.0, wins / 0.9, 1 - wins - wins / 0.9]
    runs = 3000
    counts = np.random.default_rng(7).multinomial(n, chances, size=runs)
    means = counts @ [1.0, 0.1, -0.9, 0.0] / n
    squares = counts @ [1.0, 0.01, 0.81, 0.0] / n
    cells = np.minimum(np.ceil(n * squares - 1e-9), n).astype(int)
    slack = 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)
    for bound in ("normal", "bentkus"):
        assert np.mean(means >= critical_means(n, level=LEVEL, bound=bound)[cells]) <= LEVEL + slack
    moved = hoeffding_bentkus((means + TARGET) / (1 + TARGET), n, null=TARGET / (1 + TARGET))
    assert np.mean(moved <= LEVEL) <= LEVEL + slack


def test_betting_rejects_a_mean_at_the_null_at_most_at_its_level() -> None:
    random = np.random.default_rng(3)
    values = random.choice([1.0, 0.5, 0.0], p=[0.06, 0.88, 0.06], size=(2000, 200))
    p_values = betting(values, null=0.5, level=LEVEL)
    assert ((p_values > 0) & (p_values <= 1)).all()
    assert np.mean(p_values <= LEVEL) <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 2000)


def test_the_bounds_tell_a_mean_above_the_null() -> None:
    random = np.random.default_rng(3)
    values = random.choice([1.0, 0.5, 0.0], p=[0.2, 0.77, 0.03], size=(20, 400))
    assert (betting(values, null=0.5, level=LEVEL) <= LEVEL).all()
    assert (hoeffding_bentkus(values.mean(axis=1), 400, null=0.5) <= LEVEL).all()
    assert critical_mean(400, 0.06, level=LEVEL, bound="normal") < 0.05


def test_more_rows_less_spread_and_less_confidence_ask_for_less() -> None:
    def needed(n: int, square: float, level: float) -> float:
        return critical_mean(n, square, level=level, bound="normal")

    assert needed(4000, 0.1, 0.1) < needed(1000, 0.1, 0.1) < needed(1000, 0.2, 0.1) < needed(1000, 0.2, 0.05)
    assert (np.diff(critical_means(500, level=0.1, bound="normal")) >= 0).all()


def test_one_entry_is_that_of_the_whole_table() -> None:
    table = critical_means(700, level=0.1, bound="normal")
    for square in (0.0, 0.02, 0.13, 0.9):
        assert critical_mean(700, square, level=0.1, bound="normal") == table[math.ceil(700 * square)]


def test_hoeffding_and_bentkus_have_no_critical_mean() -> None:
    with pytest.raises(UsageError, match="no critical mean"):
        critical_means(10, level=0.1, bound="betting")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([0.6, 0.8, 0.9, 0.95]), st.sampled_from([0.7, 0.8, 0.9]))
def test_a_higher_target_or_confidence_never_asks_the_large_model_less(
    seed: int, confidence: float, target: float
) -> None:
    log = population(seed, 1600, informative=0.7)
    least = cheapest(log, Promise(target=target, confidence=confidence))
    assert cheapest(log, Promise(target=target + 0.05, confidence=confidence)) <= least
    assert cheapest(log, Promise(target=target, confidence=min(0.99, confidence + 0.04))) <= least


def test_the_margin_for_measuring_again_only_ever_asks_for_more() -> None:
    for seed in range(10):
        log = population(seed, 2000)
        plain = cheapest(log, Promise(target=TARGET, fresh=None))
        assert cheapest(log, Promise(target=TARGET, fresh=1.0)) <= plain <= uncorrected(log, target=TARGET)


def test_rows_in_any_order_give_one_threshold_where_the_mean_decides() -> None:
    log = population(1, 2000)
    order = np.random.default_rng(0).permutation(2000)
    promise = Promise(target=TARGET)
    assert cheapest(log.take(order), promise) == cheapest(log, promise)


def test_equal_scores_fall_on_one_side_together() -> None:
    log = population(1, 2000)
    coarse = Outcomes(
        score=np.round(log.score, 1),
        small=log.small,
        large=log.large,
        small_cost=log.small_cost,
        large_cost=log.large_cost,
    )
    threshold = cheapest(coarse, Promise(target=TARGET))
    assert threshold in np.round(np.linspace(0, 1, 11), 1)
    assert truth(threshold - 0.05) >= 0


def test_a_small_model_that_is_as_good_is_asked_alone() -> None:
    log = population(1, 3000)
    same = Outcomes(
        score=log.score,
        small=log.large,
        large=log.large,
        small_cost=log.small_cost,
        large_cost=log.large_cost,
    )
    assert same.at(cheapest(same, Promise())).large_share == 0.0


def test_of_the_certified_thresholds_the_cheapest_is_taken_not_the_highest() -> None:
    """The small model is dearer than the large one: asking the large one is cheapest, and is certified."""
    log = population(1, 2000)
    odd = Outcomes(
        score=log.score,
        small=log.small,
        large=log.large,
        small_cost=log.large_cost * 2,
        large_cost=log.large_cost,
    )
    assert odd.at(cheapest(odd, Promise(target=TARGET))).large_share == 1.0


def test_the_certified_share_lies_between_the_target_and_the_estimate() -> None:
    log, promise = population(4, 4000), Promise(target=TARGET)
    threshold = cheapest(log, promise)
    share = share_lower(log, threshold, promise)
    assert TARGET <= share <= log.at(threshold).quality / log.large.mean()


def test_too_few_rows_are_refused_with_the_number_that_would_do() -> None:
    with pytest.raises(TooFewRowsError, match=r"40 rows cannot certify .* about \d+ more") as refusal:
        cheapest(population(0, 40), Promise(target=0.95))
    assert refusal.value.exit_code == 3
    assert isinstance(refusal.value, PilotfishError)
    assert refusal.value.needed is not None
    cheapest(population(1, 2 * refusal.value.needed), Promise(target=0.95))


def test_no_number_of_rows_certifies_a_large_model_that_is_never_right() -> None:
    log = population(0, 500)
    hopeless = Outcomes(
        score=log.score,
        small=log.small * 0,
        large=log.large * 0,
        small_cost=log.small_cost,
        large_cost=log.large_cost,
    )
    with pytest.raises(TooFewRowsError, match="no number of such rows") as refusal:
        cheapest(hopeless, Promise())
    assert refusal.value.needed is None


def test_the_rows_needed_are_enough_and_few_less_are_not() -> None:
    promise = Promise(target=0.95, bound="normal")
    needed = rows_needed(0.01, 0.1, promise)
    assert needed is not None

    def asked(n: int) -> float:
        provable = critical_mean(n, 0.1, level=0.1, bound="normal")
        return max(provable, 1.2816 * math.sqrt(2.5 * 0.1 / n))

    assert asked(needed) <= 0.01 < asked(int(needed * 0.97))
    assert rows_needed(-0.01, 0.1, promise) is None
    assert rows_needed(1e-9, 0.1, promise) is None


@pytest.mark.parametrize("target", [0.0, 1.0, 1.2, -0.5, float("nan")])
def test_a_target_that_is_no_share_is_wrong(target: float) -> None:
    with pytest.raises(UsageError, match="target"):
        Promise(target=target)


@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0, float("nan")])
def test_a_confidence_that_is_none_is_wrong(confidence: float) -> None:
    with pytest.raises(UsageError, match="confidence"):
        Promise(confidence=confidence)
