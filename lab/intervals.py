"""Intervals of 95 % over the seeds of an experiment, by Student's t. Those over prompts are the bootstrap's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and where it may lie."""

    mean: float
    low: float
    high: float
    over: Literal["seeds", "prompts"]
    """What the interval is over: other divisions of the same table, or other prompts from where these came from."""


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean of the runs and its t interval; at least two runs are needed.

    Runs on divisions of one table share most of their rows, so it says how far another division might be off, not
    another table.
    """
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = student_quantile(0.5 + CONFIDENCE / 2, len(values) - 1) * spread
    return Interval(mean=mean, low=mean - half, high=mean + half, over="seeds")


@cache
def student_quantile(probability: float, freedom: int) -> float:
    """The `probability` quantile, 0.5 to 1, of Student's t with `freedom` degrees of freedom, to six digits.

    Under t = sqrt(freedom) tan(angle) its density becomes a power of the cosine, which is summed and inverted.
    """
    angles = np.linspace(0.0, math.pi / 2, 200_001)
    heights = np.cos(angles) ** (freedom - 1)
    areas = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2)])
    angle = float(np.interp((2 * probability - 1) * areas[-1], areas, angles))
    return math.sqrt(freedom) * math.tan(angle)
