from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish.lab.importers import write_table
from pilotfish.lab.table import OutcomeTable
from pilotfish.router import knn
from pilotfish.router.load import load_policy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.embedder import FakeEmbedder

pytest.importorskip("pandas")

TOPICS = ("harbour", "violin", "glacier", "senate")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """240 prompts on four topics; the small model is wrong on two of them."""
    monkeypatch.setattr(knn, "load_embedder", lambda *_, **__: FakeEmbedder())
    topics = [TOPICS[n % 4] for n in range(240)]
    small = np.array([float(topic in TOPICS[:2]) for topic in topics])
    outcomes = OutcomeTable(
        name="topics",
        ids=tuple(str(n) for n in range(240)),
        prompts=tuple(f"{topic} {topic} {topic} question {n}" for n, topic in enumerate(topics)),
        groups=None,
        models=("tiny", "giant"),
        correct=np.stack([small, np.ones(240)], axis=1),
    )
    write_table(outcomes, tmp_path / "topics.csv")
    return tmp_path / "topics.csv"


def test_labels_train_a_policy_that_is_scored_on_the_rest(command: Any, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "trained"
    told = command(
        *("lab", "train", "--what", "knn", "--table", str(table), "--labels", "80", "--seeds", "2"),
        *("--out", str(out), "--json"),
    )
    assert told.code == 0, told.err
    assert (told.data["labels"], told.data["policy"]) == (80, f"knn:weights={out / 'knn.json'}")
    assert told.data["figures"]["quality"] > 0.9
    assert told.data["figures"]["apgr"] > 0.6
    assert {"oracle", "prompt-length"} <= {row["policy"] for row in told.data["summary"]}
    assert told.data["command"].startswith("pilotfish lab train --what knn --table")
    card = (out / "knn.card.md").read_text()
    assert "fitted on | 80 rows of `topics.csv`" in card
    assert "| quality | " in card


def test_the_trained_policy_is_loaded_and_not_scored_on_its_own_rows(
    command: Any, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "trained"
    assert (
        command(
            "lab", "train", "--what", "knn", "--table", str(table), "--labels", "80", "--out", str(out)
        ).code
        == 0
    )
    policy = load_policy("knn", weights=str(out / "knn.json"))
    decisions = policy.decide([Subtask(id="a", text="senate senate"), Subtask(id="b", text="violin violin")])
    senate, violin = (decision.large_gain or 0.0 for decision in decisions)
    assert senate > violin + 0.5
    replayed = command("lab", "replay", str(table), "--policy", f"knn:weights={out / 'knn.json'}", "--json")
    assert {row["n"] for row in replayed.data["rows"]} == {160}
    assert {row["dropped_trained"] for row in replayed.data["rows"]} == {80}


def test_all_rows_train_a_policy_that_cannot_be_scored_here(
    command: Any, table: Path, tmp_path: Path
) -> None:
    told = command("lab", "train", "--what", "knn", "--table", str(table), "--out", str(tmp_path), "--json")
    assert (told.data["labels"], told.data["figures"]) == (240, {})
    refused = command("lab", "replay", str(table), "--policy", f"knn:weights={tmp_path / 'knn.json'}")
    assert refused.code == 2
    assert "trained on" in refused.err


def test_the_learning_curve_is_drawn_and_written(command: Any, table: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "curve"
    told = command(
        "lab", "train", "--what", "knn", "--table", str(table), "--curve", "--seeds", "2", "--out", str(out)
    )
    assert told.code == 0, told.err
    assert sorted(path.name for path in out.iterdir()) == ["knn.curve.csv", "knn.curve.png"]
    assert "APGR" in told.out
    assert (out / "knn.curve.csv").read_text().startswith("policy,labels,seed,")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("--what", "capability"), "pass --table TABLE"),
        (("--what", "router"), "pass --data DIR"),
        (("--what", "rules"), "'rules' cannot be trained"),
        (("--what", "grading", "--data", "x", "--curve"), "--what router --curve"),
    ],
)
def test_what_is_missing_is_named(command: Any, arguments: tuple[str, ...], remedy: str) -> None:
    told = command("lab", "train", *arguments)
    assert told.code == 2
    assert remedy in told.err


def test_a_curve_has_no_one_number_of_labels(command: Any, table: Path) -> None:
    told = command("lab", "train", "--what", "knn", "--table", str(table), "--labels", "9", "--curve")
    assert told.code == 2
    assert "leave out --labels" in told.err


def test_weights_that_are_no_knn_policy_are_named(command: Any, table: Path, tmp_path: Path) -> None:
    (tmp_path / "knn.json").write_text("{}")
    told = command("lab", "replay", str(table), "--policy", f"knn:weights={tmp_path / 'knn.json'}")
    assert told.code == 2
    assert "holds no knn policy" in told.err


def test_a_bandit_goes_on_from_what_the_table_taught_it(command: Any, table: Path, tmp_path: Path) -> None:
    told = command(
        *("lab", "train", "--what", "bandit", "--table", str(table), "--labels", "120"),
        *("--out", str(tmp_path), "--json"),
    )
    assert told.code == 0, told.err
    name = told.data["policy"]
    assert name == f"bandit:state={tmp_path / 'bandit.npz'},prices={{local: 0, large: 1}}"
    assert (tmp_path / "bandit.card.md").is_file()
    replayed = command("lab", "replay", str(table), "--policy", name, "--policy", "always-large", "--json")
    rows = {row["policy"]: row for row in replayed.data["rows"]}
    assert {row["dropped_trained"] for row in rows.values()} == {120}
    assert rows[name]["apgr"] > 0.6
