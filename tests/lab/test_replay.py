from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.lab.recipes import Context, Recipe
from pilotfish.lab.replay import Replay, Row, replay
from pilotfish.lab.replay_output import replay_json, write_rows
from pilotfish.lab.table import OutcomeTable
from pilotfish.router.fixed import always_local
from pilotfish.router.policy import Decision, Policy
from pilotfish.router.subtask import Subtask


class Ranked:
    """Ranks prompts by a function of their text; the large model answers above `cut`; may name models."""

    def __init__(self, gain: Any, *, cut: float = 0.0, model: Any = None) -> None:
        self.gain = gain
        self.cut = cut
        self.model = model
        self.calls = 0

    def __repr__(self) -> str:
        return "ranked"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        self.calls += 1
        return [self._decide(subtask) for subtask in subtasks]

    def _decide(self, subtask: Subtask) -> Decision:
        [plain] = always_local().decide([subtask])
        gain = float(self.gain(subtask.text))
        lane = "large" if gain > self.cut else "local"
        return replace(plain, lane=lane, large_gain=gain, model=self.model and self.model(subtask.text))


def number(text: str) -> int:
    return int(text.split()[1])


def figures(found: Replay, policy: str, seed: int = 0) -> Row:
    [row] = [row for row in found.rows if (row.policy, row.seed) == (policy, seed)]
    return row


def hand_made() -> OutcomeTable:
    """Ten prompts; the large model, at 2 dollars, is right on the last five, the small one, at 1, on the first."""
    small = np.array([1.0] + [0.0] * 9)
    large = np.array([0.0] * 5 + [1.0] * 5)
    return OutcomeTable(
        name="hand-made",
        ids=tuple(map(str, range(10))),
        prompts=tuple(f"prompt {n} {'x' * n}" for n in range(10)),
        groups=None,
        models=("s", "l"),
        correct=np.stack([small, large], axis=1),
        cost=np.tile([1.0, 2.0], (10, 1)),
    )


def test_figures_worked_out_by_hand() -> None:
    found = replay(hand_made(), [Ranked(number, cut=6.5)], resamples=200)
    row = figures(found, "ranked")
    assert (row.n, row.cost_unit, row.baseline, row.dropped_trained) == (10, "usd", False, 0)
    assert row.quality == pytest.approx(0.4)
    assert row.cost == pytest.approx((7 * 1 + 3 * 2) / 10)
    assert row.large_share == pytest.approx(0.3)
    assert row.shares == pytest.approx({"s": 0.7, "l": 0.3})
    assert row.random_quality == pytest.approx(0.7 * 0.1 + 0.3 * 0.5)
    assert row.oracle_gap == pytest.approx(0.6 - 0.4)
    # By ascending share the curve is .1 .2 .3 .4 .5 .6 .6 .6 .6 .6 .5, its area .47; a gap of .4 from .1.
    assert row.apgr == pytest.approx((0.47 - 0.1) / 0.4)
    assert row.cpt50 == pytest.approx(20.0)
    # Corners of cost and quality: (1, .1), (1.5, .6); level from there to 2.
    assert row.aiq == pytest.approx(0.5 * 0.35 + 0.5 * 0.6)
    assert row.quality_low <= row.quality <= row.quality_high
    oracle = figures(found, "oracle")
    assert (oracle.quality, oracle.large_share, oracle.cost) == pytest.approx((0.6, 0.5, 1.5))
    chance = figures(found, "random@ranked")
    assert (chance.quality, chance.cost, chance.baseline) == (pytest.approx(0.22), pytest.approx(1.3), True)


def test_every_baseline_stands_beside_the_policies(make_table: Any) -> None:
    found = replay(make_table(300), ["always-local", "random"], labels=100, resamples=5)
    assert [row.policy for row in found.rows] == [
        "always-local",
        "random",
        "always-small",
        "always-large",
        "best-fixed",
        "prompt-length",
        "gold-group",
        "oracle",
        "random@always-local",
        "random@random",
    ]
    assert [row.baseline for row in found.rows] == [False, False, *[True] * 8]
    assert figures(found, "always-local").quality == figures(found, "always-small").quality
    assert len({one.rows.tobytes() for one in found.scored}) == 1


def test_what_cannot_be_said_is_none(make_table: Any) -> None:
    three = make_table(200, models=("s", "l", "m"), groups=False)
    some = Ranked(number, model=lambda text: "m" if number(text) % 2 else None)
    found = replay(three, [some], small="s", resamples=5)
    row = figures(found, "ranked")
    assert (row.apgr, row.cpt50, row.cpt80, row.aiq, row.apgr_low) == (None,) * 5
    assert row.shares["m"] == 0.5
    assert figures(found, "always-large").apgr is None, "a score of one value ranks nothing"
    two = replay(make_table(200), [Ranked(number)], small="large", large="small", resamples=5)
    assert figures(two, "ranked").apgr is None, "the large model is no better"


