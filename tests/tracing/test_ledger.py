from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.tracing.ledger import Ledger, LedgerError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "ledger.db")


def fill(ledger: Ledger, runs: int = 2) -> None:
    for number in range(runs):
        ledger.append(f"r{number}", "run", {"task": f"task {number}"})
        ledger.append(f"r{number}", "call", {"cost_usd": 0.25}, subtask_id="s1")
        ledger.append(f"r{number}", "answer", {"status": "answered"})


def change(ledger: Ledger, statement: str) -> None:
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute(statement)
    connection.close()


def test_records_come_back_in_order_and_by_kind(ledger: Ledger) -> None:
    fill(ledger)
    assert [record.kind for record in ledger.records("r1")] == ["run", "call", "answer"]
    assert [record.subtask_id for record in ledger.records("r1", "call")] == ["s1"]
    assert ledger.records("nobody") == []


def test_runs_are_summed_up_newest_first(ledger: Ledger) -> None:
    fill(ledger)
    ledger.append("r9", "run", {"task": "killed"})
    assert [(run.run_id, run.status, run.calls, run.cost_usd) for run in ledger.runs()] == [
        ("r9", "unfinished", 0, 0.0),
        ("r1", "answered", 1, 0.25),
        ("r0", "answered", 1, 0.25),
    ]


def test_an_unknown_run_names_the_remedy(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match=r"no run 'x'.*runs list"):
        ledger.summary("x")


def test_an_untouched_chain_verifies(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE records SET body = '{\"cost_usd\": 0}' WHERE seq = 2", "record 2"),
        ("UPDATE records SET at = '2020-01-01' WHERE seq = 3", "record 3"),
        ("DELETE FROM records WHERE seq = 2", "records 2 to 2 are missing"),
        ("UPDATE records SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN 2 ELSE seq END", "records"),
    ],
)
def test_tampering_is_found(ledger: Ledger, statement: str, found: str) -> None:
    fill(ledger)
    change(ledger, statement)
    assert any(found in problem for problem in ledger.verify())


WRITER = """
import sys
from pathlib import Path
from pilotfish.tracing.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for number in range(50):
    ledger.append(sys.argv[2], "call", {"number": number})
"""


@pytest.mark.parametrize("body", ["nope", "[]", b"\xff\x00"])
def test_a_record_that_cannot_be_read_any_more_is_named(ledger: Ledger, body: str | bytes) -> None:
    ledger.append("r9", "run", {"task": "a task"})
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("UPDATE records SET body = ? WHERE run_id = 'r9'", (body,))
    connection.close()
    with pytest.raises(LedgerError, match=r"record \d+ of run 'r9' .*runs verify"):
        ledger.records("r9")


def test_several_processes_may_write(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    commands = [[sys.executable, "-c", WRITER, str(path), f"r{i}"] for i in range(3)]
    writers = [subprocess.Popen(command) for command in commands]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    ledger = Ledger(path)
    assert [len(ledger.records(f"r{i}")) for i in range(3)] == [50, 50, 50]
    assert ledger.verify() == []


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"something else entirely, long enough to be read as a header" * 20)
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(path).append("r", "run", {})


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerError, match="PILOTFISH_HOME"):
        Ledger(tmp_path / "file" / "ledger.db").append("r", "run", {})
