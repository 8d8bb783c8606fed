from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.curves import budgets_of, curve_points, curve_table, learning_curve, plot_curve
from pilotfish.lab.recipes import Context, Recipe
from pilotfish.lab.table import OutcomeTable
from pilotfish.router.policy import Decision, Policy
from pilotfish.router.subtask import Subtask

pytest.importorskip("pandas")

WORDS = [f"w{n}" for n in range(40)]


def make_table(rows: int = 400) -> OutcomeTable:
    """The large model is needed where a prompt's word is odd, which only rows with that word can teach."""
    places = np.random.default_rng(0).integers(0, len(WORDS), rows)
    small = (places % 2 == 0).astype(float)
    return OutcomeTable(
        name="words",
        ids=tuple(str(n) for n in range(rows)),
        prompts=tuple(f"{WORDS[place]} number {n}" for n, place in enumerate(places)),
        groups=None,
        models=("small", "large"),
        correct=np.stack([small, np.ones(rows)], axis=1),
    )


class Remembers:
    """Asks for the large model where the word is known to need it."""

    def __init__(self, needs: dict[str, float]) -> None:
        self.needs = needs

    def decide(self, subtasks: Any, /) -> list[Decision]:
        return [self._decide(subtask) for subtask in subtasks]

    def _decide(self, subtask: Subtask) -> Decision:
        gain = self.needs.get(subtask.text.split()[0], 0.0)
        return Decision(
            kind="knowledge",
            lane="large" if gain > 0 else "local",
            p_reasoning=0.5,
            confidence=0.5,
            reason="remembered",
            policy="remembers",
            version="1",
            large_gain=gain + len(subtask.text) * 1e-6,
        )


def recipe(seen: list[set[str]] | None = None) -> Recipe:
    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        if seen is not None:
            seen.append(set(train.ids))
        gains = train.correct[:, context.pair.large] - train.correct[:, context.pair.small]
        return Remembers(
            {
                prompt.split()[0]: float(gain) or -1.0
                for prompt, gain in zip(train.prompts, gains, strict=True)
            }
        )

    return Recipe(name="remembers", needs_labels=True, fit=fit)


def test_more_labels_earn_more_and_every_budget_is_scored_on_the_same_rows() -> None:
    seen: list[set[str]] = []
    frame = learning_curve(make_table(), recipe(seen), labels=(10, 40, 200), seeds=3)
    mine = frame[~frame["baseline"]]
    assert sorted(mine["labels"].unique()) == [10, 40, 200]
    assert len(mine) == 9
    assert mine["n"].nunique() == 1
    apgr = {point["labels"]: point for point in curve_points(frame) if not point["baseline"]}
    assert apgr[10]["mean"] < apgr[40]["mean"] < apgr[200]["mean"]
    assert all(
        point["low"] <= point["mean"] <= point["high"] and point["seeds"] == 3 for point in apgr.values()
    )
    by_seed = [seen[start : start + 3] for start in range(0, 9, 3)]
    assert all(small < middle < large for small, middle, large in by_seed), (
        "small budgets are part of larger ones"
    )


def test_baselines_stand_beside_and_chance_at_each_share_does_not() -> None:
    frame = learning_curve(make_table(), recipe(), labels=(20, 60), seeds=2)
    baselines = set(frame[frame["baseline"]]["policy"])
    assert {"oracle", "prompt-length"} <= baselines
    assert not any("remembers" in name for name in baselines)
    assert set(frame[frame["baseline"]]["labels"]) == {0}


def test_budgets_that_leave_too_little_to_score_are_left_out() -> None:
    assert budgets_of((50, 100, 3000), 200, name="t") == [50, 100]
    with pytest.raises(UsageError, match=r"'t' has 40 rows: too few to label 50 .* allows is 30"):
        budgets_of((50, 100), 40, name="t")


def test_a_policy_that_learns_nothing_has_no_curve() -> None:
    with pytest.raises(UsageError, match="'rules' is not fitted on labelled rows"):
        learning_curve(make_table(), "rules")


def test_the_table_has_a_line_per_budget_with_its_interval() -> None:
    frame = learning_curve(make_table(), recipe(), labels=(20, 60), seeds=2)
    lines = curve_table(frame, ("quality", "apgr")).splitlines()
    assert lines[0] == "| policy | labels | quality | APGR |"
    assert lines[2].startswith("| remembers | 20 | ")
    assert "[" in lines[2]
    assert any(line.startswith("| oracle | – |") for line in lines)


@pytest.mark.parametrize("name", ["curve.png", "curve.svg"])
def test_the_plot_is_written(tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    frame = learning_curve(make_table(), recipe(), labels=(20, 60), seeds=2)
    path = plot_curve(frame, tmp_path / name)
    assert path.read_bytes().startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with pytest.raises(UsageError, match="no 'cpt50' to plot"):
        plot_curve(frame.assign(cpt50=None), tmp_path / "other.png", figure="cpt50")
