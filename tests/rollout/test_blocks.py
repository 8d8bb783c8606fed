from __future__ import annotations

import random
from typing import Any

import pytest

from pilotfish.rollout.blocks import Comparisons
from pilotfish.rollout.observation import Observation


def one(arm: Any, passed: bool | None = True, **more: Any) -> Observation:
    return Observation(arm=arm, unit="u", passed=passed, **more)


def compared(share: float, count: int, *, seed: int = 1) -> list[float]:
    """Pass-rate differences of two equal arms at a share."""
    rng = random.Random(seed)
    comparisons = Comparisons()
    found: list[float] = []
    for _ in range(count):
        arm = "candidate" if rng.random() < share else "baseline"
        gains = comparisons.add(one(arm, rng.random() < 0.5))
        if gains is not None and gains[0] is not None:
            found.append(gains[0])
    return found


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_hardly_an_answer_of_the_scarcer_arm_is_wasted(share: float) -> None:
    count = 20_000
    assert len(compared(share, count)) >= 0.9 * min(share, 1 - share) * count - 20


@pytest.mark.parametrize(("share", "most"), [(0.05, 1.12), (0.1, 1.2), (0.5, 2.1)])
def test_more_baseline_answers_make_a_sharper_comparison(share: float, most: float) -> None:
    found = compared(share, 40_000)
    mean = sum(found) / len(found)
    variance = sum((gain - mean) ** 2 for gain in found) / len(found)
    assert 1.0 <= variance / 0.25 <= most
    assert abs(mean) < 4 * (variance / len(found)) ** 0.5


def test_kinds_never_meet() -> None:
    comparisons = Comparisons()
    for _ in range(50):
        assert comparisons.add(one("baseline", stratum="easy")) is None
        assert comparisons.add(one("candidate", stratum="hard")) is None


def test_a_share_that_rises_is_followed() -> None:
    comparisons = Comparisons()
    rng = random.Random(2)
    met = [0, 0]
    for stage, share in enumerate((0.01, 0.5)):
        for _ in range(4_000):
            arm = "candidate" if rng.random() < share else "baseline"
            met[stage] += comparisons.add(one(arm)) is not None
    assert met[1] >= 1_800


def test_the_candidate_alone_fills_no_memory() -> None:
    comparisons = Comparisons()
    for number in range(10_000):
        comparisons.add(one("candidate"))
        comparisons.add(one("candidate", pair=f"half {number}"))
    met = sum(comparisons.add(one("baseline")) is not None for _ in range(1_000))
    assert met <= 64


def test_an_unjudged_answer_is_compared_in_all_but_its_verdict() -> None:
    comparisons = Comparisons()
    comparisons.add(one("baseline", None))
    gains = comparisons.add(one("candidate", None, truncated=True))
    assert gains is not None
    assert (gains[0], gains[2]) == (None, -1.0)
    assert comparisons.pairs == 0


def test_a_pair_that_one_arm_was_not_judged_in_is_no_pair() -> None:
    comparisons = Comparisons()
    comparisons.add(one("baseline", True, pair="p"))
    gains = comparisons.add(one("candidate", None, pair="p", escalated=True))
    assert gains is not None
    assert (gains[0], gains[1]) == (None, -1.0)
    assert comparisons.pairs == 0
