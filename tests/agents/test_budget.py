from __future__ import annotations

import math

from pilotfish.agents.budget import Budget, Meter, Spend
from pilotfish.tracing.call import Call


def call(tokens: int = 10, usd: float = 0.5) -> Call:
    return Call(
        model_id="m",
        model_digest="d",
        prompt_name="p",
        prompt_version="1",
        input_tokens=tokens,
        output_tokens=tokens,
        cost_usd=usd,
        latency_ms=1.0,
        finish_reason="stop",
    )


def test_a_child_shows_its_own_spend_and_stops_with_its_parent() -> None:
    run = Meter(Budget(calls=2))
    one, other = run.child(), run.child()
    one.add(call())
    other.add(call())
    assert one.spend == Spend(calls=1, input_tokens=10, output_tokens=10, cost_usd=0.5)
    assert run.spend.calls == 2
    assert one.exceeded() == "the budget of 2 calls is used up (2)"


def test_calls_under_way_hold_their_place() -> None:
    run = Meter(Budget(calls=1))
    with run.child().calling():
        assert run.exceeded() is not None
    assert run.exceeded() is None


def test_every_limit_is_named() -> None:
    for budget, word in (
        (Budget(tokens=20), "tokens"),
        (Budget(usd=0.5), "dollars"),
        (Budget(seconds=0), "seconds"),
    ):
        meter = Meter(budget)
        meter.add(call())
        assert word in (meter.exceeded() or "")


def test_no_limit_is_no_limit() -> None:
    meter = Meter()
    meter.add(call())
    assert meter.exceeded() is None
    assert meter.seconds_left() == math.inf


def test_what_was_spent_before_counts() -> None:
    assert Meter(Budget(calls=3), spent=Spend(calls=3)).exceeded() is not None
