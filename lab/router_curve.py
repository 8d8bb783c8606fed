"""The learning curve of the `learned` policy: StrategyQA's dev steps, by how many of its train steps were labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from .curves import LABELS, budgets_of
from .router_data import Row, load_rows
from .router_exemplars import load_exemplars
from .router_fit import STEPS_SET, Reader, examples_of, fit, scores
from .router_metrics import accuracy, balanced_accuracy, f1

if TYPE_CHECKING:
    import pandas

ALONE, WITH_EXEMPLARS, NONE = "steps alone", "steps and our exemplars", "our exemplars alone"
COLUMNS = ("policy", "labels", "seed", "baseline", "n", "accuracy", "balanced", "f1")


def router_curve(
    data: Path,
    *,
    labels: Sequence[int] = LABELS,
    seeds: int = 5,
    progress: Callable[[int, int, str], None] | None = None,
) -> pandas.DataFrame:
    """A line per budget, seed and training set, with the columns `COLUMNS`; smaller budgets are part of larger ones.

    Raises `UsageError` where `data` holds no StrategyQA.
    """
    import pandas as pd

    rows = [row for row in load_rows(data) if row.dataset == STEPS_SET]
    training = [row for row in rows if row.split == "train"]
    steps = [row for row in rows if row.split == "test"]
    if not training or not steps:
        raise UsageError(
            f"no StrategyQA train and dev steps under {str(data)!r}; its learning curve needs both"
        )
    reader, exemplars = Reader(), load_exemplars()
    budgets = budgets_of(labels, len(training), name=STEPS_SET)
    found = [_line(NONE, 0, 0, exemplars, steps, reader, baseline=True)]
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(training))
        for place, budget in enumerate(budgets):
            if progress is not None:
                progress(seed * len(budgets) + place, seeds * len(budgets), f"{budget} steps, seed {seed}")
            chosen = [training[index] for index in order[:budget]]
            found.append(_line(ALONE, budget, seed, chosen, steps, reader))
            found.append(_line(WITH_EXEMPLARS, budget, seed, [*chosen, *exemplars], steps, reader))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _line(
    name: str,
    budget: int,
    seed: int,
    training: Sequence[Row],
    steps: Sequence[Row],
    reader: Reader,
    *,
    baseline: bool = False,
) -> dict[str, Any]:
    model = fit(examples_of(training), reader)
    decided = [float(score > 0) for score in scores(model, [row.text for row in steps], reader)]
    truth = [row.label for row in steps]
    return {
        "policy": name,
        "labels": budget,
        "seed": seed,
        "baseline": baseline,
        "n": len(steps),
        "accuracy": accuracy(decided, truth),
        "balanced": balanced_accuracy(decided, truth),
        "f1": f1(decided, truth),
    }