def test_two_named_models_make_a_table_of_two(make_table: Any) -> None:
    found = replay(
        make_table(100, models=("s", "l", "m")), ["always-local"], small="m", large="l", resamples=5
    )
    assert found.table.models == ("m", "l")
    found = replay(make_table(100, models=("s", "l", "m")), ["always-local"], small="m", resamples=5)
    assert found.table.models == ("s", "l", "m")


def test_a_model_with_many_gaps_is_left_out_unless_named_and_else_the_rows_are(make_table: Any) -> None:
    table = make_table(100, models=("s", "l", "rare"))
    holes = table.correct.copy()
    holes[:30, 2] = np.nan
    holes[50, 0] = np.nan
    table = replace(table, correct=holes)
    found = replay(table, ["always-local"], resamples=5)
    assert (found.table.models, len(found.table)) == (("s", "l"), 99)
    assert any("left out for missing results: rare" in note for note in found.notes)
    found = replay(table, ["always-local"], large="rare", resamples=5)
    assert ("rare" in found.table.models, len(found.table)) == (True, 69)
    found = replay(table, ["always-local"], small="l", large="rare", resamples=5)
    assert (found.table.models, len(found.table)) == (("l", "rare"), 70)


def fitted(name: str = "fitted") -> tuple[Recipe, list[tuple[int, tuple[str, ...]]]]:
    seen: list[tuple[int, tuple[str, ...]]] = []

    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        seen.append((context.seed, train.ids))
        return Ranked(number)

    return Recipe(name=name, needs_labels=True, fit=fit), seen


def test_labels_fit_once_a_seed_and_score_the_rest(make_table: Any) -> None:
    recipe, seen = fitted()
    found = replay(make_table(300), [recipe], labels=120, seeds=3, resamples=5)
    assert [(seed, len(ids)) for seed, ids in seen] == [(0, 120), (1, 120), (2, 120)]
    for (seed, ids), one in zip(seen, [s for s in found.scored if s.policy == "fitted"], strict=True):
        assert one.seed == seed
        assert not set(map(int, ids)) & set(one.rows.tolist())
        assert len(one.rows) == 180


def test_folds_pool_their_scores_over_the_whole_table(make_table: Any) -> None:
    recipe, seen = fitted()
    table = make_table(200)
    found = replay(table, [recipe], folds=4, seeds=2, resamples=5)
    assert [seed for seed, _ in seen] == [0] * 4 + [1] * 4
    assert {row.n for row in found.rows} == {200}
    [one, _] = [s for s in found.scored if s.policy == "fitted"]
    assert one.rows.tolist() == list(range(200))
    assert one.score.tolist() == [float(number(text)) for text in table.prompts]
    assert (one.quality == table.correct[one.rows, one.choice]).all()


def test_several_settings_of_a_policy_of_many_models_are_points_of_one_router() -> None:
    """Models at 1, 2 and 3 dollars, right on 1, 2 and 3 of the rows; each setting takes one of them."""
    table = OutcomeTable(
        name="t",
        ids=("0", "1", "2", "3"),
        prompts=tuple(f"prompt {n}" for n in range(4)),
        groups=None,
        models=("a", "b", "c"),
        correct=np.array([[1.0, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]]),
        cost=np.tile([1.0, 2.0, 3.0], (4, 1)),
    )

    def take(name: str) -> Recipe:
        ready = Ranked(lambda _: 0.0, model=lambda _: name)
        return Recipe(name=f"taker:model={name}", needs_labels=False, fit=lambda _, /, *, context: ready)

    alone = figures(replay(table, [take("b")], resamples=2), "taker:model=b").aiq
    assert alone == pytest.approx((0.375 + 0.5) / 2)
    both = replay(table, [take("b"), take("c")], resamples=2)
    assert figures(both, "taker:model=b").aiq == pytest.approx((0.375 + 0.625) / 2)
    assert figures(both, "taker:model=c").aiq == figures(both, "taker:model=b").aiq
    assert figures(both, "always-large").aiq == pytest.approx(0.5)


def test_a_cascade_pays_for_the_small_model_too_wherever_it_asks_the_large_one() -> None:
    """Ten prompts; the small model is unsure of the last five, where only the large one is right."""
    sure = np.where(np.arange(10) < 5, 0.9, 0.1)
    table = replace(hand_made(), confidence=np.stack([sure, np.ones(10)], axis=1))
    found = replay(table, ["cascade:min_confidence=0.5,policy=rules"], resamples=5)
    row = figures(found, "cascade:min_confidence=0.5,policy=rules")
    assert (row.large_share, row.quality) == (0.5, pytest.approx(0.6))
    assert row.cost == pytest.approx((5 * 1 + 5 * (1 + 2)) / 10)
    # Corners of cost and quality: (1, .1), (2, .6), the dearer model alone at 2.
    assert row.aiq == pytest.approx(0.35)


def test_labels_are_asked_for_where_they_are_needed(make_table: Any) -> None:
    recipe, _ = fitted("hungry")
    with pytest.raises(UsageError, match="'hungry' is fitted on labelled rows; add --labels N"):
        replay(make_table(100), [recipe])
    with pytest.raises(UsageError, match="'random' is given twice"):
        replay(make_table(100), ["random", "random"])


