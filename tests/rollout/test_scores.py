from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.rollout.observation import Observation
from pilotfish.rollout.scores import SLACK, Usual, Yardsticks, scores

USUAL = Yardsticks(median=100.0, tail=500.0, accepted_cost=0.01)


def one(passed: bool | None = True, **more: Any) -> Observation:
    return Observation(arm="baseline", unit="u", passed=passed, **more)


def test_the_yardsticks_find_the_percentiles_of_the_baseline() -> None:
    rng = random.Random(1)
    usual = Usual()
    for _ in range(20_000):
        usual.add(one(latency_ms=rng.lognormvariate(6, 0.5)))
    found = usual.now
    over = [rng.lognormvariate(6, 0.5) for _ in range(20_000)]
    assert sum(value > found.median for value in over) / 20_000 == pytest.approx(0.5, abs=0.08)
    assert sum(value > found.tail for value in over) / 20_000 == pytest.approx(0.05, abs=0.03)


def test_a_request_that_took_no_time_is_no_yardstick() -> None:
    usual = Usual()
    for latency in (0.0, *(100.0 + number % 10 for number in range(500))):
        usual.add(one(latency_ms=latency))
    assert 90 < usual.now.median < 120


def test_a_failed_answers_cost_is_in_the_accepted_ones() -> None:
    usual = Usual()
    for passed in (True, False, True, False):
        usual.add(one(passed, cost_usd=0.01))
    assert usual.now.accepted_cost == pytest.approx(0.02)


def test_half_the_price_for_half_the_answers_is_no_saving() -> None:
    dear = scores(one(cost_usd=0.01), USUAL, slack=1.0)[6]
    cheap = [scores(one(passed, cost_usd=0.005), USUAL, slack=1.0)[6] for passed in (True, False)]
    assert sum(cheap) / 2 == pytest.approx(dear, abs=1 / 16)


def test_slack_is_a_tenth() -> None:
    slower = one(latency_ms=109.0)
    assert scores(slower, USUAL, slack=1.0)[4] == 1
    assert scores(slower, USUAL, slack=SLACK)[4] == 0
    assert scores(one(latency_ms=111.0), USUAL, slack=SLACK)[4] == 1


def test_where_the_baseline_is_free_any_cost_is_worse() -> None:
    free = USUAL._replace(accepted_cost=0.0)
    assert scores(one(), free, slack=SLACK)[6] == 0
    assert scores(one(cost_usd=1e-9), free, slack=SLACK)[6] == 1


@pytest.mark.parametrize(
    ("passed", "error", "score"), [(True, False, 0), (False, False, 1), (None, False, None)]
)
def test_a_verdict_is_a_score(passed: bool | None, error: bool, score: float | None) -> None:
    assert scores(one(passed, error=error), USUAL, slack=1.0)[0] == score
    assert scores(one(passed, error=True), USUAL, slack=1.0)[0] == 1


@given(
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.floats(0, 1e12),
    st.floats(0, 1e9),
    st.floats(0, 1e6),
)
def test_every_score_is_between_nothing_and_one(
    passed: bool | None, error: bool, latency: float, cost: float, usual: float
) -> None:
    observation = one(passed, error=error, latency_ms=latency, cost_usd=cost)
    found = scores(observation, Yardsticks(latency / 2, latency, usual), slack=1.0)
    assert all(score is None or 0 <= score <= 1 for score in found)
