"""How bad one observation is, metric by metric, between 0 and 1: what the arms are compared on.

Percentiles and the cost per accepted answer become scores by yardsticks taken from the baseline's past: whether a
request was slower than the baseline's median and 95th percentile so far, and what it cost beside what the baseline
pays for an accepted answer. Whatever the yardsticks are, two equal arms score alike.
"""

from __future__ import annotations

from typing import NamedTuple

from .observation import Observation

SLACK = 1.1
"""Latency and cost count as worse beyond a tenth more than the baseline's; rates have no slack."""
TESTS: tuple[tuple[str, str], ...] = (
    ("pass rate", "passed"),
    ("escalation", "escalated"),
    ("truncation", "truncated"),
    ("parse failures", "parse_failed"),
    ("median latency", "latency_ms"),
    ("95th percentile of latency", "latency_ms"),
    ("cost per accepted answer", "cost_usd"),
)
"""What is tested, and the metric of the plan that it belongs to."""
Scores = tuple[float | None, float, float, float, float, float, float]
"""One score per test; None where nothing could judge the answer."""
_DEAREST = 3
"""A request's cost counts up to this many times what the baseline pays for an accepted answer."""
_STEPS = 16
"""Costs are told apart in this many steps, so that differences take few values."""


class Yardsticks(NamedTuple):
    """What the baseline's past says is usual."""

    median: float
    tail: float
    accepted_cost: float


class Usual:
    """The baseline's percentiles and cost so far, in one stratum: constant memory, a few operations a request."""

    def __init__(self) -> None:
        self._median = self._tail = 0.0
        self._count = 0
        self._cost = 0.0
        self._accepted = 0

    @property
    def now(self) -> Yardsticks:
        """What is usual, from what was seen so far."""
        return Yardsticks(self._median, self._tail, self._cost / max(self._accepted, 1))

    def add(self, observation: Observation) -> None:
        """Take in one observation of the baseline."""
        self._count += 1
        self._cost += observation.cost_usd
        if not observation.error and observation.passed is not False:
            self._accepted += 1
        latency = observation.latency_ms
        if not self._median:  # a call that was refused took no time, and steps from 0 would lead nowhere
            self._median = self._tail = latency
            return
        # Stochastic approximation of a quantile: a step up or down by how often it should be exceeded.
        step = 1 / self._count if self._count < 50 else 0.02
        self._median *= 1 + step * ((latency > self._median) - 0.5)
        self._tail *= 1 + step * ((latency > self._tail) - 0.05)


def scores(observation: Observation, usual: Yardsticks, *, slack: float) -> Scores:
    """How bad an observation is, one number per test; latency and cost are divided by `slack` first."""
    failed = observation.error or observation.passed is False
    latency = observation.latency_ms / slack
    return (
        None if observation.passed is None and not failed else float(failed),
        float(observation.escalated),
        float(observation.truncated),
        float(observation.parse_failed),
        float(latency > usual.median),
        float(latency > usual.tail),
        _cost_score(observation, usual.accepted_cost, slack),
    )


def _cost_score(observation: Observation, usual: float, slack: float) -> float:
    """Cost less what the accepted answers would have cost the baseline, from the best (0) to the worst (1)."""
    cost = observation.cost_usd / slack
    if usual <= 0:
        return float(cost > 0)
    lost = 0.0 if _accepted(observation) else usual
    return round(_STEPS * (min(cost, _DEAREST * usual) + lost) / ((_DEAREST + 1) * usual)) / _STEPS


def _accepted(observation: Observation) -> bool:
    return not observation.error and observation.passed is not False
