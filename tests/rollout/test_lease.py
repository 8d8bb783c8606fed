"""Who may move a canary on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pilotfish.rollout.gates import Look
from pilotfish.rollout.identity import Identity
from pilotfish.rollout.lease import Lease, Tenure, new_holder
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.rollout import Rollout
from pilotfish.rollout.states import History, Stage
from pilotfish.rollout.writer import Writer
from pilotfish.tracing.ledger import Ledger

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLAN = RolloutPlan(shadow_pairs=0, ramp=(0.1, 0.2, 0.3))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Advancing:
    """Every look says to go on."""

    def __init__(self, _plan: RolloutPlan) -> None:
        self.seen = 0

    def add(self, _observation: Observation) -> None:
        self.seen += 1

    def enter(self, _stage: str) -> None:
        self.seen = 0

    def look(self, _stage: str, *, hours: float) -> Look:
        del hours
        return Look(action="advance" if self.seen else "hold", reasons=("enough",))

    def evidence(self) -> dict[str, object]:
        return {}


def test_a_lease_runs_out_and_then_anybody_may_take_it() -> None:
    clock = Clock()
    one, other = (Tenure(holder=name, seconds=30, clock=clock) for name in ("one", "other"))
    lease = one.next(Lease())
    assert one.has(lease)
    assert not other.may_take(lease)
    clock.now += timedelta(seconds=31)
    assert not one.has(lease)
    assert other.may_take(lease)
    assert other.next(lease).term == 2


def test_no_two_holders_share_a_name() -> None:
    assert len({new_holder() for _ in range(100)}) == 100


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(ledger: Ledger, baseline: Identity, candidate: Identity, clock: Clock) -> list[Rollout]:
    """One canary held open by two processes."""
    started = Rollout.start(ledger, candidate=candidate, baseline=baseline, plan=PLAN, judge=Advancing)
    return [
        Rollout.open(
            Ledger(ledger.path), started.id, tenure=Tenure(holder=name, clock=clock), judge=Advancing
        )
        for name in ("one", "other")
    ]


def see(rollout: Rollout, unit: str) -> None:
    rollout.observe(Observation(arm="candidate", unit=unit, passed=True))


def test_only_the_holder_moves_a_canary_on_until_its_lease_is_over(pair: list[Rollout], clock: Clock) -> None:
    one, other = pair
    see(one, "a")
    assert str(one.stage) == "ramp 0.2"
    see(other, "b")
    assert str(other.stage) == "ramp 0.2"  # it is for the other process to do
    clock.now += timedelta(seconds=31)
    see(other, "c")
    assert str(other.stage) == "ramp 0.3"
    assert other.history.lease.holder == "other"


def test_a_holder_that_slept_through_a_takeover_cannot_write(
    pair: list[Rollout], ledger: Ledger, clock: Clock
) -> None:
    one, other = pair
    see(one, "a")
    asleep = History(one.id)
    asleep.fold(ledger.records(one.id, "rollout"))
    clock.now += timedelta(seconds=31)
    see(other, "b")
    wrote = Writer(ledger, Tenure(holder="one", clock=clock)).write(
        asleep, Stage(state="ramp", share=0.3), why="late", by="gates", evidence={}
    )
    assert wrote is None
    one.refresh()
    assert [step.why for step in one.history.transitions].count("late") == 0
    assert one.history.ignored == []


def test_the_takeover_alone_shuts_the_earlier_holder_out(
    pair: list[Rollout], ledger: Ledger, clock: Clock
) -> None:
    one, _ = pair
    see(one, "a")
    asleep = History(one.id)
    asleep.fold(ledger.records(one.id, "rollout"))
    clock.now += timedelta(seconds=31)
    taken = Tenure(holder="other", clock=clock).next(asleep.lease)
    ledger.append(one.id, "rollout", taken.body(follows=asleep.last), follows=asleep.last)
    writer = Writer(ledger, Tenure(holder="one", clock=clock))
    assert writer.write(asleep, Stage(state="ramp", share=0.3), why="late", by="gates", evidence={}) is None


def test_going_back_waits_for_no_lease(pair: list[Rollout]) -> None:
    one, other = pair
    see(one, "a")
    other.roll_back("seen by a person")
    assert one.assign("a") is None
    assert one.state == "rolled_back"
