from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.table import Pair, costs_of, pair_of


def test_rows_and_models_are_taken_in_the_order_asked_for(make_table: Any) -> None:
    table = make_table(6, models=("a", "b", "c"), costs=(1.0, 2.0, 3.0))
    found = table.take([4, 1]).only(("c", "a"))
    assert found.ids == ("4", "1")
    assert found.groups == ("hard", "easy")
    assert found.models == ("c", "a")
    assert (found.correct == table.correct[[4, 1]][:, [2, 0]]).all()
    assert found.cost.tolist() == [[3.0, 1.0], [3.0, 1.0]]


def test_the_digest_is_of_the_content_and_not_of_the_name(make_table: Any) -> None:
    table = make_table(5)
    assert replace(table, name="other").digest == table.digest
    assert table.take([1, 0, 2, 3, 4]).digest != table.digest
    changed = table.correct.copy()
    changed[0, 0] = 0.5
    assert replace(table, correct=changed).digest != table.digest


def test_an_unnamed_pair_is_the_worst_and_the_best_model(make_table: Any) -> None:
    table = make_table(models=("a", "b", "c"))
    means = table.correct.mean(axis=0)
    assert pair_of(table) == Pair(small=int(means.argmin()), large=int(means.argmax()))
    assert pair_of(table, small="b", large="c") == Pair(small=1, large=2)


def test_a_pair_needs_two_models(make_table: Any) -> None:
    with pytest.raises(UsageError, match="two are needed"):
        pair_of(make_table().only(("small",)))
    with pytest.raises(UsageError, match="both the small and the large"):
        pair_of(make_table(), small="large")
    with pytest.raises(UsageError, match="no model 'medium'; it has: small, large"):
        pair_of(make_table(), small="medium")


def test_a_gap_is_no_result_and_complete_leaves_its_row_out(make_table: Any) -> None:
    table = make_table(8)
    holes = table.correct.copy()
    holes[3, 0] = np.nan
    gappy = replace(table, correct=holes)
    assert gappy.complete().ids == ("0", "1", "2", "4", "5", "6", "7")
    assert gappy.only(("large",)).complete().ids == table.ids
    assert table.complete() is table
    assert pair_of(gappy).large == pair_of(table).large


def test_costs_are_dollars_or_else_calls_to_the_large_model(make_table: Any) -> None:
    pair = Pair(small=0, large=1)
    dollars, unit = costs_of(make_table(2, costs=(0.1, 2.0)), pair)
    assert (dollars.tolist(), unit) == ([[0.1, 2.0]] * 2, "usd")
    calls, unit = costs_of(make_table(2), pair)
    assert (calls.tolist(), unit) == ([[0.0, 1.0]] * 2, "large_calls")
