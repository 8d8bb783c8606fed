"""Made-up traffic with known pass rates: what the gates are tried on in the simulation.

Requests come in two kinds of equal share, one easier and one harder than the mean. A worse candidate differs in its
verdicts by the same number of points in both; an answer that fails is escalated. Errors, cut-off and unparsable
answers, latencies and costs are the same for both arms.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from .observation import Arm, Observation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS = ("reasoning", "knowledge")
_ARMS: tuple[Arm, ...] = ("baseline", "candidate")
_LATENCIES = tuple(400 * math.exp(0.6 * z) for z in (-1.5, -0.9, -0.5, -0.2, 0.1, 0.4, 0.9, 1.8))
_COSTS = (0.001, 0.002, 0.003, 0.006)
_SHAPE = (2, 2, 2, 2, 2, 2, len(_LATENCIES), len(_COSTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Traffic of two arms."""

    baseline: float = 0.9
    """Pass rate of the baseline, mean of both kinds."""
    drop: float = 0.0
    """How much lower the candidate's pass rate is, in every kind."""
    correlation: float = 0.5
    """Between the two verdicts on one request, within a kind; lowered where the pass rates do not allow it."""
    spread: float = 0.05
    """How far the two kinds are from the mean; lowered near 0 and 1."""
    errors: float = 0.003
    truncated: float = 0.01
    parse_failed: float = 0.01
    tenants: tuple[float, ...] = ()
    """Pass rates of the tenants beside the mean; empty where every request is a unit of its own."""

    def with_tenants(self, rng: np.random.Generator, count: int, *, deviation: float) -> Population:
        """The same traffic from `count` tenants that are always in the same arm and differ in how hard they are."""
        return replace(self, tenants=tuple((deviation * rng.standard_normal(count)).tolist()))

    def requests(self, rng: np.random.Generator, count: int, *, share: float) -> list[Observation]:
        """Requests of the ramp, each answered by the candidate with a chance of `share`."""
        import numpy as np

        kind = rng.random(count) < 0.5
        rate = self._rates(kind)
        if self.tenants:
            tenant = rng.integers(len(self.tenants), size=count)
            arm = tenant < share * len(self.tenants)
            rate = np.clip(rate + np.array(self.tenants)[tenant], 0, 1)
        else:
            arm = rng.random(count) < share
        passed = rng.random(count) < rate - self.drop * arm
        return self._told(rng, arm, kind, passed, paired=False)

    def pairs(self, rng: np.random.Generator, count: int) -> list[tuple[Observation, Observation]]:
        """Requests of the shadow, each answered by both: (baseline, candidate)."""
        import numpy as np

        kind = rng.random(count) < 0.5
        rate = self._rates(kind)
        other = rate - self.drop
        both = rate * other + self.correlation * np.sqrt(rate * (1 - rate) * other * (1 - other))
        both = np.clip(both, np.maximum(rate + other - 1, 0), np.minimum(rate, other))
        passed = rng.random(count) < rate
        chance = np.where(passed, both / rate, (other - both) / np.maximum(1 - rate, 1e-12))
        again = rng.random(count) < chance
        nobody, everybody = np.zeros(count, bool), np.ones(count, bool)
        first = self._told(rng, nobody, kind, passed, paired=True)
        return list(zip(first, self._told(rng, everybody, kind, again, paired=True), strict=True))

    def _rates(self, kind: NDArray[np.bool_]) -> NDArray[np.float64]:
        import numpy as np

        spread = min(self.spread, (1 - self.baseline) / 2, (self.baseline - self.drop) / 2)
        return self.baseline + np.where(kind, spread, -spread)

    def _told(
        self,
        rng: np.random.Generator,
        arm: NDArray[np.bool_],
        kind: NDArray[np.bool_],
        passed: NDArray[np.bool_],
        *,
        paired: bool,
    ) -> list[Observation]:
        import numpy as np

        count = len(arm)
        error = rng.random(count) < self.errors
        traits = (
            arm,
            kind,
            passed & ~error,
            error,
            rng.random(count) < self.truncated,
            rng.random(count) < self.parse_failed,
            rng.integers(len(_LATENCIES), size=count),
            rng.integers(len(_COSTS), size=count),
        )
        table = _observations(paired)
        return [
            table[index]
            for index in np.ravel_multi_index(tuple(t.astype(int) for t in traits), _SHAPE).tolist()
        ]


@cache
def _observations(paired: bool) -> tuple[Observation, ...]:
    """Every observation there can be, made once: making them is what would take the time."""
    return tuple(
        Observation(
            arm=_ARMS[arm],
            unit="",
            passed=bool(passed),
            stratum=KINDS[kind],
            pair="this" if paired else "",
            error=bool(error),
            escalated=not passed,
            truncated=bool(truncated),
            parse_failed=bool(parse_failed),
            latency_ms=_LATENCIES[latency],
            cost_usd=_COSTS[cost],
        )
        for arm, kind, passed, error, truncated, parse_failed, latency, cost in itertools.product(
            *(range(size) for size in _SHAPE)
        )
    )
