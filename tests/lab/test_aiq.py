from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.lab.aiq import aiq, hull

UNIT = st.floats(0, 1, allow_subnormal=False)
POINTS = st.lists(st.tuples(UNIT, UNIT), min_size=1, max_size=20)


def test_an_area_worked_out_by_hand() -> None:
    """Corners (0, 0.2), (0.5, 0.8), (1, 1.0); the dearer and worse point and the one below the line are not used."""
    cost, quality = np.array([0.0, 0.5, 1.0, 0.6, 0.25]), np.array([0.2, 0.8, 1.0, 0.7, 0.4])
    x, y = hull(cost, quality)
    assert (x.tolist(), y.tolist()) == ([0.0, 0.5, 1.0], [0.2, 0.8, 1.0])
    assert aiq(cost, quality, low=0.0, high=1.0) == pytest.approx(0.5 * 0.5 + 0.5 * 0.9)


def test_beyond_its_last_point_a_router_stays_as_good_as_it_is() -> None:
    assert aiq(np.array([0.0, 1.0]), np.array([0.0, 1.0]), low=0.0, high=2.0) == pytest.approx(0.75)
    assert aiq(np.array([1.0, 2.0]), np.array([0.5, 0.1]), low=0.0, high=4.0) == pytest.approx(0.5)


def test_at_one_cost_the_better_counts_and_no_range_has_no_area() -> None:
    assert aiq(np.array([0.0, 0.0]), np.array([0.3, 0.6]), low=0.0, high=1.0) == pytest.approx(0.6)
    assert math.isnan(aiq(np.array([1.0]), np.array([0.3]), low=1.0, high=1.0))


@settings(deadline=None, max_examples=60)
@given(POINTS)
def test_the_hull_rises_flattens_and_lies_above_every_point(points: list[tuple[float, float]]) -> None:
    cost, quality = np.array(points).T
    x, y = hull(cost, quality)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    slopes = np.diff(y) / np.diff(x)
    assert (np.diff(slopes) <= 1e-9 * (1 + np.abs(slopes[1:]))).all() if len(slopes) > 1 else True
    assert (np.interp(cost, x, y) >= quality - 1e-9).all()


@settings(deadline=None, max_examples=60)
@given(POINTS, st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_another_point_never_lowers_the_area(
    points: list[tuple[float, float]], more: tuple[float, float]
) -> None:
    start = (0.0, 0.0)
    cost, quality = np.array([start, *points]).T
    before = aiq(cost, quality, low=0.0, high=1.0)
    cost, quality = np.array([start, *points, more]).T
    assert aiq(cost, quality, low=0.0, high=1.0) >= before - 1e-9
