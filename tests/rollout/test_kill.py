"""A canary whose process is killed at any record, and one that several processes observe at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def driven(script: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("fails_from", "moments", "end"),
    [(1000, ("within",), "promoted"), (6, ("after",), "rolled_back")],
)
def test_a_canary_killed_at_any_record_ends_as_if_it_had_not_been(
    tmp_path: Path, fails_from: int, moments: tuple[str, ...], end: str
) -> None:
    told = driven("kill_driver.py", tmp_path, fails_from, *moments)
    whole = told["whole"]
    assert whole["steps"][-1][0] == end
    assert whole["counted"] == len(whole["observations"])
    assert len(told["killed"]) >= len(moments) * (len(whole["observations"]) + len(whole["steps"]))
    for life in told["killed"]:
        differs = {name for name, value in whole.items() if life[name] != value}
        assert not differs, f"killed {life['when']} record {life['count']}: {differs}"


def test_three_processes_at_once_make_each_transition_once_and_count_each_observation_once(
    tmp_path: Path,
) -> None:
    told = driven("observers_driver.py", tmp_path / "ledger.db")
    assert told["statuses"] == [0, 0, 0]
    path = ["draft", "shadow", "ramp 0.3", "ramp 0.7", "baking", "promoted"]
    assert told["stages"] == path
    assert told["ignored"] == told["problems"] == told["written_twice"] == []
    assert told["written"] >= 50
    assert told["counted"] <= told["written"]
