from __future__ import annotations

import math

import pytest

from pilotfish.lab.intervals import over_seeds, student_quantile


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062047), (2, 4.3026527), (4, 2.7764451), (9, 2.2621572), (99, 1.9842170)],
)
def test_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, rel=1e-6)


def test_an_interval_over_seeds_worked_out_by_hand() -> None:
    found = over_seeds([0.60, 0.62, 0.64])
    assert (found.mean, found.over) == (pytest.approx(0.62), "seeds")
    assert found.high - found.mean == pytest.approx(4.3026527 * 0.02 / math.sqrt(3), rel=1e-5)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_runs_that_agree_leave_no_doubt() -> None:
    found = over_seeds([0.5, 0.5])
    assert (found.low, found.high) == (0.5, 0.5)
