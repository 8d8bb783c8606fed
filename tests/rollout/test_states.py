"""Where a canary may go, and what counts of what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.models.spec import ModelSpec
from pilotfish.prompts.prompt import Prompt
from pilotfish.rollout.identity import Identity, identity_of
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.states import (
    LEGAL,
    TERMINAL,
    History,
    IllegalTransition,
    Stage,
    histories,
    path_of,
)
from pilotfish.rollout.writer import draft_body
from pilotfish.tracing.ledger import Ledger
from pilotfish.tracing.record import Record

PLAN = RolloutPlan(ramp=(0.1, 0.5), outcomes="table.csv")
PAUSED, BACK = Stage(state="paused"), Stage(state="rolled_back")


def record(seq: int, body: dict[str, Any]) -> Record:
    at = (datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=seq)).isoformat()
    return Record(seq=seq, run_id="c", kind="rollout", subtask_id=None, key=None, at=at, body=body)


def step(seq: int, stage: Stage, *, follows: int | None = None, term: int = 0) -> Record:
    follows = seq - 1 if follows is None else follows
    body = {"state": stage.state, "share": stage.share, "why": "", "by": "gates", "evidence": {}}
    return record(seq, {**body, "follows": follows, "term": term})


@pytest.fixture
def history(baseline: Identity, candidate: Identity) -> History:
    begun = History("c")
    begun.fold([record(1, draft_body(candidate, baseline, PLAN, why="", supersedes=()))])
    return begun


def test_the_table_has_every_state_and_ends_in_the_terminal_ones() -> None:
    assert {state for state, to in LEGAL.items() if not to} == set(TERMINAL)
    assert {each for to in LEGAL.values() for each in to} | {"draft"} == set(LEGAL)
    assert all("rolled_back" in to for state, to in LEGAL.items() if state not in TERMINAL)


def test_a_candidate_that_does_well_goes_along_the_whole_path(history: History) -> None:
    path = path_of(PLAN)
    assert [str(stage) for stage in path] == [
        *("draft", "offline", "shadow"),
        *("ramp 0.1", "ramp 0.5", "baking", "promoted"),
    ]
    for seq, stage in enumerate(path[1:], start=2):
        assert history.following() == stage
        history.fold([step(seq, stage)])
    assert history.stage == path[-1]
    assert history.ignored == []


def test_what_a_plan_leaves_out_is_not_on_the_path() -> None:
    short = path_of(RolloutPlan(ramp=(0.5,), shadow_pairs=0, bake_requests=0))
    assert [str(stage) for stage in short] == ["draft", "ramp 0.5", "promoted"]


@pytest.mark.parametrize("target", [Stage(state="ramp", share=0.5), Stage(state="baking", share=0.5)])
def test_no_stage_is_skipped_and_the_error_names_where_it_can_go(history: History, target: Stage) -> None:
    history.fold([step(2, Stage(state="shadow"))])
    assert history.ignored[0].why == "draft cannot go to shadow"  # offline comes first
    history.fold([step(3, Stage(state="offline")), step(4, Stage(state="shadow"))])
    with pytest.raises(IllegalTransition, match=r"'shadow'.*can go to 'ramp 10 %', 'paused', 'rolled back'"):
        history.check(target)
    history.fold([step(5, target)])
    assert history.stage.state == "shadow"


def test_a_pause_leads_back_to_where_it_was_and_nowhere_further(history: History) -> None:
    low, high = (Stage(state="ramp", share=share) for share in PLAN.ramp)
    history.fold([step(2, Stage(state="offline")), step(3, Stage(state="shadow")), step(4, low)])
    history.fold([step(5, PAUSED), step(6, high)])
    assert history.stage == PAUSED
    assert history.resumes == low
    history.fold([step(7, low)])
    assert (history.stage, history.following()) == (low, high)


def test_the_hours_of_a_stage_leave_pauses_out(history: History) -> None:
    history.fold([step(2, Stage(state="offline")), step(4, PAUSED, follows=2)])
    history.fold([step(9, Stage(state="offline"), follows=4)])
    assert history.hours(datetime(2026, 11, 22, 12, tzinfo=UTC)) == 2 + 3


def test_nothing_counts_after_the_end_whoever_wrote_it(history: History) -> None:
    history.fold([step(2, BACK)])
    history.fold([step(3, Stage(state="offline")), step(4, Stage(state="promoted", share=1.0))])
    assert history.stage == BACK
    assert ["final" in each.why for each in history.ignored] == [True, True]
    with pytest.raises(IllegalTransition, match="final"):
        history.check(PAUSED)


def test_a_record_that_follows_another_than_the_last_was_written_by_one_who_did_not_know(
    history: History,
) -> None:
    history.fold([step(2, Stage(state="offline")), step(3, BACK, follows=1)])
    assert history.stage.state == "offline"
    assert "record 2 had come since" in history.ignored[0].why
    history.fold([step(4, BACK)])  # one who has read even the ignored record may write
    assert history.stage == BACK


def test_the_writer_of_an_earlier_lease_counts_for_nothing(history: History) -> None:
    lease = {"lease": {"holder": "two", "term": 2, "until": ""}, "follows": 1}
    history.fold([record(2, lease), step(3, Stage(state="offline"), term=1)])
    assert history.stage.state == "draft"
    assert "lease of term 1" in history.ignored[0].why
    history.fold([record(4, {**lease, "follows": 3})])
    assert "later holder" in history.ignored[1].why


def test_records_of_no_canary_make_none(ledger: Ledger) -> None:
    ledger.append("c-x", "rollout", {"state": "promoted", "share": 1.0, "follows": 0})
    assert histories(ledger) == {}


STAGES = (*path_of(PLAN), PAUSED, BACK, Stage(state="superseded"))


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.booleans())))
def test_whatever_is_appended_every_step_that_counts_was_legal_and_an_end_stays(
    appended: list[tuple[Stage, bool]],
) -> None:
    model = ModelSpec(id="tiny", engine="llamacpp", sha256="ab")
    arms = [identity_of(model, prompts=[Prompt(name="ask", version=v, messages=())]) for v in "12"]
    history = History("c")
    history.fold([record(1, draft_body(arms[1], arms[0], PLAN, why="", supersedes=()))])
    ended: Stage | None = None
    for seq, (stage, stale) in enumerate(appended, start=2):
        legal = history.legal()
        before = history.stage
        history.fold([step(seq, stage, follows=seq - 2 if stale else seq - 1)])
        assert history.stage == before or (history.stage in legal and not stale)
        assert ended is None or history.stage == ended
        ended = history.stage if history.stage.state in TERMINAL else None
    assert len(history.transitions) + len(history.ignored) == len(appended) + 1
