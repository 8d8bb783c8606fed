from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pilotfish.lab import table_train
from pilotfish.lab.recipes import Context, Recipe
from pilotfish.lab.table import OutcomeTable
from pilotfish.lab.table_train import train_on_table
from pilotfish.router.fixed import always_large
from pilotfish.router.policy import Policy


@pytest.mark.parametrize("seed", [0, 2])
def test_the_card_describes_the_rows_that_were_fitted_on(
    make_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    fitted: dict[int, tuple[str, ...]] = {}
    described: list[tuple[str, ...]] = []

    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        fitted[context.seed] = train.ids
        return always_large()

    def save(_: Policy, out: Path, *, train: OutcomeTable, **_rest: Any) -> Path:
        described.append(train.ids)
        return out / "knn.json"

    recipe = Recipe(name="knn", needs_labels=True, fit=fit)
    monkeypatch.setattr(table_train, "_trainable", lambda _: (recipe, SimpleNamespace(save=save)))
    whole = make_table(200)
    correct = whole.correct.copy()
    correct[::40, 0] = np.nan
    table = replace(whole, correct=correct)
    done = train_on_table(table, "knn", out=tmp_path, command="c", labels=50, seed=seed, seeds=2)
    assert described == [fitted[seed]]
    assert done.labels == len(fitted[seed]) == 50
    assert not set(whole.ids[::40]) & set(fitted[seed])
