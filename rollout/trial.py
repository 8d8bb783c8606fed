"""One simulated canary after another: made-up traffic through the gates that a live canary goes through.

Every trial is a plain function of traffic and seed, so that trials can be spread over processes and repeated alone.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .gates import Action, Gates
from .observation import Observation
from .plan import RolloutPlan
from .population import Population

if TYPE_CHECKING:
    import numpy as np

LOOK_EVERY = 50
RAMP_HORIZON, SHADOW_HORIZON = 20_000, 4_000
"""Requests and pairs after which a trial that only watches for a rollback ends."""
HARMLESS_HORIZON = 10_000
PER_HOUR = 200
"""Requests an hour in the whole lifecycle, which the time limits of the plan are measured in."""
_BATCH = 1_000
_NEVER = 10**9
_TENANTS, _DEVIATION = 200, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How one simulated canary ended."""

    ended: int | None
    """Requests (pairs in shadow) until the gates rolled it back; None where they did not."""
    action: Action = "hold"
    """The last word of the gates; `advance` from baking is a promotion."""
    requests: int = 0
    """Users' requests in all."""
    exposed: int = 0
    """Users' requests that the candidate answered."""
    stage: str = ""
    naive: int | None = None
    """Requests until a z-test looked at as often would have rolled it back."""


def ramp_trial(
    population: Population,
    rng: np.random.Generator,
    *,
    share: float = 0.1,
    horizon: int = RAMP_HORIZON,
    naive: bool = False,
) -> Trial:
    """A stage of the ramp that never ends well, looked at every 50 requests until the candidate is rolled back."""
    stage = f"ramp {share:.4g}"
    gates = Gates(RolloutPlan(ramp=(share,), min_requests=_NEVER, shadow_pairs=0))
    gates.enter(stage)
    z_test = _ZTest()
    ended = peeked = None
    requests = exposed = 0
    for observations in _stream(population, rng, share):
        if requests >= horizon or (ended and (peeked or not naive)):
            break
        for observation in observations:
            gates.add(observation)
        exposed += sum(observation.arm == "candidate" for observation in observations)
        if naive:
            z_test.add(observations)
        requests += LOOK_EVERY
        if ended is None and gates.look(stage, hours=0.0).action == "roll_back":
            ended = requests
        if naive and peeked is None and z_test.worse:
            peeked = requests
    return Trial(ended=ended, requests=requests, exposed=exposed, stage=stage, naive=peeked)


def tenants_trial(population: Population, rng: np.random.Generator) -> Trial:
    """A harmless candidate on traffic of 200 tenants whose pass rates differ by 5 points (standard deviation)."""
    traffic = population.with_tenants(rng, _TENANTS, deviation=_DEVIATION)
    return ramp_trial(traffic, rng, horizon=HARMLESS_HORIZON)


def shadow_trial(population: Population, rng: np.random.Generator) -> Trial:
    """Shadow without an end, looked at after every pair until the candidate is rolled back."""
    gates = Gates(RolloutPlan(shadow_pairs=_NEVER, shadow_cap=_NEVER))
    gates.enter("shadow")
    pairs = 0
    while pairs < SHADOW_HORIZON:
        for pair in population.pairs(rng, LOOK_EVERY):
            for observation in pair:
                gates.add(observation)
            pairs += 1
            if gates.look("shadow", hours=0.0).action == "roll_back":
                return Trial(ended=pairs, action="roll_back", stage="shadow")
    return Trial(ended=None, stage="shadow")


def whole_trial(
    population: Population, rng: np.random.Generator, *, plan: RolloutPlan | None = None
) -> Trial:
    """A canary from shadow over the ramp to baking, until it is promoted, rolled back or out of time."""
    plan = plan or RolloutPlan()
    gates = Gates(plan)
    stages = [("shadow", 0.0)] if plan.shadow_pairs else []
    stages += [(f"ramp {share:.4g}", share) for share in plan.ramp]
    stages += [("baking", plan.ramp[-1])] if plan.bake_requests else []
    requests = exposed = 0
    action: Action = "hold"
    stage = ""
    for stage, share in stages:
        action, took, tried = _stage(gates, stage, population, rng, share=share, plan=plan)
        requests += took
        exposed += tried
        if action != "advance":
            break
    ended = requests if action == "roll_back" else None
    return Trial(ended=ended, action=action, requests=requests, exposed=exposed, stage=stage)


def _stage(
    gates: Gates,
    stage: str,
    population: Population,
    rng: np.random.Generator,
    *,
    share: float,
    plan: RolloutPlan,
) -> tuple[Action, int, int]:
    """One stage: how it ended, its requests, and how many of them the candidate answered."""
    gates.enter(stage)  # as the live canary does when it gets there: whatever comes from now on counts
    requests = exposed = 0
    stream = _stream(population, rng, share) if share else _pairs(population, rng)
    while True:
        if share or requests < plan.shadow_cap:
            observations = next(stream)
            for observation in observations:
                gates.add(observation)
            exposed += bool(share) * sum(observation.arm == "candidate" for observation in observations)
            requests += LOOK_EVERY if share else 1
        else:
            requests += LOOK_EVERY  # the cap is reached: time goes by, and nobody is compared
        look = gates.look(stage, hours=requests / PER_HOUR)
        if look.action != "hold":
            return look.action, requests, exposed


def _pairs(population: Population, rng: np.random.Generator) -> Generator[Sequence[Observation]]:
    """Pairs of the shadow without end."""
    while True:
        yield from population.pairs(rng, LOOK_EVERY)


def _stream(
    population: Population, rng: np.random.Generator, share: float
) -> Generator[Sequence[Observation]]:
    """Requests of the ramp without end, from one look to the next."""
    while True:
        batch = population.requests(rng, _BATCH, share=share)
        for first in range(0, _BATCH, LOOK_EVERY):
            yield batch[first : first + LOOK_EVERY]


def guard_trial(rng: np.random.Generator, *, rate: float, plan: RolloutPlan | None = None) -> Trial:
    """Calls of a candidate that errs at `rate` until the guard alone rolls it back."""
    population = Population(errors=rate)
    gates = Gates(plan or RolloutPlan())
    gates.enter("ramp 0.01")
    number = 0
    while number < HARMLESS_HORIZON:
        for observation in population.requests(rng, 8, share=1.0):
            gates.add(observation)
            number += 1
            if gates.look("ramp 0.01", hours=0.0).action == "roll_back":
                return Trial(ended=number, action="roll_back")
    return Trial(ended=None)


class _ZTest:
    """What not to do: a one-sided two-proportion z-test at the 5 % level, looked at again and again."""

    def __init__(self) -> None:
        self._counts = {"candidate": [0, 0], "baseline": [0, 0]}

    def add(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            self._counts[observation.arm][bool(observation.passed)] += 1

    @property
    def worse(self) -> bool:
        (failed, passed), (base_failed, base_passed) = self._counts["candidate"], self._counts["baseline"]
        own, other = failed + passed, base_failed + base_passed
        if not own or not other:
            return False
        pooled = (passed + base_passed) / (own + other)
        error = math.sqrt(pooled * (1 - pooled) * (1 / own + 1 / other))
        return bool(error) and base_passed / other - passed / own > 1.645 * error
