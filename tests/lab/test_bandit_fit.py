from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.bandit_fit import arms_of, fit, play
from pilotfish.lab.recipes import Context, find_recipe
from pilotfish.lab.routed import decide, route, subtasks_of
from pilotfish.lab.table import OutcomeTable, Pair, pair_of
from pilotfish.router.bandit import BanditPolicy
from pilotfish.testing.lanes import FakePolicy


def table(n: int = 240, *, cost: bool = False) -> OutcomeTable:
    """The small model is right about ships, the large one about everything."""
    prompts = tuple(f"where does {'the ship' if i % 2 else 'a plane'} number {i} go" for i in range(n))
    ships = np.arange(n) % 2 == 1
    correct = np.column_stack([ships.astype(float), np.ones(n)])
    return OutcomeTable(
        name="t",
        ids=tuple(map(str, range(n))),
        prompts=prompts,
        groups=None,
        models=("tiny", "huge"),
        correct=correct,
        cost=np.tile([0.01, 0.04], (n, 1)) if cost else None,
    )


PAIR = Pair(small=0, large=1)


def test_one_pass_learns_where_the_small_model_will_do() -> None:
    train, test = table().take(range(200)), table().take(range(200, 240))
    policy = fit(train, context=Context(pair=PAIR, seed=1, options={"tradeoff": 0.3}))
    routed = route(policy, test, PAIR)
    ships = np.arange(200, 240) % 2 == 1
    assert (routed.choice[ships] == 0).mean() >= 0.85
    assert (routed.choice[~ships] == 1).mean() >= 0.85
    assert routed.score[~ships].min() > routed.score[ships].max(), "the gain ranks planes before ships"


def test_the_same_rows_and_seed_give_the_same_policy() -> None:
    recipe = find_recipe("bandit:exploration=0.1")
    assert recipe.needs_labels
    once, again, other = (
        decide(recipe.fit(table(), context=Context(pair=PAIR, seed=seed)), subtasks_of(table()))
        for seed in (1, 1, 2)
    )
    assert once == again
    assert once != other


def test_it_sees_the_outcome_of_what_it_chose_and_no_other() -> None:
    full = table()
    order = np.random.default_rng(0).permutation(len(full))
    options = {"arms": arms_of(full, PAIR), "seed": 4}
    choices = play(BanditPolicy(FakePolicy(), **options), full, order)
    hidden = np.full_like(full.correct, np.nan)
    hidden[order, choices] = full.correct[order, choices]
    told = OutcomeTable(
        name="t", ids=full.ids, prompts=full.prompts, groups=None, models=full.models, correct=hidden
    )
    assert np.array_equal(play(BanditPolicy(FakePolicy(), **options), told, order), choices)


def test_prices_are_shares_of_the_dearest() -> None:
    assert dict(arms_of(table(cost=True), PAIR).prices) == {"tiny": pytest.approx(0.25), "huge": 1.0}
    assert dict(arms_of(table(), pair_of(table())).prices) == {"tiny": 0.0, "huge": 1.0}


def test_a_saved_state_is_loaded_and_not_fitted() -> None:
    assert not find_recipe("bandit:state=somewhere.npz").needs_labels


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(UsageError, match="no option 'k'; it takes exploration"):
        fit(table(), context=Context(pair=PAIR, options={"k": 3}))


def test_a_model_may_bear_the_name_of_a_lane() -> None:
    named = replace(table(60), models=("local", "large"))
    policy = fit(named, context=Context(pair=PAIR, seed=1))
    assert set(route(policy, named, PAIR).choice) <= {0, 1}
