"""Small outcome tables, made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pilotfish.lab.table import OutcomeTable

MakeTable = Callable[..., OutcomeTable]


@pytest.fixture
def make_table() -> MakeTable:
    """Builds a table of `n` distinct prompts whose later half the small model gets wrong more often."""

    def make(
        n: int = 400,
        *,
        models: Sequence[str] = ("small", "large"),
        seed: int = 0,
        costs: Sequence[float] | None = None,
        groups: bool = True,
        prompts: Sequence[str] | None = None,
    ) -> OutcomeTable:
        rng = np.random.default_rng(seed)
        hard = np.arange(n) >= n / 2
        chances = [np.where(hard, 0.3, 0.9), np.where(hard, 0.8, 0.85)]
        chances += [np.full(n, 0.5)] * (len(models) - 2)
        correct = (rng.random((n, len(models))) < np.stack(chances[: len(models)], axis=1)).astype(np.float64)
        return OutcomeTable(
            name="made-up",
            ids=tuple(str(row) for row in range(n)),
            prompts=tuple(
                prompts
                or (f"question {row} about thing {row * 7}: {'hard ' * (row % 9)}?" for row in range(n))
            ),
            groups=tuple("hard" if late else "easy" for late in hard) if groups else None,
            models=tuple(models),
            correct=correct,
            cost=None if costs is None else np.tile(np.array(costs, dtype=np.float64), (n, 1)),
        )

    return make
