from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.lab.paired import bootstrap_means, holm, paired_difference, sign_flip_p


def test_a_difference_is_found_and_sized() -> None:
    values = np.array([1.0] * 60 + [0.0] * 400 + [-1.0] * 20)
    found = paired_difference(values)
    assert found.mean == pytest.approx(40 / 480)
    assert 0.04 < found.low < found.mean < found.high < 0.13
    assert found.certain
    assert found.p_better > 0.99
    assert found.rows_needed is not None
    assert found.rows_needed < 480


def test_few_differing_prompts_are_not_certain_though_a_bootstrap_would_be() -> None:
    found = paired_difference(np.array([1.0] * 5 + [0.0] * 995))
    assert found.low > 0
    assert found.p_value == pytest.approx(2 / 2**5, abs=0.01)
    assert not found.certain


def test_nothing_differs() -> None:
    found = paired_difference(np.zeros(50))
    assert (found.mean, found.low, found.high, found.p_better, found.p_value) == (0, 0, 0, 0.5, 1)
    assert found.rows_needed is None


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        paired_difference(np.array([]))


def test_rows_needed_grow_as_the_square_of_the_difference() -> None:
    small = paired_difference(np.array([1.0] * 51 + [-1.0] * 49)).rows_needed
    large = paired_difference(np.array([1.0] * 60 + [-1.0] * 40)).rows_needed
    assert small is not None
    assert large is not None
    assert small / large == pytest.approx((0.2 / 0.02) ** 2, rel=0.05)


def test_bootstrap_means_spread_as_the_standard_error() -> None:
    values = np.random.default_rng(0).normal(1.0, 2.0, 400)
    means = bootstrap_means(values, resamples=4000, seed=1)
    assert means.shape == (4000,)
    assert means.std() == pytest.approx(values.std() / 20, rel=0.06)


def test_the_test_by_flips_agrees_with_the_normal_one_beyond_a_thousand() -> None:
    rng = np.random.default_rng(2)
    values = rng.choice([-1.0, 1.0], size=1000, p=[0.47, 0.53])
    assert sign_flip_p(values) == pytest.approx(sign_flip_p(np.append(values, [1e-9])), abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert [adjusted[index] for index in order] == sorted(adjusted)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
