from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from pilotfish.router.fixed import always_local
from pilotfish.testing.policy_conformance import check_learning_policy, check_policy, check_run_policy


class Broken:
    def __init__(self, spoil) -> None:
        self._spoil = spoil

    def decide(self, subtasks, /):
        return self._spoil(always_local().decide(subtasks))


def test_a_policy_that_drops_a_decision_is_caught() -> None:
    with pytest.raises(AssertionError, match="decisions"):
        check_policy(Broken(lambda found: found[:-1]))


def test_a_policy_that_changes_its_mind_is_caught() -> None:
    ticks = itertools.count()
    with pytest.raises(AssertionError, match="second time"):
        check_policy(Broken(lambda found: [replace(d, reason=f"tick {next(ticks)}") for d in found]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_reasoning": 1.2}, "p_reasoning 1.2"),
        ({"confidence": -0.1}, "confidence -0.1"),
        ({"reason": " "}, "no reason"),
        ({"version": ""}, "version is missing"),
        ({"lane": "tool"}, "tool lane"),
    ],
)
def test_a_decision_that_breaks_a_promise_is_named(change, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_policy(Broken(lambda found: [replace(d, **change) for d in found]))


def test_something_without_decide_is_no_policy() -> None:
    with pytest.raises(AssertionError, match="no method decide"):
        check_policy(object())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"large_gain": 1.5}, r"large_gain 1\.5 is not in -1\.\.1"),
        ({"large_gain": float("nan")}, "large_gain nan"),
        ({"expected_quality": -0.2}, r"expected_quality -0\.2 is not in 0\.\.1"),
        ({"expected_cost_usd": -1.0}, r"expected_cost_usd -1\.0"),
        ({"expected_cost_usd": float("inf")}, "expected_cost_usd inf"),
        ({"model": ""}, "model is an empty name"),
    ],
)
def test_an_optional_field_out_of_its_range_is_named(change, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_policy(Broken(lambda found: [replace(d, **change) for d in found]))


class Later:
    """Answers later."""

    def __init__(self, inner) -> None:
        self._inner = inner

    def decide(self, subtasks, /):
        async def later():
            return self._inner.decide(subtasks)

        return later()


def test_a_policy_that_answers_later_is_awaited() -> None:
    check_policy(Later(always_local()))
    with pytest.raises(AssertionError, match="decisions"):
        check_policy(Later(Broken(lambda found: found[:-1])))


async def test_it_is_awaited_from_within_a_running_loop_too() -> None:
    check_policy(Later(always_local()))


class Planwise:
    """Sends one of the plan's subtasks large: the first by `order`."""

    def __init__(self, order) -> None:
        self._order = order

    def for_run(self, subtasks, /, *, calling):
        free = [subtask.id for subtask in subtasks if subtask.tool is None]
        self.first = self._order(free)
        return Chosen(self.first)


class Chosen:
    def __init__(self, first) -> None:
        self._first = first

    def decide(self, subtasks, /):
        found = always_local().decide(subtasks)
        return [
            replace(d, lane="large") if s.id == self._first else d
            for s, d in zip(subtasks, found, strict=True)
        ]


def test_a_policy_of_whole_runs_may_look_at_the_plan() -> None:
    check_run_policy(Planwise(lambda names: min(names, default=None)))


def test_a_policy_of_whole_runs_that_minds_the_order_is_caught() -> None:
    with pytest.raises(AssertionError, match="order of the plan"):
        check_run_policy(Planwise(lambda names: names[0] if names else None))


def test_a_policy_of_whole_runs_that_changes_its_mind_is_caught() -> None:
    ticks = itertools.count()
    with pytest.raises(AssertionError, match="the same plan gave other decisions"):
        check_run_policy(Planwise(lambda names: names[next(ticks) % len(names)] if names else None))


def test_something_without_for_run_is_no_policy_of_whole_runs() -> None:
    with pytest.raises(AssertionError, match="no method for_run"):
        check_run_policy(always_local())


class Counting:
    """Learns by counting rewards into a file, and says the sum in its version."""

    def __init__(self, path: Path, *, forgets: bool = False, drifts: bool = False) -> None:
        self._path, self._forgets, self._drifts = path, forgets, drifts
        self._sum = float(path.read_text()) if path.exists() and not forgets else 0.0

    def decide(self, subtasks, /):
        self._sum += 1.0 if self._drifts else 0.0
        return [replace(d, version=f"1.{self._sum}") for d in always_local().decide(subtasks)]

    def learn(self, subtask, decision, /, *, reward: float) -> None:
        self._sum += reward
        self._path.write_text(str(self._sum))


def test_a_learner_that_keeps_its_state_passes(tmp_path: Path) -> None:
    check_learning_policy(Counting, tmp_path)


def test_a_learner_that_forgets_is_caught(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="made again from its state"):
        check_learning_policy(lambda path: Counting(path, forgets=True), tmp_path)


def test_a_learner_that_changes_without_a_lesson_is_caught(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="second time"):
        check_learning_policy(lambda path: Counting(path, drifts=True), tmp_path)


def test_a_learner_that_is_not_determined_by_its_lessons_is_caught(tmp_path: Path) -> None:
    class Moody(Counting):
        def learn(self, subtask, decision, /, *, reward: float) -> None:
            super().learn(subtask, decision, reward=reward if "one" in self._path.name else 0.0)

    with pytest.raises(AssertionError, match="the same lessons gave other decisions"):
        check_learning_policy(Moody, tmp_path)


def test_something_without_learn_is_no_learner(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no method learn"):
        check_learning_policy(lambda _path: always_local(), tmp_path)
