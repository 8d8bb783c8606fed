"""`lab bench TASKS.jsonl`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LINES = [
    {"id": "a", "task": "What is 2 + 2?", "check": {"type": "numeric", "answer": 4}, "kind": "reasoning"},
    {"id": "b", "task": "Which letter?", "check": {"type": "choice", "answer": "B"}, "group": "letters"},
]


@pytest.fixture
def tasks(tmp_path: Path) -> str:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    return str(path)


@pytest.fixture
def model(scripted: Callable[..., None]) -> list[str]:
    """Every prompt the small model was sent."""
    asked: list[str] = []

    def reply(text: str) -> str:
        asked.append(text)
        return "Answer: 4" if "2 + 2" in text else "Answer: C"

    scripted(reply)
    return asked


def test_json_has_the_figures_and_where_they_come_from(command: Any, tasks: str, model: list[str]) -> None:
    data = command("lab", "bench", tasks, "--policy", "always-local", "--policy", "rules", "--json").data
    assert {"tasks", "n", "setting", "rows", "out", "log", "left_out", "command", "commit", "version"} == set(
        data
    )
    assert data["command"] == f"pilotfish lab bench {tasks} --policy always-local --policy rules"
    first, second = data["rows"]
    assert (first["policy"], second["policy"]) == ("always-local", "rules")
    assert (first["n"], first["accuracy"], first["accepted"]) == (2, 0.5, 1.0)
    assert first["by_kind"]["reasoning"]["accuracy"] == 1.0
    assert first["by_group"]["letters"]["accuracy"] == 0.0
    assert set(first["latency_ms"]) == {"p50", "p90", "p99"}


def test_people_get_tables(command: Any, tasks: str, model: list[str]) -> None:
    outcome = command("lab", "bench", tasks, "--policy", "always-local")
    assert outcome.code == 0
    for words in (
        "always-local",
        "0.500",
        "right of accepted",
        "reasoning (1)",
        "letters (1)",
        "results.jsonl",
    ):
        assert words in outcome.out
    assert "2 of 2" in outcome.err


def test_run_again_it_asks_nothing_again(command: Any, tasks: str, model: list[str]) -> None:
    command("lab", "bench", tasks, "--policy", "always-local")
    asked = len(model)
    again = command("lab", "bench", tasks, "--policy", "always-local", "--policy", "rules", "--json").data
    assert len(model) == asked
    assert again["rows"][1]["replayed"] == 1.0


def test_the_log_is_an_outcome_table_to_replay(
    command: Any, tasks: str, model: list[str], tmp_path: Path
) -> None:
    corpus = tmp_path / "log.csv"
    data = command("lab", "bench", tasks, "--policy", "always-local", "--log", str(corpus), "--json").data
    assert [row["policy"] for row in data["rows"]] == ["always-local", "lane:local"]
    header, *rows = corpus.read_text().splitlines()
    columns = ("correct", "cost", "latency_ms", "confidence")
    assert header == "id,prompt,group," + ",".join(f"scripted|{column}" for column in columns)
    assert [row.split(",")[0] for row in rows] == ["a", "b"]


def test_a_task_that_a_lane_had_no_model_for_is_left_out_of_the_log(
    command: Any, tasks: str, scripted: Callable[..., None], tmp_path: Path
) -> None:
    def half(text: str) -> str:
        if "2 + 2" in text:
            raise ConnectionError("nobody there")
        return "Answer: B"

    scripted(half)
    log = tmp_path / "log.csv"
    arguments = ("lab", "bench", tasks, "--policy", "always-local", "--log", str(log))
    assert "Left out of it: 1 of 2 tasks" in " ".join(command(*arguments).out.split())
    assert [row.split(",")[0] for row in log.read_text().splitlines()] == ["id", "b"]
    assert command(*arguments, "--json").data["left_out"] == ["a"]


def test_limit_takes_the_first_tasks(command: Any, tasks: str, model: list[str]) -> None:
    data = command("lab", "bench", tasks, "--policy", "always-local", "--limit", "1", "--json").data
    assert data["n"] == 1
    assert "--limit 1" in data["command"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nowhere.jsonl"], "no such file"),
        (["{tasks}", "--data", "."], "--data"),
        (["{tasks}", "--log", "table.json"], ".csv.gz"),
        (["{tasks}", "--log", "no/such/folder/table.csv"], "no folder"),
        (["{tasks}", "--policy", "learnd"], "learned"),
        (["import", "--policy", "learned", "--votes", "3"], "--policy, --votes"),
        (["{tasks}", "--votes", "0"], "--votes"),
    ],
)
def test_what_is_wrong_is_named_before_any_call(
    command: Any, tasks: str, model: list[str], arguments: list[str], named: str
) -> None:
    outcome = command("lab", "bench", *(word.format(tasks=tasks) for word in arguments))
    assert (outcome.code, outcome.out, model) == (2, "", [])
    assert named in outcome.err


def test_a_bad_line_is_named_before_any_call(command: Any, tmp_path: Path, model: list[str]) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(
        json.dumps(LINES[0]) + "\n" + json.dumps({**LINES[1], "check": {"type": "choice", "answer": "BB"}})
    )
    outcome = command("lab", "bench", str(path))
    assert (outcome.code, model) == (2, [])
    assert "line 2, field 'check.answer'" in outcome.err


def test_code_of_ones_own_checks_where_it_is_named(command: Any, tmp_path: Path, model: list[str]) -> None:
    (tmp_path / "checks.py").write_text("def even(answer):\n    return int(answer) % 2 == 0\n")
    path = tmp_path / "own.jsonl"
    line = {"task": "What is 2 + 2?", "check": {"type": "python", "function": "checks.py:even"}}
    path.write_text(json.dumps(line))
    assert "--code checks.py" in command("lab", "bench", str(path)).err
    data = command(
        "lab", "bench", str(path), "--policy", "always-local", "--code", "checks.py", "--json"
    ).data
    assert data["rows"][0]["accuracy"] == 1.0


def test_a_model_that_never_answers_is_exit_code_4(
    command: Any, tmp_path: Path, scripted: Callable[..., None]
) -> None:
    def broken(_text: str) -> str:
        raise ConnectionError("nobody there")

    scripted(broken)
    path = tmp_path / "letter.jsonl"
    path.write_text(json.dumps(LINES[1]))
    outcome = command("lab", "bench", str(path), "--policy", "always-local", "--json")
    assert outcome.code == 4
    assert outcome.data["rows"][0]["failures"] == {"model_unavailable": 1}
