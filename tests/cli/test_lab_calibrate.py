from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish.lab.importers import write_table
from pilotfish.lab.table import OutcomeTable
from pilotfish.router.calibration import read_calibration

KEYS = {
    *(
        "threshold",
        "target",
        "confidence",
        "quality",
        "quality_lower",
        "reference_quality",
        "large_share",
        "cost",
    ),
    *("saving", "n", "check", "policy", "version", "table", "command", "commit"),
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "log.csv.gz", 600)


def write(path: Path, n: int) -> Path:
    """Questions of fact that the small model gets wrong, sums that it gets right, and how sure it was."""
    random = np.random.default_rng(0)
    facts = random.random(n) < 0.5
    small = (random.random(n) < np.where(facts, 0.3, 0.95)).astype(float)
    prompts = [
        f"Who was the captain of ship number {row}?" if fact else f"Compute {row} * 17 + 4 - {row % 9}."
        for row, fact in enumerate(facts)
    ]
    sure = np.where(small > 0, 0.9, 0.3)
    table = OutcomeTable(
        name=path.name,
        ids=tuple(str(row) for row in range(n)),
        prompts=tuple(prompts),
        groups=None,
        models=("tiny", "big"),
        correct=np.stack([small, (random.random(n) < 0.95).astype(float)], axis=1),
        confidence=np.stack([sure, np.ones(n)], axis=1),
    )
    write_table(table, path)
    return path


def test_the_json_holds_figures_guarantee_and_origin(command: Callable[..., Any], log: Path) -> None:
    outcome = command("lab", "calibrate", str(log), "--target", "0.9", "--check", "5", "--json")
    assert outcome.code == 0
    found = outcome.data
    assert found.keys() >= KEYS
    assert found["policy"] == "learned"
    assert 0 < found["large_share"] < 0.8
    assert found["quality_lower"] >= 0.9 * found["reference_quality"]
    assert found["check"].keys() >= {
        *("splits", "violations", "violation_rate", "naive_violation_rate", "cost_over_best"),
        *("population_violation_rate", "refused"),
    }
    assert found["table"]["rows"] == 600
    assert found["command"] == (
        f"pilotfish lab calibrate {log} --policy learned --target 0.9 --confidence 0.9 --check 5"
    )


def test_it_says_what_is_guaranteed_and_saved(command: Callable[..., Any], log: Path) -> None:
    said = command("lab", "calibrate", str(log), "--target", "0.9", "--check", "3").out
    assert "Guarantee: at least 90.0% of the quality of big, with probability 90%" in said
    assert "Certified for the log's column 'tiny' as the small model: in an agent it holds only where" in said
    assert "% saved." in said
    assert "% of it (90.0% is promised)" in said, "and no bound that a chosen threshold does not have"
    assert "Check, 3 random splits, 300 rows calibrated on" in said


def test_the_file_makes_a_policy_for_replay_and_classify(
    command: Callable[..., Any], log: Path, tmp_path: Path
) -> None:
    file = tmp_path / "made" / "calibration.json"
    made = command("lab", "calibrate", str(log), "--target", "0.9", "--out", str(file), "--json").data
    assert read_calibration(file).threshold == made["threshold"]
    replayed = command("lab", "replay", str(log), "--policy", f"threshold:calibration={file}", "--json").data
    (row,) = [row for row in replayed["rows"] if row["policy"].startswith("threshold")]
    assert (row["quality"], row["large_share"]) == pytest.approx((made["quality"], made["large_share"]))
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "version": "of old"}))
    refused = command("lab", "replay", str(log), "--policy", f"threshold:calibration={file}")
    assert refused.code == 2
    assert "calibrate it again with: pilotfish lab calibrate" in refused.err


def test_a_cascade_from_log_to_replay(command: Callable[..., Any], log: Path, tmp_path: Path) -> None:
    file = tmp_path / "cascade.json"
    outcome = command(
        "lab", "calibrate", str(log), "--policy", "cascade", "--target", "0.9", "--out", str(file)
    )
    assert outcome.code == 0
    assert "the small model's answer stands from a confidence of" in outcome.out
    assert f"--policy cascade:calibration={file}" in outcome.out
    assert command("lab", "replay", str(log), "--policy", f"cascade:calibration={file}").code == 0


def test_too_few_rows_end_with_3_and_say_how_many_more(command: Callable[..., Any], tmp_path: Path) -> None:
    outcome = command("lab", "calibrate", str(write(tmp_path / "few.csv", 40)), "--json")
    assert (outcome.code, outcome.data["error"]["exit_code"]) == (3, 3)
    assert "more like these would be needed" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "1"), "target 1.0 is not a share"),
        (("--confidence", "2"), "confidence 2.0 is not between"),
        (("--policy", "lerned"), "did you mean 'learned'"),
        (("--policy", "knn"), "--labels N"),
        (("--large", "huge"), "no model 'huge'"),
        (("--labels", "600"), "--labels 600 cannot be taken"),
        (("--check", "0"), ""),
    ],
)
def test_a_wrong_command_ends_with_2(
    command: Callable[..., Any], log: Path, options: tuple[str, str], message: str
) -> None:
    outcome = command("lab", "calibrate", str(log), *options)
    assert outcome.code == 2
    assert message in outcome.err


def test_no_file_is_written_for_a_policy_that_is_not_kept(
    command: Callable[..., Any], log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pilotfish.lab import recipes
    from pilotfish.router.rules import RulesPolicy

    def found(_text: str) -> recipes.Recipe:
        return recipes.Recipe(name="fitted", needs_labels=True, fit=lambda _train, *, context: RulesPolicy())

    monkeypatch.setattr("pilotfish.lab.contenders.find_recipe", found)
    out = tmp_path / "c.json"
    outcome = command(
        "lab", "calibrate", str(log), "--policy", "fitted", "--labels", "100", "--out", str(out)
    )
    assert outcome.code == 2
    assert "train it to a file first" in outcome.err
    assert not out.exists()
