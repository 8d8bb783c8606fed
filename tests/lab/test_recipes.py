from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.lab.recipes import Context, check_options, find_recipe
from pilotfish.lab.table import Pair

CONTEXT = Context(pair=Pair(small=0, large=1), seed=4)


def test_a_policy_that_needs_no_labels_is_loaded_with_its_options(make_table: Any) -> None:
    recipe = find_recipe("random:share=0.25,seed=3")
    assert (recipe.name, recipe.needs_labels) == ("random:share=0.25,seed=3", False)
    assert repr(recipe.fit(make_table(1).take([]), context=CONTEXT)) == "RandomPolicy(seed=3, share=0.25)"


def test_a_fitted_policy_gets_the_rows_the_seed_and_its_options(make_table: Any, monkeypatch: Any) -> None:
    seen: list[Any] = []
    module = ModuleType("pilotfish.lab.knn_fit")
    module.fit = lambda train, *, context: seen.append((train, context)) or "fitted"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pilotfish.lab.knn_fit", module)
    recipe = find_recipe("knn:k=5")
    train = make_table(9)
    assert recipe.needs_labels
    assert recipe.fit(train, context=CONTEXT) == "fitted"
    [(rows, context)] = seen
    assert rows is train
    assert (context.options, context.seed, context.pair) == ({"k": 5}, 4, CONTEXT.pair)


def test_a_policy_with_weights_of_its_own_is_loaded_and_not_fitted() -> None:
    assert not find_recipe("capability:weights=mine.json").needs_labels


def test_an_unknown_policy_is_named_with_the_nearest(make_table: Any) -> None:
    with pytest.raises(UsageError, match="did you mean 'learned'"):
        find_recipe("lerned").fit(make_table(1), context=CONTEXT)
    with pytest.raises(UsageError, match="has no value"):
        find_recipe("random:share")


def test_options_of_a_fit_are_checked_by_name_and_value() -> None:
    check_options("bandit", {"exploration": 0, "spread": 2.0}, known=("exploration", "spread"))
    with pytest.raises(UsageError, match=r"has no option 'k'; it takes exploration$"):
        check_options("bandit", {"k": 1}, known=("exploration",))
    with pytest.raises(
        UsageError, match="policy 'bandit' option 'exploration' is 'abc', which is not a number"
    ):
        check_options("bandit", {"exploration": "abc"}, known=("exploration",))
