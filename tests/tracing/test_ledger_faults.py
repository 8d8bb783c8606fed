"""Killed writers and full disks: nothing half-written, nothing lost that was acknowledged."""

from __future__ import annotations

import importlib
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pilotfish.tracing.ledger import Entry, Ledger, LedgerError

WRITER = """
import os, signal, sys
from pathlib import Path
from pilotfish.tracing.ledger import Entry, Ledger, append_to
ledger, run_id, batches, die_inside = Ledger(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def entries(number):
    text = f"{run_id} {number} " + "x" * 700
    return [Entry(run_id=run_id, kind="verdict", body={"number": number, "reason": text + str(i)}) for i in range(3)]

for number in range(batches):
    if number == die_inside:
        with ledger.transaction() as connection:
            for entry in entries(number)[:2]:
                append_to(connection, entry)
            os.kill(os.getpid(), signal.SIGKILL)
    ledger.append_all(entries(number))
    print(number, flush=True)
"""
BATCHES = 40


def start(path: Path, run_id: str, *, batches: int = BATCHES, die_inside: int = -1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), run_id, str(batches), str(die_inside)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("after", [0, 11])
def test_one_of_three_writers_is_killed(tmp_path: Path, after: int) -> None:
    """From outside, at a moment of its own; then the others finish, and everything acknowledged is there."""
    path = tmp_path / "ledger.db"
    victim = start(path, "victim", batches=100_000)
    others = [start(path, name) for name in ("a", "b")]
    with victim:
        assert victim.stdout is not None
        acknowledged = [int(victim.stdout.readline()) for _ in range(after + 1)]
        victim.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in victim.stdout.read().splitlines()]
    assert [other.communicate(timeout=60) and other.returncode for other in others] == [0, 0]
    ledger = Ledger(path)
    assert victim.returncode == -signal.SIGKILL
    assert ledger.verify() == []
    assert [len(ledger.records(name)) for name in ("a", "b")] == [3 * BATCHES, 3 * BATCHES]
    numbers = [record.body["number"] for record in ledger.records("victim")]
    assert len(numbers) % 3 == 0, "a batch is whole or not there"
    assert set(acknowledged) <= set(numbers)
    assert not any(record.content_missing for record in ledger.records("victim"))


def test_killed_inside_a_transaction_it_leaves_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    victim, other = start(path, "victim", die_inside=5), start(path, "a")
    victim.communicate(timeout=60)
    other.communicate(timeout=60)
    assert (victim.returncode, other.returncode) == (-signal.SIGKILL, 0)
    ledger = Ledger(path)
    assert ledger.verify() == []
    assert [record.body["number"] for record in ledger.records("victim")] == [
        number for number in range(5) for _ in range(3)
    ]
    ledger.append("next", "run", {"task": "the file is not locked"})
    assert ledger.verify() == []


def test_many_processes_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    writers = [start(path, f"w{number}", batches=2) for number in range(6)]
    assert [writer.communicate(timeout=60) and writer.returncode for writer in writers] == [0] * 6
    found = Ledger(path).inspect()
    assert (found.problems, found.records) == ((), 36)


def batch(number: int) -> list[Entry]:
    text = f"{number} " + "x" * 2000
    return [Entry(run_id="r", kind="verdict", body={"n": number, "reason": f"{i} {text}"}) for i in range(3)]


def test_a_full_file_is_said_so_and_nothing_is_half_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.append_all(batch(0))
    with ledger.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 40")
    written = 1
    with pytest.raises(LedgerError, match=r"ledger\.db'.*full.*Free disk space"):  # noqa: PT012 - until it is full
        for written in range(1, 100):
            ledger.append_all(batch(written))
    assert [record.body["n"] for record in ledger.records("r")] == [
        n for n in range(written) for _ in range(3)
    ]
    assert ledger.verify() == []
    ledger.close()  # the limit was the connection's: there is space again
    ledger.append_all(batch(written))
    assert ledger.verify() == []


FULL_DISK = """
import subprocess, sys
from pathlib import Path
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)], check=True)
from pilotfish.tracing.ledger import Entry, Ledger, LedgerError
ledger = Ledger(disk / "ledger.db")

def batch(number):
    text = f"{number} " + "x" * 2000
    return [Entry(run_id="r", kind="verdict", body={"n": number, "reason": f"{i} {text}"}) for i in range(3)]

written = 0
try:
    for written in range(1000):
        ledger.append_all(batch(written))
except LedgerError as error:
    print(error)
else:
    sys.exit("never full")
expected = [n for n in range(written) for _ in range(3)]
ledger.close()
for again in (ledger, Ledger(disk / "ledger.db")):
    assert [r.body["n"] for r in again.records("r")] == expected, "half-written"
    assert again.verify() == [], again.verify()
    again.close()
subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
ledger.append_all(batch(written))
assert ledger.verify() == []
assert len(ledger.records("r")) == len(expected) + 3
"""


def _may_mount() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    probe = [unshare, "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="this machine lets nobody mount a small disk of their own")
def test_a_full_disk_is_said_so_and_nothing_is_half_written(tmp_path: Path) -> None:
    command = ["unshare", "-rm", sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "full" in done.stdout
    assert "Free disk space" in done.stdout


def test_a_ledger_that_another_process_holds_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("pilotfish.tracing.ledger"), "_BUSY_SECONDS", 0.05)
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.append("r", "run", {"task": "x"})
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.close()
    with pytest.raises(LedgerError, match="Another process has held it"):
        ledger.append("r", "run", {"task": "y"})
    other.close()
    ledger.append("r", "run", {"task": "y"})
