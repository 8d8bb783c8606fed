from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotfish.lab.baselines import at_random, baselines_of, best_fixed, gold_group, oracle, prompt_length
from pilotfish.lab.table import OutcomeTable, Pair

PAIR = Pair(small=0, large=1)


def table(
    correct: list[list[float]], groups: list[str] | None = None, prompts: list[str] | None = None
) -> OutcomeTable:
    return OutcomeTable(
        name="t",
        ids=tuple(map(str, range(len(correct)))),
        prompts=tuple(prompts or map(str, range(len(correct)))),
        groups=None if groups is None else tuple(groups),
        models=tuple("abcdef"[: len(correct[0])]),
        correct=np.array(correct),
    )


def test_the_oracle_takes_the_best_model_and_the_cheapest_of_the_best() -> None:
    outcomes = table([[1, 1, 0], [0, 0.5, 1], [0, 0, 0], [0.5, 1, 1]])
    cost = np.tile([1.0, 3.0, 2.0], (4, 1))
    assert oracle(outcomes, pair=PAIR, cost=cost).choice.tolist() == [0, 2, 0, 2]


def test_the_best_fixed_model_is_chosen_on_the_labelled_rows() -> None:
    labelled, scored = table([[1, 0], [1, 0]]), table([[0, 1], [0, 1], [0, 1]])
    found = best_fixed(labelled, scored, pair=PAIR)
    assert (found.choice.tolist(), found.version) == ([0, 0, 0], "a")


def test_the_longer_half_of_the_prompts_goes_large() -> None:
    found = prompt_length(table([[0, 1]] * 4, prompts=["xxx", "x", "xxxx", "xx"]), pair=PAIR)
    assert found.choice.tolist() == [1, 0, 1, 0]
    assert found.score.tolist() == [3, 1, 4, 2]


def test_gold_groups_choose_by_their_labelled_mean_and_rank_by_their_gain() -> None:
    labelled = table([[1, 0]] * 30 + [[0, 1]] * 30, groups=["easy"] * 30 + ["hard"] * 30)
    found = gold_group(labelled, table([[0, 0]] * 3, groups=["hard", "easy", "new"]), pair=PAIR)
    assert found.choice[:2].tolist() == [1, 0]
    assert found.score.tolist() == pytest.approx([30 / 38, -30 / 38, 0.0])


def test_a_group_of_one_labelled_row_hardly_moves_from_the_mean() -> None:
    labelled = table([[0, 1]] + [[1, 0]] * 40, groups=["rare"] + ["common"] * 40)
    assert gold_group(labelled, table([[0, 0]], groups=["rare"]), pair=PAIR).choice.tolist() == [0]


def test_chance_keeps_the_share_of_every_model_and_is_seeded() -> None:
    choice = np.array([0] * 30 + [2] * 70)
    found = at_random("p", choice, models=3, seed=1)
    assert found.name == "random@p"
    assert np.bincount(found.choice).tolist() == [30, 0, 70]
    assert found.mixed is not None
    assert found.mixed.tolist() == [0.3, 0.0, 0.7]
    assert (found.choice == at_random("p", choice, models=3, seed=1).choice).all()
    assert (found.choice != at_random("p", choice, models=3, seed=2).choice).any()


def test_what_needs_labels_is_left_out_with_a_note(make_table: Any) -> None:
    whole = make_table(40)
    cost = np.zeros_like(whole.correct)
    names, notes = baselines_of(whole.take([]), whole, pair=PAIR, cost=cost)
    assert [one.name for one in names] == [
        "always-small",
        "always-large",
        "best-fixed",
        "prompt-length",
        "oracle",
    ]
    assert any("no gold group" in note for note in notes)
    assert any("hindsight" in note for note in notes)
    names, notes = baselines_of(whole.take([0, 1, 30]), whole, pair=PAIR, cost=cost)
    assert "gold-group" in [one.name for one in names]
    assert notes == []
