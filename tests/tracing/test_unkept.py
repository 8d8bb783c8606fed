"""A record written without its texts shows none of them, whatever another run kept under the same hash."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotfish.agents.recorded import RecordedRun
from pilotfish.tracing.chain import record_hash
from pilotfish.tracing.content import content_digest, split_content
from pilotfish.tracing.export import export
from pilotfish.tracing.ledger import Entry, Ledger
from pilotfish.tracing.retention import purge

ASKED, SAID = "secret prompt", "secret reply"


def write(ledger: Ledger, run_id: str, bodies: dict[str, Callable[..., Any]], *, keep: bool) -> None:
    hashes = {"prompt_sha256": content_digest(ASKED), "answer_sha256": content_digest(SAID)}
    more = {"request_sha256": "q", "logprobs_sha256": "", "recorded_cost_usd": 0.0}
    call = bodies["call"](**hashes, **more)
    ledger.append(run_id, "run", {"task": "secret task"}, keep_content=keep)
    ledger.append_all(
        [Entry(run_id=run_id, kind="call", body=call, keep_content=keep, texts=(ASKED, SAID) if keep else ())]
    )
    ledger.append(run_id, "decision", {"lane": "local", "reason": "secret reason"}, keep_content=keep)
    ledger.append(run_id, "subtask", bodies["subtask"](), keep_content=keep)


@pytest.fixture(params=["kept first", "kept last"])
def both(request: pytest.FixtureRequest, ledger: Ledger, bodies: dict[str, Callable[..., Any]]) -> Ledger:
    """The same run twice, as `kept` and as `bare`."""
    order = ("kept", "bare") if request.param == "kept first" else ("bare", "kept")
    for run_id in order:
        write(ledger, run_id, bodies, keep=run_id == "kept")
    return ledger


def test_only_the_run_that_kept_its_texts_shows_them(both: Ledger, tmp_path: Path) -> None:
    assert both.summary("kept").task == "secret task"
    assert both.summary("bare").task == ""
    assert "secret" not in json.dumps([record.body for record in both.records("bare")])
    assert all(record.content_missing and record.content_unkept for record in both.records("bare"))
    assert not any(record.content_missing or record.content_unkept for record in both.records("kept"))
    kept, bare = ([r.content_sha256 for r in both.records(name)] for name in ("kept", "bare"))
    assert kept == bare, "the hash stays, and tells the same text"
    export(both, tmp_path / "bare.jsonl", run_id="bare")
    assert "secret " not in (tmp_path / "bare.jsonl").read_text()
    assert both.verify() == []


def test_the_views_show_none_of_it(both: Ledger) -> None:
    connection = sqlite3.connect(both.path)
    for view, text in (("runs", "task"), ("subtasks", "answer"), ("decisions", "reason")):
        rows = dict(connection.execute(f"SELECT run_id, {text} FROM {view}").fetchall())
        assert (rows["bare"], bool(rows["kept"])) == (None, True)
    joined = "SELECT c.run_id FROM calls c JOIN contents t ON t.sha256 = c.prompt_sha256"
    assert connection.execute(joined).fetchall() == [("kept",)]
    connection.close()


def test_a_replay_takes_only_what_its_run_kept(both: Ledger) -> None:
    reply = RecordedRun(both, "kept").reply("q")
    assert reply is not None
    assert reply.text == SAID
    assert RecordedRun(both, "bare").reply("q") is None


def test_a_run_that_keeps_no_text_holds_none_back_from_a_purge(both: Ledger) -> None:
    with both.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchone()[0] == 5
        connection.execute("UPDATE records SET at = '2020-01-01T00:00:00.000+00:00' WHERE run_id = 'kept'")
    done = purge(both, before=datetime.now(UTC) - timedelta(days=1), content_only=True)
    assert (done.runs, done.contents) == (1, 5)


def test_a_purge_of_the_run_without_texts_leaves_those_of_the_other(both: Ledger) -> None:
    with both.transaction() as connection:
        connection.execute("UPDATE records SET at = '2020-01-01T00:00:00.000+00:00' WHERE run_id = 'bare'")
    done = purge(both, before=datetime.now(UTC) - timedelta(days=1), content_only=True)
    assert (done.runs, done.contents) == (1, 0)
    assert both.summary("kept").task == "secret task"


def test_the_mark_is_in_the_chain_and_in_an_export(both: Ledger, tmp_path: Path) -> None:
    export(both, tmp_path / "all.jsonl")
    before = ""
    for line in (tmp_path / "all.jsonl").read_text().splitlines():
        row = json.loads(line)
        metadata = json.dumps(split_content(row["kind"], row["body"])[0], sort_keys=True)
        fields = [row[name] for name in ("run_id", "kind", "subtask_id", "key", "at")]
        before = record_hash(before, *fields, metadata, row["content_sha256"])
        assert before == row["hash"]
    with both.transaction() as connection:
        connection.execute(
            "UPDATE records SET content = replace(content, 'unkept:', '') WHERE run_id = 'bare'"
        )
    assert both.verify()


def test_a_ledger_of_the_second_format_reads_and_gets_the_mark(
    ledger: Ledger, bodies: dict[str, Callable[..., Any]], change: Callable[..., None]
) -> None:
    write(ledger, "kept", bodies, keep=True)
    change(ledger, "PRAGMA user_version = 2")
    write(ledger, "bare", bodies, keep=False)
    assert (ledger.summary("kept").task, ledger.summary("bare").task) == ("secret task", "")
    assert ledger.verify() == []
