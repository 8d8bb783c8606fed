from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROW = {
    "policy",
    "version",
    "seed",
    "baseline",
    "n",
    "quality",
    "quality_low",
    "quality_high",
    "cost",
    "cost_unit",
    "large_share",
    "shares",
    "random_quality",
    "apgr",
    "apgr_low",
    "apgr_high",
    "cpt50",
    "cpt80",
    "aiq",
    "oracle_gap",
    "dropped_trained",
}


@pytest.fixture
def table(tmp_path: Path) -> str:
    """200 questions; the large model is right on the longer ones, the small one on the shorter and some others."""
    lines = ["id,prompt,group,tiny|correct,huge|correct,tiny|cost,huge|cost"]
    for n in range(200):
        prompt = f"Who wrote volume {n} of the {'very ' * (n % 10)}old book?"
        easy, group = int(n % 10 < 4 or n % 7 == 0), "long" if n % 10 > 5 else "short"
        lines.append(f"q{n},{prompt},{group},{easy},{int(n % 10 > 1)},0.001,0.02")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_json_holds_rows_summary_table_and_provenance(command: Any, table: str) -> None:
    outcome = command(
        "lab", "replay", table, "--policy", "always-local", "--policy", "random:share=0.3", "--json"
    )
    assert (outcome.code, outcome.err) == (0, "")
    data = outcome.data
    assert {"rows", "summary", "table", "command", "commit", "version"} <= set(data)
    assert all(set(row) >= ROW for row in data["rows"])
    assert [row["policy"] for row in data["rows"] if not row["baseline"]] == [
        "always-local",
        "random:share=0.3",
    ]
    assert data["table"]["rows"] == 200
    assert (data["table"]["small"], data["table"]["large"]) == ("tiny", "huge")
    assert data["command"] == f"pilotfish lab replay {table} --policy always-local --policy random:share=0.3"
    assert "NaN" not in outcome.out
    assert data["rows"][0]["cost"] == pytest.approx(0.001)


def test_labels_and_seeds_give_a_row_each_and_an_interval_over_seeds(command: Any, table: str) -> None:
    data = command(
        "lab", "replay", table, "--policy", "always-large", "--labels", "0.25", "--seeds", "3", "--json"
    ).data
    rows = [row for row in data["rows"] if row["policy"] == "gold-group"]
    assert [(row["seed"], row["n"]) for row in rows] == [(0, 150), (1, 150), (2, 150)]
    [line] = [line for line in data["summary"] if line["policy"] == "gold-group"]
    assert line["interval"] == "seeds"
    assert data["command"].endswith("--labels 0.25 --seeds 3")


def test_people_get_a_table_its_legend_and_what_it_means(command: Any, table: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    outcome = command("lab", "replay", table, "--policy", "random", "--out", str(out), "--rows", "150")
    assert outcome.code == 0
    for words in (
        "150 prompts, 2 models",
        "(oracle)",
        "(prompt-length)",
        "95 % interval",
        "random: quality",
        "Note: ",
    ):
        assert words in outcome.out
    assert "nan" not in outcome.out
    assert out.read_text(encoding="utf-8").startswith("policy,version,seed,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "capability"], "add --labels N"),
        (["--policy", "nobody"], "unknown policy 'nobody'"),
        (["--policy", "random:luck=1"], "no option 'luck'"),
        (["--policy", "random", "--small", "mid"], "no model 'mid'; it has: tiny, huge"),
        (["--policy", "random", "--small", "tiny", "--large", "tiny"], "both the small and the large"),
        (["--policy", "random", "--labels", "200"], "--labels 200 cannot be taken from the 200 rows"),
        (["--policy", "random", "--seeds", "2"], "changes nothing without"),
        (["--policy", "random", "--labels", "5", "--folds", "2"], "give one of them"),
        (["--policy", "random", "--without", "absent.csv"], "no outcome table at 'absent.csv'"),
    ],
)
def test_a_wrong_command_is_told_the_remedy(
    command: Any, table: str, arguments: list[str], said: str
) -> None:
    outcome = command("lab", "replay", table, *arguments, "--json")
    assert outcome.code == 2
    assert said in outcome.data["error"]["message"]


def test_leaving_out_all_prompts_is_refused(command: Any, table: str) -> None:
    outcome = command("lab", "replay", table, "--policy", "random", "--without", table)
    assert outcome.code == 2
    assert "no row" in outcome.err


def test_a_public_file_is_replayed_as_it_is(command: Any, tmp_path: Path) -> None:
    rows = [
        {"question": f"question {n} of many {'word ' * (n % 5)}", "scores": {"a": n % 2, "b": 1.0, "c": 0.5}}
        for n in range(40)
    ]
    (tmp_path / "train.json").write_text(json.dumps(rows))
    outcome = command("lab", "replay", str(tmp_path / "train.json"), "--policy", "always-large")
    assert outcome.code == 0
    assert "always-large: quality 100.0% with 100% b" in outcome.out
