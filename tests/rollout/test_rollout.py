"""One canary on a ledger: who is in which arm, what is counted, and what other processes make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.rollout.identity import Identity
from pilotfish.rollout.lease import Tenure
from pilotfish.rollout.observation import Arm, Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.report import always_valid
from pilotfish.rollout.rollout import Rollout, Rollouts, active
from pilotfish.rollout.states import IllegalTransition, Stage
from pilotfish.tracing.ledger import Ledger, Superseded

QUICK = RolloutPlan(ramp=(0.2, 0.6), shadow_pairs=3, min_requests=3, bake_requests=3, margin=0.9)
UNITS = [f"unit {number}" for number in range(400)]
Start = Callable[..., Rollout]


@pytest.fixture
def start(ledger: Ledger, baseline: Identity, candidate: Identity) -> Start:
    def begin(plan: RolloutPlan = QUICK, **options: Any) -> Rollout:
        return Rollout.start(ledger, candidate=candidate, baseline=baseline, plan=plan, **options)

    return begin


def elsewhere(rollout: Rollout, ledger: Ledger, **options: Any) -> Rollout:
    """The same canary in another process."""
    return Rollout.open(Ledger(ledger.path), rollout.id, **options)


def see(rollout: Rollout, arm: Arm, unit: str, *, passed: bool = True, **more: Any) -> None:
    rollout.observe(Observation(arm=arm, unit=unit, passed=passed, **more))


def pair(rollout: Rollout, unit: str, *, passed: bool = True) -> None:
    see(rollout, "baseline", unit, pair=unit)
    see(rollout, "candidate", unit, pair=unit, passed=passed)


def go_to(rollout: Rollout, stage: str) -> None:
    """Let requests go well until the stage is reached."""
    for unit in UNITS:
        if str(rollout.stage) == stage:
            return
        if rollout.state == "shadow":
            pair(rollout, unit)
        else:
            see(rollout, "baseline", unit)
            see(rollout, "candidate", unit)
    raise AssertionError(f"{rollout} never got to {stage}")


def in_candidate(rollout: Rollout) -> set[str]:
    return {unit for unit in UNITS if rollout.assign(unit) == "candidate"}


def test_in_shadow_everybody_gets_the_baseline_and_the_candidate_is_asked_too(start: Start) -> None:
    rollout = start()
    assert rollout.state == "shadow"
    assert rollout.assign("anybody") == "baseline"
    assert rollout.shadows("anybody")


def test_raising_the_share_moves_nobody_out_and_a_restart_changes_nobodys_arm(
    start: Start, ledger: Ledger
) -> None:
    rollout = start()
    go_to(rollout, "ramp 0.2")
    low = in_candidate(rollout)
    assert low == in_candidate(elsewhere(rollout, ledger))
    go_to(rollout, "ramp 0.6")
    high = in_candidate(rollout)
    assert low < high
    assert 0.1 < len(low) / len(UNITS) < 0.3
    assert 0.5 < len(high) / len(UNITS) < 0.7
    assert high == in_candidate(elsewhere(rollout, ledger))


def test_who_is_not_in_scope_takes_no_part(start: Start) -> None:
    rollout = start(QUICK.model_copy(update={"workflows": ("shipping",), "tenants": ("kind tenant",)}))
    whose = {"workflow": "shipping", "tenant": "kind tenant"}
    assert rollout.assign("unit", **whose) == "baseline"
    assert rollout.assign("unit", workflow="shipping", tenant="another") is None
    assert rollout.assign("unit") is None
    assert not rollout.shadows("unit", workflow="another", tenant="kind tenant")


def test_a_promoted_candidate_is_everybodys(start: Start) -> None:
    rollout = start()
    go_to(rollout, "promoted")
    assert in_candidate(rollout) == set(UNITS)
    assert "make it your setting" in rollout.report()["next"]


def test_a_bad_candidate_is_rolled_back_with_evidence_and_nobody_gets_it(start: Start) -> None:
    rollout = start()
    for unit in UNITS:
        pair(rollout, unit, passed=False)
    assert rollout.state == "rolled_back"
    last = rollout.history.transitions[-1]
    assert last.by == "gates"
    assert last.evidence["tests"][0]["comparisons"] > 0
    assert {rollout.assign(unit) for unit in UNITS} == {None}


def test_a_rollback_elsewhere_holds_from_the_next_request_on(start: Start, ledger: Ledger) -> None:
    rollout = start()
    go_to(rollout, "ramp 0.6")
    unit = sorted(in_candidate(rollout))[0]
    elsewhere(rollout, ledger).roll_back("a complaint")
    assert rollout.assign(unit) is None
    assert active(ledger) == []


def test_a_stale_process_cannot_undo_a_rollback_even_past_the_api(start: Start, ledger: Ledger) -> None:
    rollout = start()
    go_to(rollout, "ramp 0.2")
    stale = ledger.records(rollout.id, "rollout")[-1]
    rollout.roll_back("seen")
    promoted = {**stale.body, "state": "promoted", "share": 1.0, "follows": stale.seq, "term": 99}
    with pytest.raises(Superseded):
        ledger.append(rollout.id, "rollout", promoted, follows=stale.seq)
    last = ledger.append(rollout.id, "rollout", promoted)  # injected without the comparison
    ledger.append(rollout.id, "rollout", {**promoted, "follows": last})  # and with the right number
    for each in (rollout, elsewhere(rollout, ledger)):
        assert each.assign(UNITS[0]) is None
        assert each.state == "rolled_back"
        report = each.report()
        assert [ignored["stage"] for ignored in report["ignored"]] == ["promoted", "promoted"]
    with pytest.raises(IllegalTransition, match="final"):
        rollout.resume()
    with pytest.raises(IllegalTransition, match="final"):
        rollout.promote(anyway=True)


def test_a_pause_gives_everybody_the_baseline_and_resuming_goes_on_where_it_was(
    start: Start, ledger: Ledger
) -> None:
    rollout = start()
    go_to(rollout, "ramp 0.6")
    before = in_candidate(rollout)
    see(rollout, "candidate", "one", escalated=True)
    other = elsewhere(rollout, ledger)
    other.pause("holiday")
    assert {rollout.assign(unit) for unit in UNITS} == {"baseline"}
    see(rollout, "candidate", "late")  # of a request that was under way; it counts for nothing
    rollout.resume()
    assert (str(other.stage), str(rollout.stage)) == ("paused", "ramp 0.6")
    assert in_candidate(other) == before
    see(rollout, "candidate", "two")
    assert rollout.look().reasons[0].endswith("(so far 2)")


def test_only_what_is_paused_resumes(start: Start) -> None:
    with pytest.raises(IllegalTransition, match=r"'shadow'.*it can go to 'ramp 20 %'"):
        start().resume()


def test_promoting_by_hand_waits_for_the_gates_unless_told_otherwise(start: Start) -> None:
    rollout = start()
    with pytest.raises(IllegalTransition, match="'shadow' and cannot go 'promoted'"):
        rollout.promote(anyway=True)
    go_to(rollout, "ramp 0.2")
    with pytest.raises(UsageError, match="--anyway"):
        rollout.promote()
    rollout.promote("it is fine", anyway=True)
    last = rollout.history.transitions[-1]
    assert (last.stage.state, last.by, last.why) == ("promoted", "user", "it is fine")
    assert last.evidence["reasons"]


def test_a_stage_that_is_over_is_not_the_whole_way(start: Start, ledger: Ledger) -> None:
    """Another process has the lease, so the next share is due and not taken: no reason to skip the rest by hand."""
    rollout = start(QUICK.model_copy(update={"ramp": (0.1, 0.2, 0.6)}))
    go_to(rollout, "ramp 0.2")
    other = elsewhere(rollout, ledger)
    for unit in UNITS[50:53]:
        see(other, "baseline", unit)
        see(other, "candidate", unit)
    assert (str(other.stage), other.look().action) == ("ramp 0.2", "advance")
    with pytest.raises(UsageError, match="ramp 60 % comes next"):
        other.promote()
    assert str(other.stage) == "ramp 0.2"


def test_shadow_calls_are_capped_over_all_processes(start: Start, ledger: Ledger) -> None:
    plan = QUICK.model_copy(update={"shadow_pairs": 20, "shadow_cap": 20})
    rollout = start(plan)
    for unit in UNITS[:5]:
        assert rollout.shadows(unit, pair=unit)
        pair(rollout, unit)
    other = elsewhere(rollout, ledger)
    asked = [unit for unit in UNITS[5:] if other.shadows(unit, pair=unit)]
    assert len(asked) == 15
    assert other.shadows(asked[0], pair=asked[0])  # the same request, made again
    assert not other.shadows("one more")
    other.forgo(asked[0])
    assert other.shadows("one more", pair="one more")
    assert not other.shadows(asked[0], pair=asked[0])


def test_the_shadow_share_is_of_the_units(start: Start) -> None:
    rollout = start(QUICK.model_copy(update={"shadow_share": 0.25}))
    shadowed = {unit for unit in UNITS if rollout.shadows(unit, pair=unit)}
    assert 0.15 < len(shadowed) / len(UNITS) < 0.35
    assert shadowed == {unit for unit in UNITS if rollout.shadows(unit, pair=unit)}


def test_an_observation_said_twice_is_counted_once_by_every_process(start: Start, ledger: Ledger) -> None:
    rollout = start()
    other = elsewhere(rollout, ledger)
    for each in (rollout, other, rollout):
        pair(each, "one")
    body = ledger.records(rollout.id, "observation")[0]
    ledger.append(rollout.id, "observation", body.body, key=body.key)  # by one who had not read yet
    for each in (rollout, other, elsewhere(rollout, ledger)):
        each.refresh()
        assert sum(counts.requests for counts in each.tally.counts.values()) == 2
        assert each.look().reasons == ("waiting for 3 pairs with both answers judged (so far 1)",)


def test_no_data_never_advances_and_time_without_it_ends_a_canary(start: Start, ledger: Ledger) -> None:
    rollout = start()
    late = [timedelta(0)]
    tenure = Tenure(holder="later", clock=lambda: datetime.now(UTC) + late[0])
    other = elsewhere(rollout, ledger, tenure=tenure)
    late[0] = timedelta(hours=QUICK.max_hours - 1)
    for _ in range(5):
        other.settle()
        assert other.assign("anybody") == "baseline"
    assert other.state == "shadow"
    late[0] = timedelta(hours=QUICK.max_hours + 1)
    assert other.assign("anybody") is None
    assert other.state == "rolled_back"
    assert "168 hours" in other.history.transitions[-1].why


def test_the_arms_must_differ(ledger: Ledger, baseline: Identity) -> None:
    same = replace(baseline, spec="written in another way")
    with pytest.raises(UsageError, match="is the baseline"):
        Rollout.start(ledger, candidate=same, baseline=baseline, plan=QUICK)
    assert ledger.rollouts() == []


def test_a_second_canary_of_the_same_baseline_and_requests_is_refused_or_takes_over(
    start: Start, ledger: Ledger
) -> None:
    first = start(QUICK.model_copy(update={"workflows": ("a", "b")}))
    apart = start(QUICK.model_copy(update={"workflows": ("c",)}))
    with pytest.raises(UsageError, match=f"{first.id}.*--supersede"):
        start(QUICK.model_copy(update={"workflows": ("b",)}))
    second = start(QUICK.model_copy(update={"workflows": ("b",)}), supersede=True)
    assert first.assign("anybody", workflow="b") is None
    assert first.state == "superseded"
    assert [each.id for each in active(ledger)] == [apart.id, second.id]


def test_a_start_that_was_killed_in_draft_still_makes_the_older_one_go(
    start: Start, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    with monkeypatch.context() as patch:
        patch.setattr(Rollout, "settle", lambda _self: None)
        second = start(supersede=True)  # its process ends right after the first record
    assert first.assign("anybody") == "baseline"
    again = elsewhere(second, ledger)
    assert again.state == "draft"
    assert again.assign("anybody") == "baseline"
    assert (again.state, first.assign("anybody"), first.state) == ("shadow", None, "superseded")


def test_of_two_that_start_at_the_same_moment_the_later_makes_room(
    start: Start, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    with monkeypatch.context() as patch:
        patch.setattr("pilotfish.rollout.rollout.histories", lambda _ledger: {}, raising=True)
        patch.setattr(Rollout, "settle", lambda _self: None)
        second = start()  # it did not see the first
    second.settle()
    assert (first.state, second.state) == ("shadow", "superseded")
    assert active(ledger)[0].id == first.id


def test_an_id_is_given_once_and_an_unknown_one_is_named(start: Start, ledger: Ledger) -> None:
    start(rollout_id="mine").roll_back()
    with pytest.raises(UsageError, match="'mine' already"):
        start(rollout_id="mine")
    with pytest.raises(UsageError, match=r"'yours'.*mine"):
        Rollout.open(ledger, "yours")


def test_a_command_that_meets_another_writer_reads_again_and_is_carried_out(
    start: Start, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = start()
    other = elsewhere(rollout, ledger)
    append, left = Ledger.append, [1]

    def meets(self: Ledger, *arguments: Any, **named: Any) -> int:
        if left[0]:
            left[0] = 0
            other.pause("first")
        return append(self, *arguments, **named)

    monkeypatch.setattr(Ledger, "append", meets)
    rollout.roll_back("then")
    assert [step.stage.state for step in rollout.history.transitions[-2:]] == ["paused", "rolled_back"]
    assert rollout.history.ignored == []


def test_open_canaries_are_followed_without_reading_everything_again(start: Start, ledger: Ledger) -> None:
    kept = Rollouts(ledger)
    assert kept.active() == []
    rollout = start()
    (one,) = kept.active()
    pair(rollout, "one")
    assert kept.active() == [one]
    assert one.tally.pairs == {"one"}
    rollout.roll_back()
    assert kept.active() == []


def test_records_of_another_version_stop_nobody(start: Start, ledger: Ledger) -> None:
    rollout = start()
    foreign = {**ledger.rollouts()[0].body, "plan": {"phases_of_the_moon": 3}}
    ledger.append("c-future", "rollout", foreign, follows=0)
    ledger.append("c-worse", "rollout", {"state": "draft"}, follows=0)
    ledger.append(rollout.id, "observation", {"arm": "candidate", "mood": "good"})
    assert active(ledger)[0].id == rollout.id
    assert len(active(ledger)) == 1
    pair(rollout, "one")
    assert sum(counts.requests for counts in rollout.tally.counts.values()) == 2
    with pytest.raises(UsageError, match="c-future"):
        Rollout.open(ledger, "c-future")


def test_the_report_tells_the_story(start: Start) -> None:
    rollout = start(QUICK.model_copy(update={"shadow_pairs": 5}))
    for number, unit in enumerate(UNITS[:3]):
        pair(rollout, unit, passed=number > 0)
    report = rollout.report()
    assert [step["stage"] for step in report["timeline"]] == ["draft", "shadow"]
    assert report["timeline"][1]["requests"] == {"baseline": 3, "candidate": 3}
    counts = report["arms"]["shadow"]["candidate"]
    assert (counts["requests"], counts["passed"]) == (3, 2)
    assert counts["pass_rate_low"] < counts["pass_rate"] < counts["pass_rate_high"]
    assert report["differs"] == rollout.candidate.differs(rollout.baseline)
    assert report["gate"]["action"] == "hold"


def test_what_offline_outcomes_said_is_a_transition(start: Start) -> None:
    plan = QUICK.model_copy(update={"outcomes": "table.csv"})
    worse, better = start(plan), None
    assert worse.state == "offline"
    assert worse.assign("anybody") is None
    worse.decide_offline(passed=False, why="worse on paper", evidence={"rows": 9})
    assert worse.stage == Stage(state="rolled_back")
    better = start(plan)
    better.decide_offline(passed=True, why="fine", evidence={})
    assert better.state == "shadow"
    with pytest.raises(IllegalTransition):
        better.decide_offline(passed=True, why="again", evidence={})


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_interval_of_a_pass_rate_holds_it_and_narrows(passed: int, failed: int) -> None:
    judged = passed + failed
    low, high = always_valid(passed, judged, alpha=0.05)
    assert 0 <= low < high <= 1
    if judged:
        assert low - 1e-6 <= passed / judged <= high + 1e-6
        wider = always_valid(passed, judged, alpha=0.01)
        assert wider[0] <= low
        assert high <= wider[1]
