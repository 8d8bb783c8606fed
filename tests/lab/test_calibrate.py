from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish import Subtask, UsageError
from pilotfish.lab.calibrate import calibrate, calibrate_log, check_guarantee
from pilotfish.lab.calibration_log import keep_policy, read_log
from pilotfish.lab.cascade_fit import fit
from pilotfish.lab.recipes import Context, Recipe
from pilotfish.lab.replay import replay
from pilotfish.lab.risk_control import Promise, TooFewRowsError
from pilotfish.lab.table import OutcomeTable, Pair
from pilotfish.router.cascade import Cascade
from pilotfish.router.fingerprints import fingerprints
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision
from pilotfish.router.threshold import Threshold


class Hard:
    """Scores a prompt by the hardness written in it."""

    def __init__(self, trained_on: frozenset[int] = frozenset()) -> None:
        self.trained_on = trained_on

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [
            Decision(
                kind="reasoning",
                lane="local",
                p_reasoning=0.5,
                confidence=0.5,
                reason="as written",
                policy="hard",
                version="1",
                large_gain=float(subtask.text.rpartition(" ")[2]),
            )
            for subtask in subtasks
        ]


def log(n: int = 2000, *, seed: int = 0, costs: bool = True, **more: Any) -> OutcomeTable:
    """The small model fails on hard prompts, and mostly knows it; the large one is right on 9 of 10."""
    random = np.random.default_rng(seed)
    hardness = random.random(n)
    things = "how many things are there in harbour number"
    small = (random.random(n) < 0.95 - 0.6 * hardness).astype(float)
    large = (random.random(n) < 0.9).astype(float)
    sure = np.clip(1.0 - hardness + 0.1 * random.standard_normal(n), 0, 1)
    return OutcomeTable(
        name="log.csv",
        ids=tuple(str(row) for row in range(n)),
        prompts=tuple(f"{things} {row} at {h:.6f}" for row, h in enumerate(hardness)),
        groups=None,
        models=("tiny", "big"),
        correct=np.stack([small, large], axis=1),
        cost=np.tile([0.001, 0.01], (n, 1)) if costs else None,
        confidence=np.stack([sure, np.ones(n)], axis=1),
        **more,
    )


def test_a_threshold_with_its_figures() -> None:
    table = log()
    found = calibrate(table, Hard())
    routed = replay(table, [Threshold(Hard(), found.threshold)], resamples=10).rows[0]
    assert (found.quality, found.large_share) == pytest.approx((routed.quality, routed.large_share))
    assert found.cost == pytest.approx(routed.cost)
    assert found.reference_cost == pytest.approx(0.01)
    assert found.saving == pytest.approx(1 - found.cost / 0.01)
    assert found.target <= found.share_lower <= found.quality / found.reference_quality
    assert found.quality_lower == pytest.approx(found.share_lower * found.reference_quality)
    assert (found.policy, found.version, found.small, found.large, found.n) == (
        "hard",
        "1",
        "tiny",
        "big",
        2000,
    )
    assert (found.measure, found.cost_unit, found.digest) == ("large_score", "usd", table.digest)


def test_the_same_seed_gives_the_same_calibration() -> None:
    assert calibrate(log(800), Hard(), seed=3) == calibrate(log(800), Hard(), seed=3)


def test_without_costs_large_calls_are_counted() -> None:
    found = calibrate(log(costs=False), Hard())
    assert (found.cost_unit, found.cost, found.reference_cost) == ("large_calls", found.large_share, 1.0)


def test_a_lower_target_saves_more() -> None:
    table = log()
    assert calibrate(table, Hard(), target=0.85).saving > calibrate(table, Hard(), target=0.95).saving > 0


def test_the_models_may_be_named() -> None:
    table = log(400)
    other = np.where(np.arange(400) == 7, 0.5, np.nan)[:, None]
    third = dataclasses.replace(
        table,
        models=("tiny", "big", "other"),
        correct=np.concatenate([table.correct, other], axis=1),
        cost=None,
        confidence=None,
    )
    found = calibrate(third, Hard(), small="tiny", large="big", target=0.9)
    assert (found.small, found.large, found.n) == ("tiny", "big", 400)


def test_a_named_policy_can_be_made_again_from_the_calibration() -> None:
    table = log(400)
    assert calibrate(table, "random:seed=3").spec == "random:seed=3"
    assert calibrate(table, "threshold:policy=random,threshold=0.9").spec == "random"
    assert calibrate(table, Hard()).spec is None


def test_a_thresholds_own_threshold_does_not_matter() -> None:
    table = log(800)
    assert calibrate(table, Threshold(Hard(), 0.99)) == calibrate(table, Hard())


def test_rows_the_policy_was_trained_on_never_calibrate_it() -> None:
    table = log(1000)
    found = calibrate(table, Hard(trained_on=fingerprints(table.prompts[:300])), target=0.9)
    assert (found.n, found.dropped_trained) == (700, 300)
    with pytest.raises(UsageError, match="trained"):
        calibrate(table, Hard(trained_on=fingerprints(table.prompts)))


