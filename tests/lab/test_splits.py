from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.splits import sample_rows, splits_of


def test_labels_are_the_head_of_a_seeded_permutation_and_the_rest_is_scored(make_table: Any) -> None:
    table = make_table(50)
    found = splits_of(table, labels=20, seeds=3)
    for seed, split in enumerate(found):
        order = np.random.default_rng(seed).permutation(50)
        assert split.train.tolist() == sorted(order[:20].tolist())
        assert split.test.tolist() == sorted(order[20:].tolist())
    assert len({tuple(split.train) for split in found}) == 3


def test_a_share_of_labels_is_rounded_to_rows(make_table: Any) -> None:
    assert len(splits_of(make_table(50), labels=0.7)[0].train) == 35


def test_folds_score_every_row_once_a_seed_and_keep_twins_together(make_table: Any) -> None:
    table = make_table(40)
    identity = [row % 15 for row in range(40)]
    found = splits_of(table, folds=4, seeds=2, identity=identity)
    assert len(found) == 8
    for seed in range(2):
        folds = [split for split in found if split.seed == seed]
        assert sorted(row for split in folds for row in split.test) == list(range(40))
        for split in folds:
            assert not {identity[row] for row in split.train} & {identity[row] for row in split.test}
            assert len(split.train) + len(split.test) == 40


def test_without_labels_everything_is_scored_once(make_table: Any) -> None:
    [split] = splits_of(make_table(7))
    assert (split.train.tolist(), split.test.tolist()) == ([], list(range(7)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": 50}, "--labels 50 cannot be taken from the 50 rows"),
        ({"labels": 0}, "--labels 0 cannot"),
        ({"labels": 3.5}, "--labels 3.5 cannot"),
        ({"labels": -1}, "--labels -1 cannot"),
        ({"folds": 1}, "--folds 1 cannot divide the 50 distinct prompts"),
        ({"folds": 51}, "--folds 51 cannot divide"),
        ({"labels": 5, "folds": 5}, "give one of them"),
        ({"seeds": 3}, "--seeds 3 changes nothing without"),
        ({"seeds": 0, "labels": 5}, "--seeds 0 is no number of runs"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(make_table: Any, options: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        splits_of(make_table(50), **options)


def test_a_sample_keeps_the_order_of_the_table(make_table: Any) -> None:
    table = make_table(100)
    found = sample_rows(table, 10)
    assert len(found) == 10
    assert list(map(int, found.ids)) == sorted(map(int, found.ids))
    assert sample_rows(table, 10).ids == found.ids
    assert sample_rows(table, 500) is table
    with pytest.raises(UsageError, match="--rows 0"):
        sample_rows(table, 0)
