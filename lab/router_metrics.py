"""Figures of merit for a router's probabilities; reasoning (1) is the positive class, 0.5 the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence


def accuracy(
    probabilities: Sequence[float], labels: Sequence[int], weights: Sequence[float] | None = None
) -> float:
    """Weighted share of right decisions."""
    weights = weights or [1.0] * len(labels)
    right = (w for p, y, w in zip(probabilities, labels, weights, strict=True) if (p >= 0.5) == (y == 1))
    return math.fsum(right) / math.fsum(weights)


def balanced_accuracy(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    """Mean recall over the classes that occur: with one class only, its recall."""
    recalls: list[float] = []
    for kind in sorted(set(labels)):
        inside = [p for p, y in zip(probabilities, labels, strict=True) if y == kind]
        recalls.append(sum((p >= 0.5) == (kind == 1) for p in inside) / len(inside))
    return math.fsum(recalls) / len(recalls)


def f1(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    """F1 of the reasoning class."""
    pairs = list(zip((p >= 0.5 for p in probabilities), labels, strict=True))
    hits = sum(said and y == 1 for said, y in pairs)
    return 2 * hits / max(1, sum(said for said, _ in pairs) + sum(labels))


def calibration_error(
    probabilities: Sequence[float],
    labels: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    bins: int = 15,
) -> float:
    """Expected calibration error over equal-width bins (Guo et al. 2017, section 2)."""
    weights = weights or [1.0] * len(labels)
    mass, sure, right = [0.0] * bins, [0.0] * bins, [0.0] * bins
    for p, y, w in zip(probabilities, labels, weights, strict=True):
        index = min(int(p * bins), bins - 1)
        mass[index] += w
        sure[index] += w * p
        right[index] += w * y
    return math.fsum(abs(s - r) for s, r in zip(sure, right, strict=True)) / math.fsum(mass)
