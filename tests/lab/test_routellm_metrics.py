from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.lab.routellm_metrics import apgr, cpt, curve, edges_of

TEN = np.arange(10.0)
NONE = np.zeros(10)


def test_a_curve_worked_out_by_hand() -> None:
    """The large model alone is right on the five prompts of the highest scores: full gain at half of the calls."""
    found = curve(TEN, NONE, (TEN >= 5).astype(float))
    assert found.share.tolist() == pytest.approx([k / 10 for k in range(11)])
    assert found.quality.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, *[0.5] * 6])
    assert apgr(found) == pytest.approx((0.125 + 0.25) / 0.5)
    assert cpt(found, 0.5) == pytest.approx(25.0)
    assert cpt(found, 0.8) == pytest.approx(40.0)


def test_the_first_threshold_lets_all_through_and_the_last_is_strict() -> None:
    found = curve(np.random.default_rng(0).random(137), np.zeros(137), np.ones(137))
    assert (found.share[0], found.share[-1]) == (0.0, 1.0)
    assert (found.quality == found.share).all()
    assert apgr(found) == pytest.approx(0.5)


def test_thresholds_are_those_of_qcut() -> None:
    pd = pytest.importorskip("pandas")
    scores = np.random.default_rng(1).normal(size=1307)
    _, edges = pd.qcut(pd.Series(scores), 10, retbins=True)
    assert edges_of(scores) == pytest.approx(edges, abs=1e-12)


def test_a_score_of_two_values_has_the_point_between_all_and_none() -> None:
    found = curve((TEN >= 7).astype(float), NONE, (TEN >= 7).astype(float))
    assert sorted(set(found.share.tolist())) == pytest.approx([0.0, 0.3, 1.0])
    assert apgr(found) == pytest.approx(0.85)


def test_equal_models_have_no_gap_to_recover() -> None:
    assert math.isnan(apgr(curve(TEN, np.ones(10), np.ones(10))))


def test_a_perfect_order_beats_its_reverse() -> None:
    rng = np.random.default_rng(2)
    small, large = (rng.random((2, 500)) < [[0.4], [0.7]]).astype(float)
    gain = large - small + 1e-6 * rng.random(500)
    best, worst = apgr(curve(gain, small, large)), apgr(curve(-gain, small, large))
    assert best > 1 > 0 > worst


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_random_score_recovers_about_half(seed: int) -> None:
    rng = np.random.default_rng(seed)
    small, large = (rng.random((2, 4000)) < [[0.4], [0.8]]).astype(float)
    assert apgr(curve(rng.random(4000), small, large)) == pytest.approx(0.5, abs=0.08)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 9.0), st.floats(-5.0, 5.0))
def test_only_the_order_of_scores_counts_not_the_order_of_rows(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    score, small, large = rng.normal(size=200), rng.random(200), rng.random(200)
    mixed = rng.permutation(200)
    plain = curve(score, small, large)
    assert apgr(curve(score[mixed], small[mixed], large[mixed])) == pytest.approx(apgr(plain), abs=1e-9)
    assert apgr(curve(scale * score + shift, small, large)) == pytest.approx(apgr(plain), abs=1e-9)
