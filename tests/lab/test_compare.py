from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.compare import Comparison, compare, compare_scored, quality_at_share
from pilotfish.lab.compare_ranking import apgr_difference, ranking
from pilotfish.lab.compare_slices import length_terciles
from pilotfish.lab.scored import Scored
from pilotfish.lab.table import OutcomeTable, Pair

PAIR = Pair(small=0, large=1)


def scored(
    table: OutcomeTable, name: str, score: Any, *, cut: float = 0.5, seed: int = 0, rows: Any = None
) -> Scored:
    """What a policy earns whose large calls are where `score`, one value per row of the table, exceeds `cut`."""
    rows = np.arange(len(table)) if rows is None else np.asarray(rows)
    score = np.asarray(score, dtype=np.float64)[rows]
    choice = np.where(score > cut, PAIR.large, PAIR.small)
    return Scored(
        policy=name,
        version="1",
        seed=seed,
        baseline=False,
        rows=rows,
        choice=choice,
        score=score,
        quality=table.correct[rows, choice],
        cost=(choice == PAIR.large).astype(np.float64),
    )


def between(table: OutcomeTable, a: Scored, b: Scored, **options: Any) -> Comparison:
    return compare_scored(table, PAIR, [a], [b], cost_unit="large_calls", **{"resamples": 400, **options})


def test_a_planted_difference_is_found_with_its_place(make_table: Any) -> None:
    table = make_table(1000)
    hard = np.array([group == "hard" for group in table.groups], dtype=np.float64)
    rng = np.random.default_rng(1)
    found = between(table, scored(table, "chance", rng.random(1000)), scored(table, "knows", hard))
    assert found.quality.certain
    assert found.quality.mean > 0.08
    assert found.apgr is not None
    assert found.apgr.certain
    assert found.same_share is not None
    assert found.same_share.certain
    assert "‘knows’ is better than ‘chance’ by" in found.verdict
    groups = {part.name: part for part in found.slices if part.by == "group"}
    assert groups["hard"].certain
    assert not groups["easy"].certain


def test_no_difference_is_said_to_be_none(make_table: Any) -> None:
    table = make_table(400)
    rng = np.random.default_rng(2)
    found = between(table, scored(table, "one", rng.random(400)), scored(table, "two", rng.random(400)))
    assert not found.quality.certain
    assert "cannot tell ‘one’ and ‘two’ apart" in found.verdict
    assert "row" in found.verdict


def test_the_same_choices_are_called_equal(make_table: Any) -> None:
    table = make_table(100)
    score = np.random.default_rng(0).random(100)
    found = between(table, scored(table, "one", score), scored(table, "two", score))
    assert found.verdict.startswith("‘one’ and ‘two’ are equally good on every one of the 100 prompts")


def test_the_cheaper_of_two_equals_is_named(make_table: Any) -> None:
    table = replace(make_table(300), correct=np.ones((300, 2)))
    score = np.linspace(0, 1, 300)
    found = between(table, scored(table, "dear", score, cut=0.2), scored(table, "cheap", score, cut=0.6))
    assert "‘cheap’ makes do with" in found.verdict
    assert "fewer large calls" in found.verdict
    assert found.apgr is None


def test_equal_policies_are_seldom_told_apart() -> None:
    """Nominal 5 %: of 200 tables at most 10 + 2 standard errors may show a difference that is not there."""
    rng = np.random.default_rng(7)
    overall = slices = 0
    for _ in range(200):
        n = 300
        table = OutcomeTable(
            name="a-a",
            ids=tuple(map(str, range(n))),
            prompts=tuple("x" * int(length) for length in rng.integers(1, 200, n)),
            groups=tuple(rng.choice(["a", "b", "c", "d", "e"], n).tolist()),
            models=("small", "large"),
            correct=(rng.random((n, 2)) < (0.5, 0.7)).astype(np.float64),
        )
        found = between(
            table, scored(table, "a", rng.random(n)), scored(table, "b", rng.random(n)), resamples=200
        )
        overall += found.quality.certain
        slices += any(part.certain for part in found.slices)
    assert overall <= 16
    assert slices <= 16


