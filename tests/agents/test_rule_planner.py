from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.agents.plan import PlanError
from pilotfish.agents.rule_planner import RulePlanner


def split(task: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(subtask.text, subtask.depends_on) for subtask in RulePlanner().plan(task)]


def test_one_question_is_one_subtask() -> None:
    assert split("What is the capital of Peru?") == [("What is the capital of Peru?", ())]


def test_questions_are_separate_and_independent() -> None:
    assert split("What is the capital of Peru? What is 17 * 23?") == [
        ("What is the capital of Peru?", ()),
        ("What is 17 * 23?", ()),
    ]


def test_a_pronoun_depends_on_the_part_before() -> None:
    assert split("Who wrote Emma and when was it published?") == [
        ("Who wrote Emma", ()),
        ("When was it published?", ("s1",)),
    ]


def test_a_pronoun_with_a_noun_of_its_own_does_not() -> None:
    task = "What is a knot? Tom has 3 apples and buys 5 more. How many apples does he have?"
    assert [needs for _, needs in split(task)] == [(), ()]
    assert [needs for _, needs in split("Who wrote Emma? Where did Jane Austen write her novels?")] == [
        (),
        (),
    ]


def test_sequence_words_make_dependencies() -> None:
    assert split(
        "First find the draft limit of the canal, then convert it to feet, and finally compare it with 40 ft."
    ) == [
        ("Find the draft limit of the canal", ()),
        ("Convert it to feet", ("s1",)),
        ("Compare it with 40 ft.", ("s2",)),
    ]


@pytest.mark.parametrize(
    "task",
    [
        "Tom has 3 apples. He buys 5 more. How many apples does Tom have?",
        "Find the sum and the product of 3 and 4.",
        "Which one is a fruit?\nOptions:\n(A) apple\n(B) stone and what is it",
        "Did Aristotle use a laptop and a phone?",
        "Ships then were slower.",
    ],
)
def test_what_belongs_together_stays_whole(task: str) -> None:
    assert len(split(task)) == 1
    assert split(task)[0][0].split() == task.split()


def test_statements_are_context_of_the_next_question_only() -> None:
    parts = split("A ship sails at 12 knots. How far does it get in a day? What is a knot?")
    assert [text for text, _ in parts] == [
        "A ship sails at 12 knots. How far does it get in a day?",
        "What is a knot?",
    ]


def test_every_part_is_part_of_the_answer() -> None:
    assert RulePlanner().plan("Who wrote Emma and when was it published?").outputs == ("s1", "s2")


def test_an_empty_task_is_refused() -> None:
    with pytest.raises(PlanError, match="the task is empty"):
        RulePlanner().plan("  ")


@given(st.text(min_size=1, max_size=300).filter(str.strip))
def test_any_text_gives_a_plan(task: str) -> None:
    assert len(RulePlanner().plan(task)) >= 1
