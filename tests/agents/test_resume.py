from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pilotfish.tracing.ledger import Ledger

VICTIM = Path(__file__).with_name("resume_victim.py")
POINTS = [
    "attempt 1",
    "attempt 3",
    "attempt 5",
    "before record 2",
    "after record 2",
    "before record 4",
    "after record 5",
    "before record 8",
    "after record 9",
    "before record 13",
]


def run(home: Path, kill_at: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VICTIM), str(home), "the-run", kill_at]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    done = run(tmp_path_factory.mktemp("whole"), "never")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_resumes_to_the_same_result(
    tmp_path: Path, uninterrupted: dict[str, object], point: str
) -> None:
    killed = run(tmp_path, point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ledger = Ledger(tmp_path / "ledger.db")
    finished = [record.subtask_id for record in ledger.records("the-run", "subtask")]
    attempts_before = (
        (tmp_path / "attempts.txt").read_text().split() if (tmp_path / "attempts.txt").exists() else []
    )

    resumed = run(tmp_path, "never")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout) == uninterrupted
    attempts = (tmp_path / "attempts.txt").read_text().split()[len(attempts_before) :]
    assert not set(finished) & set(attempts), "a finished subtask was repeated"
    done = [record.subtask_id for record in ledger.records("the-run", "subtask")]
    assert sorted(done) == ["a", "b", "c", "d", "e"], "each is finished once"
    assert ledger.verify() == []


def test_killed_again_and_again_it_still_gets_there(tmp_path: Path, uninterrupted: dict[str, object]) -> None:
    for _ in range(6):
        if run(tmp_path, "attempt 2").returncode == 0:
            break
    last = run(tmp_path, "never")
    assert json.loads(last.stdout) == uninterrupted
