from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def table(tmp_path: Path) -> str:
    """300 questions; the large model is right on the longer ones, the small one on the shorter."""
    lines = ["id,prompt,group,tiny|correct,huge|correct"]
    for n in range(300):
        prompt = f"Who wrote volume {n} of the {'very ' * (n % 10)}old book?"
        lines.append(f"q{n},{prompt},{n % 3},{int(n % 10 < 4 or n % 7 == 0)},{int(n % 10 > 1)}")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_a_folder_with_a_page_is_written(command: Any, table: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = command("lab", "report", table, "--policy", "rules", "--out", str(out), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert {"report.html", "report.md", "results.json", "cost-quality.svg"} <= set(outcome.data["files"])
    assert f"pilotfish lab report {table} --policy rules --out {out}" in outcome.data["source"]
    assert outcome.data["answer"][0] in (out / "report.html").read_text()


def test_people_read_the_answer(command: Any, table: str, tmp_path: Path) -> None:
    outcome = command("lab", "report", table, "--policy", "rules", "--out", str(tmp_path / "out"))
    assert outcome.code == 0
    assert "‘rules’" in outcome.out
    assert "report.html" in outcome.out


def test_the_json_of_a_replay_will_do(command: Any, table: str, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(command("lab", "replay", table, "--policy", "rules", "--json").out)
    outcome = command("lab", "report", "--from", str(results), "--out", str(tmp_path / "out"), "--json")
    assert outcome.code == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["command"].startswith(
        "pilotfish lab replay"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "TABLE"),
        (("TABLE", "--from", "x.json"), "either TABLE"),
        (("TABLE",), "--policy NAME"),
        (("TABLE", "--policy", "nosuch"), "nosuch"),
        (("--from", "nosuch.json"), "nosuch.json"),
    ],
)
def test_wrong_commands_say_what_is_wrong(
    command: Any, table: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    given = [table if argument == "TABLE" else argument for argument in arguments]
    outcome = command("lab", "report", *given, "--out", str(tmp_path / "out"))
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_others_is_refused_before_anything_is_replayed(
    command: Any, table: str, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    outcome = command("lab", "report", table, "--policy", "nosuch", "--out", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "mine.txt" in outcome.err
