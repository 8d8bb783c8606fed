"""Which rows of a table are labelled and which are scored: by a label budget, by folds, or none labelled at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from .table import OutcomeTable, Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One division of a table; both ascending."""

    seed: int
    train: Rows
    """Labelled rows; empty where nothing is fitted."""
    test: Rows


def splits_of(
    table: OutcomeTable,
    *,
    labels: float | None = None,
    seeds: int = 1,
    folds: int | None = None,
    identity: Sequence[int] | None = None,
) -> list[Split]:
    """The divisions of `table`, by seed 0 to `seeds` - 1.

    `labels` rows, or that share of them below 1, are labelled at random and the rest is scored; with `folds` each
    fold is scored after labelling the others. Rows with one `identity` stay in one fold. Without either, all rows are
    scored. Raises `UsageError` where the numbers do not fit the table.
    """
    if seeds < 1:
        raise UsageError(f"--seeds {seeds} is no number of runs; give 1 or more")
    if labels is not None and folds is not None:
        raise UsageError("--labels and --folds are two ways to divide a table; give one of them")
    everything = np.arange(len(table))
    if folds is not None:
        known = everything if identity is None else np.unique(np.asarray(identity), return_inverse=True)[1]
        return [split for seed in range(seeds) for split in _folds(table, folds, seed, known)]
    if labels is None:
        if seeds > 1:
            raise UsageError(
                f"--seeds {seeds} changes nothing without --labels N or --folds K; add one of them"
            )
        return [Split(seed=0, train=everything[:0], test=everything)]
    number = _number_of_labels(table, labels)
    orders = [np.random.default_rng(seed).permutation(len(table)) for seed in range(seeds)]
    return [
        Split(seed=seed, train=np.sort(order[:number]), test=np.sort(order[number:]))
        for seed, order in enumerate(orders)
    ]


def sample_rows(table: OutcomeTable, rows: int | None, *, seed: int = 0) -> OutcomeTable:
    """`rows` random rows of a table, in its order; the whole table where it has no more than that."""
    if rows is None or rows >= len(table):
        return table
    if rows < 1:
        raise UsageError(f"--rows {rows} leaves nothing to score; give 1 or more")
    return table.take(np.sort(np.random.default_rng(seed).permutation(len(table))[:rows]))


def _number_of_labels(table: OutcomeTable, labels: float) -> int:
    number = round(labels * len(table)) if 0 < labels < 1 else labels
    if not math.isfinite(number) or number != int(number) or not 1 <= number < len(table):
        raise UsageError(
            f"--labels {labels:g} cannot be taken from the {len(table)} rows of {table.name!r}; "
            f"give 1 to {len(table) - 1}, or a share between 0 and 1"
        )
    return int(number)


def _folds(table: OutcomeTable, folds: int, seed: int, identity: NDArray[np.intp]) -> list[Split]:
    distinct = int(identity.max()) + 1
    if not 2 <= folds <= distinct:
        raise UsageError(
            f"--folds {folds} cannot divide the {distinct} distinct prompts of {table.name!r}; "
            f"give 2 to {distinct}"
        )
    rank = np.empty(distinct, dtype=np.intp)
    rank[np.random.default_rng(seed).permutation(distinct)] = np.arange(distinct)
    fold = (rank * folds // distinct)[identity]
    return [
        Split(seed=seed, train=np.flatnonzero(fold != k), test=np.flatnonzero(fold == k))
        for k in range(folds)
    ]
