"""Votes of the nearest labelled vectors: who they are, how much each counts, and what they say together.

Weights fall off with similarity as in an attention head; estimates are drawn towards the mean of all the less, the
more neighbours really have a say. numpy only, imported by nothing at `import pilotfish`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_CALIBRATED = 3000
"""Rows that are left out in turn to calibrate on; more change nothing and take a square of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voting:
    """How neighbours are counted."""

    k: int = 16
    temperature: float = 0.05
    """A neighbour that is this much less similar than the nearest counts 1/e of it."""
    shrinkage: float = 1.0
    """How many neighbours' worth of votes the mean over all exemplars has."""

    def weights(self, similarities: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The `k` nearest by similarity, nearest first, along the last axis, and their weights, which sum to 1."""
        k = min(self.k, similarities.shape[-1])
        nearest = nearest_of(similarities, k)
        found = np.take_along_axis(similarities, nearest, axis=-1)
        raised = np.exp((found - found[..., :1]) / self.temperature)
        return nearest, raised / raised.sum(axis=-1, keepdims=True)

    def estimate(self, weights: Floats, values: Floats, mean: float) -> Floats:
        """The neighbours' weighted mean, drawn towards `mean` by their effective number 1 / sum(weights²)."""
        effective = 1.0 / (weights**2).sum(axis=-1)
        own = effective / (effective + self.shrinkage)
        return own * (weights * values).sum(axis=-1) + (1.0 - own) * mean


def nearest_of(similarities: Floats, k: int) -> NDArray[np.intp]:
    """Indices of the `k` highest along the last axis, highest first, the first of equals first."""
    some = np.argpartition(-similarities, k - 1, axis=-1)[..., :k]
    some.sort(axis=-1)
    order = np.argsort(-np.take_along_axis(similarities, some, axis=-1), axis=-1, kind="stable")
    return np.take_along_axis(some, order, axis=-1)


def similarities(vectors: NDArray[np.float32], vector: NDArray[np.float32]) -> Floats:
    """Cosines of unit vectors, one vector at a time, so that a decision does not hang on what is decided beside it."""
    return (vectors @ np.ascontiguousarray(vector)).astype(np.float64).round(6)


def held_out_estimates(vectors: Floats, values: Floats, votings: Sequence[Voting]) -> list[Floats]:
    """For each voting, what the others say of every row: estimates with each row left out in turn, shape (n,)."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2.0)
    widest = min(max(voting.k for voting in votings), len(values) - 1)
    nearest = nearest_of(cosines, widest)
    near = np.take_along_axis(cosines, nearest, axis=1)
    means = (values.sum() - values) / max(1, len(values) - 1)
    found: list[Floats] = []
    for voting in votings:
        order, weights = voting.weights(near)
        said = np.take_along_axis(values[nearest], order, axis=1)
        effective = 1.0 / (weights**2).sum(axis=1)
        own = effective / (effective + voting.shrinkage)
        found.append(own * (weights * said).sum(axis=1) + (1.0 - own) * means)
    return found


def calibration(vectors: Floats, truths: Floats, voting: Voting) -> tuple[float, float]:
    """Slope and shift for the log-odds of votes (Platt 1999), from estimates with each row left out in turn.

    `truths` are 0 or 1. Few rows move little from slope 1 and shift 0: a normal prior of width 1 holds them.
    """
    if len(truths) > _MOST_CALIBRATED:
        chosen = np.random.default_rng(0).permutation(len(truths))[:_MOST_CALIBRATED]
        vectors, truths = vectors[chosen], truths[chosen]
    [estimates] = held_out_estimates(vectors, truths, [voting])
    features = np.stack([log_odds(estimates), np.ones(len(truths))], axis=1)
    start = np.array([1.0, 0.0])
    found = start.copy()
    for _ in range(50):
        p = sigmoid(features @ found)
        gradient = features.T @ (p - truths) + (found - start)
        curvature = (features * (p * (1.0 - p))[:, None]).T @ features + np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < 1e-9:
            break
    return max(0.0, float(found[0])), float(found[1])


def log_odds(p: Floats) -> Floats:
    """The inverse of `sigmoid`, finite at both ends."""
    p = np.clip(p, 1e-4, 1.0 - 1e-4)
    return np.log(p / (1.0 - p))


def sigmoid(x: Floats) -> Floats:
    """The logistic function, safe at both ends."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
