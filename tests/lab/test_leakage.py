from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.leakage import clean_rows, identities, trained_on, without_prompts
from pilotfish.lab.recipes import Context, Recipe
from pilotfish.lab.replay import Replay, replay
from pilotfish.lab.splits import splits_of
from pilotfish.lab.table import OutcomeTable
from pilotfish.router.fingerprints import fingerprint
from pilotfish.router.fixed import always_local
from pilotfish.router.policy import Decision, Policy
from pilotfish.router.subtask import Subtask
from pilotfish.router.wrapper import Wrapper

QUESTION = "Which of the following bodies of water joins the Red Sea to the Mediterranean?"


class Memoriser:
    """Knows the better model of every row it was trained on, by the row's question, and says so or not."""

    def __init__(self, train: OutcomeTable, *, honest: bool = True) -> None:
        better = train.correct[:, 1] > train.correct[:, 0]
        self.answers = {fingerprint(text): bool(b) for text, b in zip(train.prompts, better, strict=True)}
        self.trained_on = frozenset(self.answers) if honest else None
        self.asked: list[str] = []

    def __repr__(self) -> str:
        return f"Memoriser({len(self.answers)})"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        self.asked += [subtask.text for subtask in subtasks]
        lanes = [self.answers.get(fingerprint(subtask.text), False) for subtask in subtasks]
        plain = always_local().decide(subtasks)
        return [
            Decision(
                kind=one.kind,
                lane="large" if large else "local",
                p_reasoning=0.0 if large else 1.0,
                confidence=1.0,
                reason="remembered" if large else "unknown",
                policy="memoriser",
                version="1",
            )
            for one, large in zip(plain, lanes, strict=True)
        ]


def recipe(*, honest: bool = True) -> Recipe:
    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        return Memoriser(train, honest=honest)

    return Recipe(name="memoriser", needs_labels=True, fit=fit)


def twin(prompt: str, way: int) -> str:
    """The same question, otherwise spelt."""
    return [f"  {prompt.upper()}\n", prompt.replace(" ", "  "), f"{prompt}\nA. other\nB. options"][way % 3]


@pytest.fixture
def twins(make_table: Any) -> OutcomeTable:
    """300 questions of eight words or more, each three times in other words of options, case or spacing."""
    once = [f"what is the answer to question {n} about ship {n * 3}?" for n in range(300)]
    return make_table(900, prompts=[*once, *map(twin, once, range(300)), *map(twin, once, range(1, 301))])


def remembered(found: Replay, seed: int = 0) -> float:
    [row] = [row for row in found.rows if row.policy == "memoriser" and row.seed == seed]
    return row.large_share


@pytest.mark.parametrize("honest", [True, False])
def test_a_twin_of_a_labelled_row_is_never_scored(twins: OutcomeTable, honest: bool) -> None:
    """Whoever remembers rows gains nothing: nothing it remembers is among the rows it is scored on."""
    found = replay(twins, [recipe(honest=honest)], labels=200, seeds=3, resamples=5)
    assert [remembered(found, seed) for seed in range(3)] == [0.0, 0.0, 0.0]
    for one in found.scored:
        assert 100 <= len(one.rows) < 700
    assert all(row.dropped_trained == 700 - row.n > 0 for row in found.rows)


def test_folds_keep_twins_together_so_that_every_row_is_scored_by_who_never_saw_it(
    twins: OutcomeTable,
) -> None:
    found = replay(twins, [recipe()], folds=5, seeds=2, resamples=5)
    assert [remembered(found, seed) for seed in range(2)] == [0.0, 0.0]
    assert all(len(one.rows) == 900 for one in found.scored)
    assert all(row.dropped_trained == 0 for row in found.rows)


def test_what_a_ready_policy_was_trained_on_leaves_the_rows_of_all_policies(make_table: Any) -> None:
    table = make_table(400)
    policy = Memoriser(table.take(np.arange(150)))
    found = replay(table, [policy, "always-local"], resamples=5)
    assert all((one.rows == np.arange(150, 400)).all() for one in found.scored)
    assert {row.dropped_trained for row in found.rows} == {150}
    assert {row.n for row in found.rows} == {250}
    assert "150 rows are not scored: a policy was trained on them or on the same question" in found.notes


def test_a_wrapper_does_not_hide_what_its_policy_was_trained_on(make_table: Any) -> None:
    class Same(Wrapper):
        def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
            return list(decisions)

    table = make_table(400)
    found = replay(table, [Same(Same(Memoriser(table.take(np.arange(150)))))], resamples=5)
    assert {row.n for row in found.rows} == {250}


def test_what_is_left_is_counted_over_all_folds(make_table: Any) -> None:
    """Folds of 40 rows, 20 of them fresh: too few each, enough together."""
    table = make_table(400)
    policy = Memoriser(table.take(np.arange(0, 400, 2)))
    assert {row.n for row in replay(table, [policy], folds=10, resamples=5).rows} == {200}


def test_a_fold_without_a_fresh_row_is_left_out_and_the_others_scored(make_table: Any) -> None:
    table = make_table(400)
    [first, *_] = splits_of(table, folds=3, identity=identities(table).tolist())
    policy = Memoriser(table.take(first.test))
    found = replay(table, [policy], folds=3, resamples=5)
    assert found.scored[0].rows.tolist() == first.train.tolist()


def test_too_few_fresh_rows_are_refused_with_the_policy_named(make_table: Any) -> None:
    table = make_table(400)
    policy = Memoriser(table.take(np.arange(350)))
    with pytest.raises(
        UsageError, match=r"of 400 rows to score 50 would remain.*'Memoriser\(350\)' on 350.*--labels N"
    ):
        replay(table, [policy])
    large = make_table(1000)
    with pytest.raises(UsageError, match="of 1000 rows to score 150 would remain"):
        replay(large, [Memoriser(large.take(np.arange(850)))])


def test_a_small_table_that_nobody_was_trained_on_is_scored(make_table: Any) -> None:
    assert replay(make_table(12), ["always-local"], resamples=5).rows[0].n == 12


def test_labels_that_leave_no_question_of_its_own_are_refused(make_table: Any) -> None:
    table = make_table(30, prompts=[twin(QUESTION, n) for n in range(30)])
    with pytest.raises(UsageError, match="labelled row's twin"):
        replay(table, [recipe()], labels=10)


def test_a_policy_that_says_nothing_was_trained_on_nothing() -> None:
    assert trained_on(always_local()) == frozenset()


def test_the_rows_kept_are_ascending_and_neither_labelled_twins_nor_trained(make_table: Any) -> None:
    table = make_table(300)
    known = identities(table)
    policy = Memoriser(table.take(np.arange(20)))
    labelled = np.arange(100, 110)
    rows = clean_rows(np.arange(300), known=known, labelled=labelled, policies=[("m", policy)])
    assert rows.tolist() == [*range(20, 100), *range(110, 300)]


def test_prompts_of_another_table_leave_by_their_exact_text(make_table: Any) -> None:
    table = make_table(10)
    left = without_prompts(table, table.take([2, 5]))
    assert left.ids == ("0", "1", "3", "4", "6", "7", "8", "9")
    found = replay(make_table(200), ["always-local"], without=make_table(50), resamples=5)
    assert (len(found.table), found.rows[0].n) == (150, 150)
