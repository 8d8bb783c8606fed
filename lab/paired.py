"""Paired differences between two ways of answering the same prompts: size, interval, test, and how many prompts would
settle them. The interval is a percentile bootstrap over prompts; the test flips signs, which stays honest where only
a few prompts differ and a bootstrap would be too sure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .table import Floats

ALPHA = 0.05
"""A difference is called certain where its test's probability is at most this."""
FLIPS = 20_000
"""Random sign patterns of the test."""
_BY_FLIPPING = 1000
"""Prompts that differ, up to which the test is simulated; the sum is normal well before."""
_FOUR_IN_FIVE = (1.959964 + 0.841621) ** 2
"""Squared deviations at which a two-sided test at 5 % finds a difference four times in five."""
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean of per-prompt differences, and how sure it is."""

    n: int
    mean: float
    low: float
    """Lower end of the 95 % bootstrap interval over prompts."""
    high: float
    p_better: float
    """Share of bootstrap samples in which the mean is above zero, samples at zero counted half."""
    p_value: float
    """Two-sided, by flipping the signs of the per-prompt differences."""
    rows_needed: int | None
    """Prompts in all at which a difference of this size would be found four times in five; None where none is seen."""

    @property
    def certain(self) -> bool:
        """Whether the data tell the two apart: test and interval agree that the difference is not zero."""
        return self.p_value <= ALPHA and (self.low > 0 or self.high < 0)


def paired_difference(values: Floats, *, resamples: int = 2000, seed: int = 0) -> Difference:
    """The difference whose per-prompt values are given, shape (n,)."""
    if not len(values):
        raise ValueError("no values to compare")
    means = bootstrap_means(values, resamples=resamples, seed=seed)
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(
        n=len(values),
        mean=float(values.mean()),
        low=float(low),
        high=float(high),
        p_better=share_above_zero(means),
        p_value=sign_flip_p(values, seed=seed),
        rows_needed=_rows_needed(values),
    )


def bootstrap_means(values: Floats, *, resamples: int, seed: int) -> Floats:
    """Means of `resamples` samples drawn from the values with replacement, shape (resamples,)."""
    rng = np.random.default_rng(seed)
    distinct, counts = np.unique(values, return_counts=True)
    n, step = len(values), max(1, _CHUNK // len(distinct))
    parts = [
        rng.multinomial(n, counts / n, size=min(step, resamples - done)) @ distinct / n
        for done in range(0, resamples, step)
    ]
    return np.concatenate(parts)


def share_above_zero(values: Floats) -> float:
    """Share of the values above zero, those at zero counted half."""
    return float((values > 0).mean() + 0.5 * (values == 0).mean())


def sign_flip_p(values: Floats, *, seed: int = 0) -> float:
    """Two-sided probability of a sum at least this far from zero if every difference's sign were a coin's toss."""
    values = values[values != 0]
    if not len(values):
        return 1.0
    total = abs(float(values.sum()))
    if len(values) > _BY_FLIPPING:
        return math.erfc(total / math.sqrt(2.0 * float((values**2).sum())))
    sizes, counts = np.unique(np.abs(values), return_counts=True)
    tosses = np.random.default_rng(seed).binomial(counts, 0.5, size=(FLIPS, len(sizes)))
    sums = np.abs((2 * tosses - counts) @ sizes)
    return (1 + int((sums >= total - 1e-9).sum())) / (1 + FLIPS)


def holm(p_values: Sequence[float]) -> list[float]:
    """Probabilities adjusted for having asked them all (Holm 1979): calling those at most 5 % certain makes even one
    false claim in at most 5 % of data sets, however the questions overlap."""
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _rows_needed(values: Floats) -> int | None:
    mean = float(values.mean())
    if mean == 0:
        return None
    return math.ceil(_FOUR_IN_FIVE * float(values.var()) / mean**2)
