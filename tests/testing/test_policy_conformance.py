from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pilotfish.router.fixed import always_local
from pilotfish.testing.policy_conformance import check_policy


class Broken:
    def __init__(self, spoil) -> None:
        self._spoil = spoil

    def decide(self, subtasks, /):
        return self._spoil(always_local().decide(subtasks))


def test_a_policy_that_drops_a_decision_is_caught() -> None:
    with pytest.raises(AssertionError, match="decisions"):
        check_policy(Broken(lambda found: found[:-1]))


def test_a_policy_that_changes_its_mind_is_caught() -> None:
    ticks = itertools.count()
    with pytest.raises(AssertionError, match="second time"):
        check_policy(Broken(lambda found: [replace(d, reason=f"tick {next(ticks)}") for d in found]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_reasoning": 1.2}, "p_reasoning 1.2"),
        ({"confidence": -0.1}, "confidence -0.1"),
        ({"reason": " "}, "no reason"),
        ({"version": ""}, "version is missing"),
        ({"lane": "tool"}, "tool lane"),
    ],
)
def test_a_decision_that_breaks_a_promise_is_named(change, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_policy(Broken(lambda found: [replace(d, **change) for d in found]))


def test_something_without_decide_is_no_policy() -> None:
    with pytest.raises(AssertionError, match="no method decide"):
        check_policy(object())
