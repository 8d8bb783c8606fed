"""What every policy is measured against: one model for all, chance, prompt length, the gold group, and the oracle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .table import Floats, OutcomeTable, Pair

SHRINKAGE = 8.0
"""Prompts' worth of the overall mean that a group's own mean is mixed with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """A way of choosing that is no policy: it may look at outcomes or labels that no policy sees."""

    name: str
    choice: NDArray[np.intp]
    """Column of the model chosen, shape (n,)."""
    score: Floats
    """How strongly the large model is asked for, shape (n,)."""
    version: str = "1"
    """The model's name where the baseline is one model chosen from the labelled rows."""
    mixed: Floats | None = None
    """Probability of every model, shape (m,), where the choice is chance: quality and cost are then expectations."""


def baselines_of(
    train: OutcomeTable, test: OutcomeTable, *, pair: Pair, cost: Floats
) -> tuple[list[Baseline], list[str]]:
    """The baselines on `test`, and notes on those left out.

    `train` holds the labelled rows, none perhaps; `cost` the cost of every model on `test`, shape (n, m).
    """
    found = [
        _fixed("always-small", test, pair.small, pair),
        _fixed("always-large", test, pair.large, pair),
        best_fixed(train if len(train) else test, test, pair=pair),
        prompt_length(test, pair=pair),
    ]
    notes: list[str] = []
    if test.groups is None:
        pass
    elif len(train):
        found.append(gold_group(train, test, pair=pair))
    else:
        notes.append("no gold group baseline: it needs labelled rows, from --labels N or --folds K")
    if not len(train):
        notes.append("best-fixed is chosen with hindsight: no rows are labelled")
    return [*found, oracle(test, pair=pair, cost=cost)], notes


def best_fixed(train: OutcomeTable, test: OutcomeTable, *, pair: Pair) -> Baseline:
    """The model that is best on `train` for everything; the version names it."""
    best = int(train.correct.mean(axis=0).argmax())
    return _fixed("best-fixed", test, best, pair)


def prompt_length(test: OutcomeTable, *, pair: Pair) -> Baseline:
    """The longer half of the prompts, by characters, to the large model."""
    length = np.array([len(prompt) for prompt in test.prompts], dtype=np.float64)
    choice = np.where(length > np.median(length), pair.large, pair.small)
    return Baseline(name="prompt-length", choice=choice, score=length)


def gold_group(train: OutcomeTable, test: OutcomeTable, *, pair: Pair) -> Baseline:
    """The model with the best mean on the labelled rows of a prompt's group, shrunk towards the mean of all groups.

    The score is the shrunk gain of the large model over the small one.
    """
    overall = train.correct.mean(axis=0)
    names, group = np.unique(np.array(train.groups), return_inverse=True)
    count = np.bincount(group, minlength=len(names))[:, None]
    total = np.stack(
        [np.bincount(group, weights=column, minlength=len(names)) for column in train.correct.T], axis=1
    )
    means = {
        str(name): mean
        for name, mean in zip(names, (total + SHRINKAGE * overall) / (count + SHRINKAGE), strict=True)
    }
    expected = np.array([means.get(name, overall) for name in test.groups or ()])
    score = expected[:, pair.large] - expected[:, pair.small]
    return Baseline(name="gold-group", choice=expected.argmax(axis=1), score=score)


def oracle(test: OutcomeTable, *, pair: Pair, cost: Floats) -> Baseline:
    """The best model on every prompt, the cheapest of the best; the score is what the large model really gains."""
    best = test.correct == test.correct.max(axis=1, keepdims=True)
    choice = np.where(best, cost, np.inf).argmin(axis=1)
    return Baseline(
        name="oracle", choice=choice, score=test.correct[:, pair.large] - test.correct[:, pair.small]
    )


def at_random(like: str, choice: NDArray[np.intp], *, models: int, seed: int) -> Baseline:
    """The choices of the policy called `like`, dealt to the prompts by chance: the same share for every model."""
    rng = np.random.default_rng([seed, 1])
    return Baseline(
        name=f"random@{like}",
        choice=rng.permutation(choice),
        score=rng.random(len(choice)),
        mixed=np.bincount(choice, minlength=models) / len(choice),
    )


def _fixed(name: str, test: OutcomeTable, column: int, pair: Pair) -> Baseline:
    return Baseline(
        name=name,
        choice=np.full(len(test), column, dtype=np.intp),
        score=np.full(len(test), 1.0 if column == pair.large else 0.0),
        version=test.models[column],
    )
