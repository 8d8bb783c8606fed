"""Intervals of 95 %: over the seeds of an experiment by Student's t, over the prompts of one run by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .. import UsageError

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
    """Mean of the runs and its t interval; at least two runs are needed."""
    try:
        from scipy.stats import t
    except ImportError as error:
        raise UsageError(
            "intervals over seeds need scipy; install it with: pip install 'pilotfish[lab]'"
        ) from error
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * spread
    return Interval(mean=mean, low=mean - half, high=mean + half, over="seeds")
