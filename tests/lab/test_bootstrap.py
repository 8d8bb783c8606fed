from __future__ import annotations

import math

import numpy as np
import pytest

from pilotfish.lab.bootstrap import apgr_of_means, curve_values, interval_of, means_of, resampled_counts
from pilotfish.lab.routellm_metrics import apgr, curve


def test_every_resample_draws_as_many_prompts_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilotfish.lab.bootstrap._CHUNK", 100)
    pieces = list(resampled_counts(30, resamples=11, seed=0))
    assert len(pieces) > 1
    counts = np.concatenate(pieces)
    assert counts.shape == (11, 30)
    assert (counts.sum(axis=1) == 30).all()


def test_the_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    values = (np.random.default_rng(0).random(2000) < 0.3).astype(float)
    low, high = interval_of(means_of(values[:, None], resamples=2000)[:, 0])
    half = 1.96 * values.std() / math.sqrt(2000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    samples = (rng.random((150, 200)) < 0.4).astype(float)
    ends = [
        interval_of(means_of(sample[:, None], resamples=200, seed=k)[:, 0])
        for k, sample in enumerate(samples)
    ]
    assert np.mean([low <= 0.4 <= high for low, high in ends]) > 0.88


def test_columns_share_their_resamples_so_that_a_constant_difference_is_certain() -> None:
    values = np.random.default_rng(2).random(300)
    means = means_of(np.stack([values, values + 0.1], axis=1), resamples=50, seed=3)
    assert np.ptp(means[:, 1] - means[:, 0]) < 1e-12
    assert np.ptp(means[:, 0]) > 0.001
    assert means_of(values[:, None], resamples=50, seed=3)[:, 0] == pytest.approx(means[:, 0])


def test_the_means_of_the_whole_sample_give_its_own_apgr() -> None:
    rng = np.random.default_rng(4)
    score, small, large = rng.normal(size=500), rng.random(500) * 0.5, rng.random(500)
    columns = curve_values(score, small, large)
    assert apgr_of_means(columns.mean(axis=0)[None, :])[0] == pytest.approx(apgr(curve(score, small, large)))
    low, high = interval_of(apgr_of_means(means_of(columns, resamples=300)))
    assert low < apgr(curve(score, small, large)) < high


def test_without_a_gap_there_is_no_interval() -> None:
    columns = curve_values(np.arange(50.0), np.ones(50), np.zeros(50))
    assert all(map(math.isnan, interval_of(apgr_of_means(means_of(columns, resamples=20)))))
