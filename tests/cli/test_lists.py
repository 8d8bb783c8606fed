"""`models`, `runs` and `lab bench`: what is there, what was done, what was measured."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pilotfish.lab.bench import Report
from pilotfish.models.catalogue import CATALOGUE
from pilotfish.models.settings import load_settings


def test_models_list_names_the_catalogue(command: Any) -> None:
    rows = command("models", "list", "--json").data
    assert {row["id"]: row["present"] for row in rows} == dict.fromkeys(CATALOGUE, False)
    assert all(name in command("models", "list").out for name in CATALOGUE)


@pytest.mark.weights
def test_altered_weights_exit_with_4_and_the_remedy(
    command: Any, weights: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(weights / "models" / "minilm-l6", home / "models" / "minilm-l6")
    monkeypatch.setenv("PILOTFISH_HOME", str(home))
    assert command("models", "check", "minilm-l6", "--json").data["ok"] is True
    config = home / "models" / "minilm-l6" / "config.json"
    config.write_text(config.read_text() + " ")
    outcome = command("models", "check", "minilm-l6", "--json")
    assert outcome.code == 4
    assert "pilotfish models pull minilm-l6" in outcome.data["error"]["message"]


def test_no_runs_yet(command: Any) -> None:
    assert command("runs", "list", "--json").data == []
    outcome = command("runs", "list")
    assert (outcome.code, outcome.out) == (0, "")
    assert "no runs yet" in outcome.err
    checked = command("runs", "verify", "--json").data
    assert (checked["ok"], checked["problems"]) == (True, [])


def test_a_run_is_listed_shown_and_verified(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "391")
    run_id = command("ask", "What is [b]17[/b] times 23?", "--json").data["run_id"]
    (listed,) = command("runs", "list", "--json").data
    assert (listed["run_id"], listed["status"]) == (run_id, "answered")
    assert "[b]17[/b]" in command("runs", "list").out
    shown = command("runs", "show", run_id, "--json").data
    assert shown["records"][0]["kind"] == "run"
    assert "finish_reason stop" in command("runs", "show", run_id).out
    assert command("runs", "verify").code == 0


def test_a_ledger_that_was_tampered_with_exits_with_3(command: Any, scripted: Any) -> None:
    scripted(lambda _text: "391")
    command("ask", "What is 17 times 23?", "--json")
    connection = sqlite3.connect(load_settings().home / "ledger.db")
    connection.execute("UPDATE records SET body = replace(body, '391', '381')")
    connection.commit()
    connection.close()
    outcome = command("runs", "verify", "--json")
    assert (outcome.code, outcome.data["ok"]) == (3, False)
    assert outcome.data["problems"]


def test_bench_json_has_name_figures_command_and_commit(command: Any, monkeypatch: Any) -> None:
    report = Report(figures={"ratio": 0.5}, text="| what | ratio |\n|---|---|\n| x | 0.5 |")
    monkeypatch.setattr("pilotfish.lab.bench.find_bench", lambda _name: lambda _data: report)
    data = command("lab", "bench", "import", "--data", "sets of mine", "--json").data
    assert set(data) == {"name", "figures", "command", "commit", "version"}
    assert (data["name"], data["figures"]) == ("import", {"ratio": 0.5})
    assert data["command"] == "pilotfish lab bench import --data 'sets of mine'"
    assert "0.5" in command("lab", "bench", "import").out
