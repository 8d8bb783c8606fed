from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.capability_fit import card, cost_by_length, fit, save
from pilotfish.lab.kernel_choice import blend_of, parts_of, strongest_fair
from pilotfish.lab.recipes import Context, find_recipe
from pilotfish.lab.routed import route
from pilotfish.lab.table import OutcomeTable, Pair
from pilotfish.lab.trees import grow, plant
from pilotfish.router.fingerprints import fingerprints
from pilotfish.router.load import load_policy
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.policy_conformance import check_policy

PAIR = Pair(small=0, large=1)
SKILLS = ("adds the apples of", "governs the harbour of", "translates the poem of")


def table(
    rows: int = 90, *, first: int = 0, models: int = 2, costs: bool = False, seed: int = 0
) -> OutcomeTable:
    """Model 0 is right on sums alone, model 1 on all else, and any further one on poems alone."""
    skill = np.arange(first, first + rows) % 3
    towns = np.random.default_rng(seed + first).integers(10, 99, rows)
    correct = np.stack([skill == 0, skill > 0, *([skill == 2] * (models - 2))], axis=1)
    cost = np.tile(np.array([0.001, 0.01, 0.002])[:models], (rows, 1))
    return OutcomeTable(
        name="toy",
        ids=tuple(str(n) for n in range(rows)),
        prompts=tuple(
            f"Who {SKILLS[s]} town {town} in year {n}?"
            for n, (s, town) in enumerate(zip(skill, towns, strict=True))
        ),
        groups=tuple("secret" for _ in range(rows)),
        models=("small", "large", "poet")[:models],
        correct=correct.astype(np.float64),
        cost=cost if costs else None,
    )


def context(**options: Any) -> Context:
    return Context(pair=PAIR, options=options)


def test_it_recovers_a_planted_rule_on_prompts_it_has_not_seen() -> None:
    policy = fit(table(), context=context())
    check_policy(policy)
    test = table(30, first=300)
    routed = route(policy, test, PAIR)
    assert list(routed.choice) == list(test.correct.argmax(axis=1))
    assert routed.decisions[0].large_gain is not None
    assert routed.decisions[0].large_gain < -0.5 < 0.5 < (routed.decisions[1].large_gain or 0.0)
    assert not any("secret" in decision.reason for decision in routed.decisions)


def test_of_three_models_it_takes_the_one_that_is_right_for_less() -> None:
    train = table(120, models=3, costs=True)
    chosen = [
        [
            decision.model
            for decision in route(fit(train, context=context(tradeoff=tradeoff)), train, PAIR).decisions
        ][:3]
        for tradeoff in (0.0, 20.0, 3000.0)
    ]
    assert chosen[0][:2] == ["small", "large"]
    assert chosen[1] == ["small", "large", "poet"]
    assert chosen[2] == ["small", "small", "small"], "no quality is worth 3000 times 0.001 dollars"


def test_costs_follow_the_length_of_a_prompt() -> None:
    prompts = ["x" * size for size in (10, 20, 40, 80)]
    cost = np.array([[0.01 + 0.001 * len(prompt), 0.5] for prompt in prompts])
    assert cost_by_length(prompts, cost) == pytest.approx(np.array([[0.01, 0.5], [0.001, 0.0]]), abs=1e-9)


def test_the_view_of_meaning_is_used_where_an_embedder_is_given() -> None:
    embedder = FakeEmbedder(dimension=128)
    policy = fit(table(), context=context(embedder=embedder))
    check_policy(policy)
    assert policy.model.embedder == embedder.model_id
    assert len(set(embedder.encoded)) > 90
    assert list(route(policy, table(9, first=300), PAIR).choice) == [0, 1, 1] * 3


def test_the_same_rows_and_seed_give_the_same_policy() -> None:
    versions = {fit(table(240), context=context()).version for _ in range(2)}
    assert len(versions) == 1
    assert versions != {fit(table(240, seed=7), context=context()).version}


def test_it_tells_what_it_was_trained_on() -> None:
    assert fit(table(), context=context()).trained_on == fingerprints(table().prompts)


def test_what_is_saved_decides_as_what_was_fitted(tmp_path: Any) -> None:
    train = table(240, models=3, costs=True)
    policy = fit(train, context=context())
    path = save(policy, tmp_path, train=train, figures={}, command="a command")
    loaded = load_policy("capability", weights=str(path))
    test = table(30, first=300, models=3, costs=True)
    assert route(loaded, test, PAIR).decisions == route(policy, test, PAIR).decisions
    text = (tmp_path / "capability.card.md").read_text()
    assert train.digest in text
    assert "best fixed model earned 0.667" in text
    assert card(policy.model).count("\n") >= 2


def test_rows_without_an_outcome_are_left_out() -> None:
    train = table()
    train.correct[3, 0] = np.nan
    assert len(fit(train, context=context()).model.dual) == len(train) - 1


def test_too_few_rows_and_unknown_options_are_refused() -> None:
    with pytest.raises(UsageError, match="12 labelled rows are too few"):
        fit(table(12), context=context())
    with pytest.raises(UsageError, match="no option 'trees'"):
        fit(table(), context=context(trees=3))
    with pytest.raises(UsageError, match="had none"):
        fit(table(), context=context(tradeoff=2.0))


def test_the_recipe_is_found_by_name() -> None:
    recipe = find_recipe("capability")
    assert recipe.needs_labels
    assert list(route(recipe.fit(table(), context=context()), table(3, first=300), PAIR).choice) == [0, 1, 1]


def test_parts_of_outcomes_are_what_is_common_and_what_differs() -> None:
    correct = np.random.default_rng(0).random((50, 4))
    basis = parts_of(correct)
    assert basis.T @ basis == pytest.approx(np.eye(4), abs=1e-9)
    assert basis[:, 0] == pytest.approx(np.full(4, 0.5))
    differences = ((correct - correct.mean(axis=0)) @ basis)[:, 1:].var(axis=0)
    assert list(differences) == sorted(differences, reverse=True)


def test_of_shrinkages_about_as_good_the_strongest_is_taken() -> None:
    errors = np.random.default_rng(0).random((4, 400, 2))
    errors[:, :, 0] = errors[:1, :, 0] + np.array([0.5, 0.0, 0.0, 0.5])[:, None]
    errors[:, :, 1] = errors[:1, :, 1] + np.array([0.0, 0.5, 0.5, 0.5])[:, None]
    assert list(strongest_fair(errors)) == [2, 0]


def test_a_blend_leans_to_the_better_guess_and_stays_between() -> None:
    truth = np.random.default_rng(0).standard_normal((200, 1))
    bad = np.random.default_rng(1).standard_normal((200, 1))
    assert blend_of(truth, truth, bad)[0] < 0.5 < blend_of(truth, bad, truth)[0] <= 0.75
    assert blend_of(truth, bad, bad)[0] == 0.0


def test_a_planted_forest_says_what_it_said_while_it_grew() -> None:
    rng = np.random.default_rng(0)
    measures, outcomes = rng.random((80, 5)), rng.random((80, 2))
    regressor = grow(measures, outcomes, seed=0)
    prior = outcomes.mean(axis=0)
    forest = plant(regressor, prior, np.eye(2))
    for row, said in zip(measures[:10], regressor.predict(measures[:10].astype(np.float32)), strict=True):
        assert forest.predict(row) + prior == pytest.approx(said, abs=1e-5)
