from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from pilotfish.tracing.ledger import Ledger
from pilotfish.tracing.views import VIEW_NAMES


def ask(ledger: Ledger, query: str) -> list[Any]:
    """As a person would, with SQLite alone."""
    connection = sqlite3.connect(f"file:{ledger.path}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_each_view_can_be_asked_of_an_empty_ledger(ledger: Ledger) -> None:
    ledger.runs()
    assert [ask(ledger, f"SELECT * FROM {name}") for name in VIEW_NAMES] == [[]] * len(VIEW_NAMES)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT run_id, task, status FROM runs", [("r0", "secret task of r0", "answered")]),
        (
            "SELECT subtask_id, text, answer, status FROM subtasks",
            [("s1", "secret question", "secret answer", "accepted")],
        ),
        (
            "SELECT purpose, model_id, cost_usd, price_version FROM calls",
            [("answer", "small", 0.25, "2026-11")],
        ),
        (
            "SELECT attempt, lane, status, checked, reason FROM verdicts",
            [(1, "local", "pass", "schema", "secret reason")],
        ),
        (
            "SELECT step, source, target, reason, detail FROM escalations",
            [(1, "local", "large", "timeout", "secret why")],
        ),
        ("SELECT source, quote, start_at, end_at FROM citations", [("a.md", "secret quote", 0, 5)]),
        ("SELECT subtask_id, reward, text FROM feedback", [("s1", 1.0, None)]),
        ("SELECT lane, reason FROM decisions", [("local", "secret reason")]),
        (
            "SELECT t.text FROM calls c JOIN contents t ON t.sha256 = c.prompt_sha256",
            [('"secret prompt of r0"',)],
        ),
    ],
)
def test_what_the_views_say(
    ledger: Ledger, bodies: dict[str, Callable[..., Any]], query: str, rows: list[Any]
) -> None:
    bodies["run"](ledger, "r0")
    ledger.append("r0", "decision", {"lane": "local", "reason": "secret reason"}, subtask_id="s1")
    ledger.append("r0", "feedback", {"reward": 1.0}, subtask_id="s1")
    assert ask(ledger, query) == rows


def test_texts_that_are_not_kept_are_null(ledger: Ledger, bodies: dict[str, Callable[..., Any]]) -> None:
    ledger.keep_content = False
    bodies["run"](ledger, "r0")
    assert ask(ledger, "SELECT task FROM runs") == [(None,)]
    assert ask(ledger, "SELECT text, answer, status FROM subtasks") == [(None, None, "accepted")]
    assert ask(ledger, "SELECT source, quote FROM citations") == [("a.md", None)]


def test_a_record_of_the_first_format_is_seen(ledger: Ledger, change: Callable[..., None]) -> None:
    ledger.append("r", "run", {"task": "x"})
    change(ledger, """UPDATE records SET body = '{"task": "inline"}', content = NULL""")
    assert ask(ledger, "SELECT task, status FROM runs") == [("inline", "unfinished")]