def test_slices_are_corrected_for_their_number(make_table: Any) -> None:
    table = make_table(1000)
    rng = np.random.default_rng(3)
    groups = tuple(rng.choice([f"g{k}" for k in range(20)], 1000).tolist())
    found = between(
        replace(table, groups=groups),
        scored(table, "a", rng.random(1000)),
        scored(table, "b", rng.random(1000)),
    )
    assert len(found.slices) == 23
    assert all(part.p_adjusted >= part.quality.p_value for part in found.slices)
    assert "Holm" in " ".join(found.notes)


def test_small_slices_are_left_out(make_table: Any) -> None:
    table = replace(make_table(100), groups=("rare",) * 5 + ("common",) * 95)
    score = np.random.default_rng(0).random(100)
    found = between(table, scored(table, "a", score), scored(table, "b", 1 - score))
    assert [part.name for part in found.slices if part.by == "group"] == ["common"]


def test_a_prompt_counts_once_however_many_seeds_scored_it(make_table: Any) -> None:
    table = make_table(200)
    rng = np.random.default_rng(4)
    splits = [np.sort(rng.permutation(200)[:150]) for _ in range(5)]
    score = rng.random(200)
    once = between(table, scored(table, "a", score), scored(table, "b", 1 - score))
    a = [scored(table, "a", score, seed=seed, rows=rows) for seed, rows in enumerate(splits)]
    b = [scored(table, "b", 1 - score, seed=seed, rows=rows) for seed, rows in enumerate(splits)]
    found = compare_scored(table, PAIR, a, b, cost_unit="large_calls", resamples=400)
    assert found.n == len(np.unique(np.concatenate(splits))) <= 200
    width, whole = (each.quality.high - each.quality.low for each in (found, once))
    assert width == pytest.approx(whole, rel=0.2)
    assert found.seed_range[0] <= found.quality.mean <= found.seed_range[1]
    assert "no independent runs" in " ".join(found.notes)


def test_rows_must_be_the_same(make_table: Any) -> None:
    table = make_table(100)
    score = np.random.default_rng(0).random(100)
    with pytest.raises(ValueError, match="different rows"):
        between(table, scored(table, "a", score), scored(table, "b", score, rows=np.arange(50)))


def test_quality_at_a_share_splits_ties_evenly() -> None:
    small, large = np.zeros(4), np.ones(4)
    assert quality_at_share(np.array([0.9, 0.5, 0.5, 0.1]), small, large, 2).tolist() == [1, 0.5, 0.5, 0]
    assert quality_at_share(np.array([0.1, 0.9, 0.2, 0.3]), small, large, 1).tolist() == [0, 1, 0, 0]


def test_apgr_of_a_resample_is_that_of_the_drawn_prompts(make_table: Any) -> None:
    from pilotfish.lab import compare_ranking

    rng = np.random.default_rng(5)
    table = make_table(120)
    score = rng.random(120).round(1)
    whole = ranking(table, PAIR, np.arange(120), score)
    for _ in range(20):
        drawn = rng.integers(120, size=120)
        counts = np.bincount(drawn, minlength=120)
        expected = ranking(table, PAIR, drawn, score[drawn]).apgr()
        assert compare_ranking._Sorted.of(whole).apgr(counts) == pytest.approx(expected)


def test_a_score_has_no_apgr_over_itself(make_table: Any) -> None:
    table = make_table(100)
    one = ranking(table, PAIR, np.arange(100), np.random.default_rng(0).random(100))
    found = apgr_difference([one], [one], resamples=50)
    assert found is not None
    assert (found.mean, found.p_value, found.certain) == (0, 1, False)


def test_thirds_by_length() -> None:
    assert (
        length_terciles(["a", "aa", "aaa", "aaaa", "aaaaa", "aaaaaa"])
        == ["short"] * 2 + ["middling"] * 2 + ["long"] * 2
    )


def test_two_policies_by_name(make_table: Any) -> None:
    found = compare(make_table(300), "rules", "random:seed=1", resamples=200)
    assert (found.a.policy, found.b.policy, found.n) == ("rules", "random:seed=1", 300)
    frame = found.frame()
    assert {"quality", "cost", "large_share"} <= set(frame["measure"])
    assert set(frame["by"]) == {"all", "kind", "length", "group"}
    assert found.json()["verdict"] == found.verdict


def test_a_policy_is_not_compared_with_itself(make_table: Any) -> None:
    with pytest.raises(UsageError, match="name two policies"):
        compare(make_table(100), "rules", "rules")