def test_a_policy_without_labels_decides_on_a_prompt_once_however_many_seeds(make_table: Any) -> None:
    policy = Ranked(number)
    replay(make_table(100), [policy], labels=50, seeds=4, resamples=5)
    assert policy.calls == 1


def test_a_score_that_is_no_number_is_refused(make_table: Any) -> None:
    with pytest.raises(UsageError, match="'ranked' gave prompt 4 the score nan"):
        replay(make_table(100), [Ranked(lambda text: math.nan if number(text) == 3 else 0.5)])


def test_progress_tells_the_steps(make_table: Any) -> None:
    told: list[tuple[int, int, str]] = []
    recipe, _ = fitted()
    replay(
        make_table(200),
        [recipe, "always-local"],
        labels=50,
        seeds=2,
        resamples=5,
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    assert [done for done, _, _ in told] == [0, 1, 2, 3]
    assert told[2] == (2, 4, "fitted, seed 1")


def test_a_summary_is_over_seeds_or_else_over_prompts(make_table: Any) -> None:
    one = replay(make_table(300), [Ranked(number)], labels=100, resamples=50).summary()[0]
    assert (one["interval"], one["seeds"]) == ("prompts", 1)
    assert one["quality_low"] < one["quality"] < one["quality_high"]
    assert one["apgr_low"] < one["apgr"] < one["apgr_high"]
    found = replay(make_table(300), [Ranked(number)], labels=100, seeds=4, resamples=5)
    many = found.summary()[0]
    qualities = [figures(found, "ranked", seed).quality for seed in range(4)]
    assert (many["interval"], many["seeds"]) == ("seeds", 4)
    assert many["quality"] == pytest.approx(np.mean(qualities))
    half = 3.182446 * np.std(qualities, ddof=1) / 2
    assert many["quality_high"] - many["quality"] == pytest.approx(half, rel=1e-5)
    assert {line["policy"] for line in found.summary()} == {row.policy for row in found.rows}


def test_a_frame_has_a_line_for_every_row(make_table: Any) -> None:
    pytest.importorskip("pandas")
    found = replay(make_table(100), [Ranked(number)], resamples=5)
    frame = found.frame()
    assert list(frame["policy"]) == [row.policy for row in found.rows]
    assert {"quality", "cost", "large_share", "apgr", "cpt50", "cpt80", "aiq", "seed"} <= set(frame.columns)


def test_json_and_csv_carry_no_nan_and_all_of_the_provenance(make_table: Any, tmp_path: Path) -> None:
    found = replay(make_table(100, models=("s", "l", "m")), ["always-local"], resamples=5)
    data = json.loads(json.dumps(replay_json(found, command="pilotfish x"), allow_nan=False))
    assert set(data) == {"rows", "summary", "table", "notes", "command", "commit", "version"}
    assert set(data["table"]) == {"name", "digest", "rows", "models", "small", "large", "dropped"}
    assert data["rows"][0]["apgr"] is None
    write_rows(found, tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(found.rows)
    assert "nan" not in lines[1].lower()
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


SEEDS = st.integers(0, 2**32 - 1)


def random_table(seed: int, n: int = 60, models: int = 3) -> OutcomeTable:
    rng = np.random.default_rng(seed)
    return OutcomeTable(
        name="random",
        ids=tuple(map(str, range(n))),
        prompts=tuple(f"prompt {row} of length {'x' * int(rng.integers(20))}" for row in range(n)),
        groups=None,
        models=tuple(f"m{column}" for column in range(models)),
        correct=rng.integers(0, 3, size=(n, models)) / 2,
        cost=rng.random((n, models)),
    )


@settings(deadline=None, max_examples=40)
@given(SEEDS, SEEDS)
def test_nothing_beats_the_oracle(seed: int, other: int) -> None:
    table = random_table(seed)
    if len(set(table.correct.mean(axis=0))) < 2:
        return
    names = np.random.default_rng(other).choice(table.models, size=len(table))
    chosen = dict(zip(table.prompts, map(str, names), strict=True))
    found = replay(table, [Ranked(len, model=chosen.__getitem__)], resamples=2)
    best = figures(found, "oracle")
    assert best.oracle_gap == 0.0
    assert all(row.quality <= best.quality + 1e-12 and row.oracle_gap >= -1e-12 for row in found.rows)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    table = random_table(seed, models=2)
    small, large = table.correct.mean(axis=0)
    if not large > small:
        return
    mixed = table.take(np.random.default_rng(seed).permutation(len(table)))
    plain, other = (replay(t, [Ranked(number)], resamples=2).rows for t in (table, mixed))
    for a, b in zip(plain, other, strict=True):
        if not a.policy.startswith("random@"):
            left = (a.quality, a.cost, a.large_share, a.apgr or 0, a.cpt50 or 0, a.cpt80 or 0, a.aiq or 0)
            right = (b.quality, b.cost, b.large_share, b.apgr or 0, b.cpt50 or 0, b.cpt80 or 0, b.aiq or 0)
            assert left == pytest.approx(right)
