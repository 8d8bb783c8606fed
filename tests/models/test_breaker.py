from __future__ import annotations

import pytest

from pilotfish.models.breaker import Breaker, Outcome
from pilotfish.models.resilience import RefusedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock) -> Breaker:
    return Breaker(what="'m'", failures=3, open_s=30.0, clock=clock)


def call(one: Breaker, outcome: Outcome) -> None:
    one.leave(one.enter(), outcome)


def test_it_opens_after_failures_in_a_row_and_says_when_it_asks_again() -> None:
    clock = Clock()
    one = breaker(clock)
    for outcome in ("bad", "bad", "good", "bad", "bad"):
        call(one, outcome)
    assert one.state == "closed"
    call(one, "bad")
    assert (one.state, one.openings) == ("open", 1)
    clock.now = 10.0
    with pytest.raises(RefusedError, match=r"'m' failed 3 times in a row; it is asked again in 20 s"):
        one.check()
    assert one.refused == 1


def test_one_probe_goes_through_and_its_word_decides() -> None:
    clock = Clock()
    one = breaker(clock)
    for _ in range(3):
        call(one, "bad")
    clock.now = 30.0
    probe = one.enter()
    with pytest.raises(RefusedError, match="one call is asking it again now"):
        one.enter()
    one.leave(probe, "bad")
    assert (one.state, one.openings) == ("open", 2)
    clock.now = 60.0
    call(one, "good")
    assert one.state == "closed"
    call(one, "bad")
    assert one.state == "closed"


def test_a_cancelled_probe_leaves_the_place_to_the_next() -> None:
    clock = Clock()
    one = breaker(clock)
    for _ in range(3):
        call(one, "bad")
    clock.now = 30.0
    call(one, "nothing")
    assert one.state == "half_open"
    call(one, "good")
    assert one.state == "closed"


def test_calls_begun_before_it_opened_change_nothing() -> None:
    one = breaker(Clock())
    early, late = one.enter(), one.enter()
    for _ in range(3):
        call(one, "bad")
    one.leave(early, "good")
    assert one.state == "open"
    one.leave(late, "bad")
    assert one.openings == 1


def test_a_probe_that_hangs_keeps_the_next_one_waiting_no_longer_than_the_breaker_does() -> None:
    clock = Clock()
    one = breaker(clock)
    for _ in range(3):
        call(one, "bad")
    clock.now = 30.0
    hanging = one.enter()
    clock.now = 59.0
    with pytest.raises(RefusedError, match="one call is asking it again now"):
        one.enter()
    clock.now = 60.0
    call(one, "good")
    assert one.state == "closed"
    one.leave(hanging, "bad")
    assert one.state == "closed", "what the first probe says in the end is one failure among others"
