from __future__ import annotations

from typing import Any

from pilotfish import Plan, Subtask
from pilotfish.agents.attempt import Verdict
from pilotfish.agents.result import SubtaskResult
from pilotfish.agents.synthesis import synthesise

PLAN = Plan(
    [Subtask(id="a", text="A?"), Subtask(id="b", text="B?", depends_on=("a",)), Subtask(id="c", text="C?")]
)


def result(name: str, answer: str | None, status: Any = "accepted", reason: str = "fine") -> SubtaskResult:
    return SubtaskResult(
        id=name,
        text=f"{name.upper()}?",
        depends_on=(),
        kind="reasoning",
        lane="local",
        status=status,
        answer=answer,
        verdict=Verdict(status="unknown", reason=reason, checked="x"),
    )


def answer(*results: SubtaskResult) -> tuple[str, str]:
    made = synthesise("task", PLAN, {each.id: each for each in results})
    return made.text, made.status


def test_outputs_are_answered_one_by_one() -> None:
    assert answer(result("a", "1"), result("b", "2"), result("c", "3")) == (
        "B?\n    2\nC?\n    3",
        "answered",
    )


def test_what_is_missing_and_what_was_not_verified_is_said() -> None:
    text, status = answer(
        result("a", "1", "unverified", "only recalled"),
        result("b", "2"),
        result("c", None, "failed", "too slow"),
    )
    assert status == "partial"
    assert "No answer to “C?”: too slow." in text
    assert "It rests on “A?”, which is not verified: only recalled." in text


def test_nothing_answered_is_failed() -> None:
    missing = [result(name, None, "failed") for name in "abc"]
    assert answer(*missing)[1] == "failed"
