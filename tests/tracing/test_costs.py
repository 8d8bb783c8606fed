from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pilotfish.tracing.costs import costs
from pilotfish.tracing.ledger import Ledger

Bodies = dict[str, Callable[..., Any]]


def spend(
    ledger: Ledger, bodies: Bodies, run_id: str, *calls: dict[str, Any], status: str = "accepted"
) -> None:
    ledger.append(run_id, "run", {"task": "t"})
    for more in calls:
        ledger.append(run_id, "call", bodies["call"](**more), subtask_id="s1")
    ledger.append(run_id, "subtask", bodies["subtask"](status=status), subtask_id="s1")
    answered = "answered" if status == "accepted" else "failed"
    ledger.append(run_id, "answer", {"text": "", "status": answered})


def test_nothing_costs_nothing(ledger: Ledger) -> None:
    found = costs(ledger)
    assert (found.rows, found.total_usd, found.per_accepted_usd, found.per_answered_usd) == (
        (),
        0,
        None,
        None,
    )


def test_what_failed_is_paid_by_what_was_accepted(ledger: Ledger, bodies: Bodies) -> None:
    spend(ledger, bodies, "good", {"cost_usd": 1.0})
    spend(ledger, bodies, "bad", {"cost_usd": 3.0, "failure": "timeout"}, status="failed")
    found = costs(ledger)
    assert (found.accepted, found.subtasks, found.answered, found.runs) == (1, 2, 1, 2)
    assert (found.total_usd, found.per_accepted_usd, found.rows[0].failed) == (4.0, 4.0, 1)


@pytest.mark.parametrize("purpose", ["sample", "plan", "route", "verify", "judge", "shadow"])
def test_no_purpose_is_left_out(ledger: Ledger, bodies: Bodies, purpose: str) -> None:
    spend(ledger, bodies, "r", {"cost_usd": 1.0}, {"cost_usd": 0.5, "purpose": purpose, "model_id": "other"})
    found = costs(ledger)
    assert found.per_accepted_usd == 1.5
    assert [(row.purpose, row.model_id, row.cost_usd) for row in found.rows] == [
        ("answer", "small", 1.0),
        (purpose, "other", 0.5),
    ]
    assert found.billed_usd == (1.0 if purpose == "shadow" else 1.5)
    assert ledger.summary("r").cost_usd == found.billed_usd


def test_retries_are_counted_and_paid(ledger: Ledger, bodies: Bodies) -> None:
    spend(ledger, bodies, "r", {"cost_usd": 0.25, "failure": "timeout"}, {"cost_usd": 0.5, "attempt": 2})
    (row,) = costs(ledger).rows
    assert (row.calls, row.retries, row.retries_usd, row.cost_usd) == (2, 1, 0.5, 0.75)


def test_cancelled_calls_gave_no_answer(ledger: Ledger, bodies: Bodies) -> None:
    spend(ledger, bodies, "r", {"finish_reason": "cancelled"}, {})
    assert [(row.calls, row.failed) for row in costs(ledger).rows] == [(2, 1)]


def test_price_tables_are_named(ledger: Ledger, bodies: Bodies) -> None:
    spend(
        ledger, bodies, "r", {"price_version": "2026-11"}, {"price_version": "2026-10"}, {"price_version": ""}
    )
    assert costs(ledger).price_versions == ("", "2026-10", "2026-11")


def test_a_subtask_carried_out_twice_counts_once_as_it_ended(ledger: Ledger, bodies: Bodies) -> None:
    for status in ("accepted", "failed", "accepted"):
        ledger.append("r", "subtask", bodies["subtask"](status=status), subtask_id="s1")
    ledger.append("r", "subtask", bodies["subtask"](status="failed"), subtask_id="s2")
    found = costs(ledger)
    assert (found.accepted, found.subtasks) == (1, 2)


def test_costs_need_no_texts_and_can_begin_late(ledger: Ledger, bodies: Bodies) -> None:
    ledger.keep_content = False
    spend(ledger, bodies, "r", {"cost_usd": 1.0})
    assert costs(ledger).per_accepted_usd == 1.0
    assert costs(ledger, since=datetime.now(UTC) + timedelta(hours=1)).rows == ()


def test_calls_older_than_purposes_count_as_answers(ledger: Ledger, bodies: Bodies) -> None:
    old = bodies["call"]()
    for name in ("purpose", "attempt", "arm", "price_version"):
        del old[name]
    ledger.append("r", "call", old)
    assert [(row.purpose, row.retries) for row in costs(ledger).rows] == [("answer", 0)]