def test_a_fitted_policy_is_calibrated_on_the_rows_it_was_not_fitted_on() -> None:
    seen: list[str] = []

    def fit_hard(train: OutcomeTable, /, *, context: Context) -> Hard:
        seen.extend(train.ids)
        return Hard(trained_on=fingerprints(train.prompts))

    recipe = Recipe(name="hard", needs_labels=True, fit=fit_hard)
    found = calibrate(log(900), recipe, labels=200, target=0.9)
    assert (len(seen), found.labels, found.n) == (200, 200, 700)
    with pytest.raises(UsageError, match="--labels N"):
        calibrate(log(900), recipe)


def test_a_policy_is_kept_with_its_options(tmp_path: Path) -> None:
    read = read_log(log(400), "capability:tradeoff=0.3", labels=100)
    spec = keep_policy(read, tmp_path, command="c")
    assert spec == f"capability:weights={tmp_path / 'capability.npz'},tradeoff=0.3"
    found = dataclasses.replace(calibrate_log(read, Promise(target=0.9)), spec=spec)
    assert (
        load_policy("threshold", calibration=found).decide([Subtask(id="a", text="x")])[0].policy
        == "threshold"
    )


@pytest.mark.parametrize("policy", ["bandit", "constrained:policy=bandit", "cascade:policy=bandit"])
def test_a_policy_that_goes_on_learning_is_refused(policy: str) -> None:
    with pytest.raises(UsageError, match=r"goes on learning.* --policy capability --labels N"):
        calibrate(log(400), policy, labels=50, target=0.9)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(TooFewRowsError, match="more like these would be needed"):
        calibrate(log(50), Hard())


def test_a_cascade_is_calibrated_on_the_small_models_confidence_and_pays_for_both() -> None:
    table = log()
    found = calibrate(table, "cascade:policy=rules")
    assert (found.measure, found.policy, found.spec) == ("confidence", "cascade", "rules")
    assert found.version.startswith("rules ")
    policy = load_policy("cascade", calibration=found)
    assert policy.decide([Subtask(id="s", text="x")])[0].min_confidence == found.threshold
    (row,) = replay(table, [policy], resamples=10).rows[:1]
    assert (found.large_share, found.cost, found.quality) == pytest.approx(
        (row.large_share, row.cost, row.quality)
    )
    assert row.cost == pytest.approx(0.001 + 0.01 * row.large_share)
    assert found.reference_cost == pytest.approx(0.01)


def test_a_cascade_needs_confidences() -> None:
    table = dataclasses.replace(log(300), confidence=None)
    for attempt in (
        lambda: calibrate(table, "cascade"),
        lambda: replay(table, ["cascade:min_confidence=0.5"], resamples=10),
        lambda: fit(table, context=Context(pair=Pair(small=0, large=1))),
    ):
        with pytest.raises(UsageError, match=r"column 'tiny\|confidence'"):
            attempt()


def test_a_cascade_is_fitted_on_labelled_rows() -> None:
    table, pair = log(), Pair(small=0, large=1)
    found = fit(table, context=Context(pair=pair, options={"policy": "rules", "target": 0.9}))
    assert isinstance(found, Cascade)
    assert found.min_confidence == calibrate(table, "cascade:policy=rules", target=0.9).threshold
    with pytest.raises(UsageError, match="no option 'k'"):
        fit(table, context=Context(pair=pair, options={"k": 3}))
    row = next(
        row for row in replay(table, ["cascade"], labels=800, resamples=10).rows if row.policy == "cascade"
    )
    assert 0 < row.large_share < 1


def test_the_check_tells_the_guarantee_from_a_naive_threshold() -> None:
    promise = Promise(target=0.95, confidence=0.9)
    read = read_log(log(3000, costs=False), Hard())
    check = check_guarantee(read, promise, splits=60)
    assert (check.splits, check.rows, check.refused) == (60, 1500, 0)
    assert check.violation_rate <= 0.15
    assert check.population_violation_rate <= 0.1
    assert check.naive_violation_rate > 0.3 < check.naive_population_violation_rate + 0.1
    assert check.cost_over_best is not None
    assert check.naive_cost_over_best is not None
    assert 1.0 < check.cost_over_best < 1.3
    assert check.naive_cost_over_best < check.cost_over_best
    assert check == check_guarantee(read, promise, splits=60)


def test_halves_too_small_to_certify_are_counted() -> None:
    read = read_log(log(90, seed=2), Hard())
    check = check_guarantee(read, Promise(target=0.95), splits=5)
    assert (check.refused, check.violations, check.cost_over_best) == (5, 0, None)


def test_a_check_reports_its_progress() -> None:
    told: list[int] = []
    check_guarantee(
        read_log(log(400), Hard()),
        Promise(),
        splits=3,
        progress=lambda done, _total, _what: told.append(done),
    )
    assert told == [0, 1, 2]


def test_the_calibration_of_a_large_log_is_the_one_of_its_rows() -> None:
    read = read_log(log(), Hard(), seed=1)
    assert calibrate_log(read, Promise(), seed=1) == calibrate(log(), Hard(), seed=1)
