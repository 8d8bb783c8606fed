from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from pilotfish.agents.attempt import Verdict
from pilotfish.agents.budget import Spend
from pilotfish.agents.result import Result, SubtaskResult
from pilotfish.cli.render import render_result

WHY = "its facts stand in the notice of the canal authority, which every ship that passes has to carry aboard"
ANSWER = "The canal was opened on the seventeenth of November 1869 and has been made deeper several times since then."


def result() -> Result:
    subtask = SubtaskResult(
        id="s1", text="When was the canal opened, and was it made deeper since?", depends_on=(), kind="knowledge",
        lane="retrieval", status="accepted", answer=ANSWER,
        verdict=Verdict(status="pass", reason=WHY, checked="groundedness"),
    )  # fmt: skip
    spend = Spend(calls=1, input_tokens=10, output_tokens=5)
    return Result(
        run_id="abc",
        answer=ANSWER,
        status="answered",
        subtasks=(subtask,),
        citations=(),
        spend=spend,
        wall_ms=10.0,
    )


def lines(width: int, **options: Any) -> list[str]:
    console = Console(width=width, record=True, highlight=False, **options)
    with console.capture() as captured:
        render_result(console, result())
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 110, 200])
def test_no_word_is_lost_at_any_width(width: int) -> None:
    shown = lines(width, force_terminal=True, color_system=None)
    assert all(len(line) <= width for line in shown)
    text = " ".join(" ".join(shown).replace("│", " ").split())
    for word in [*WHY.split(), *result().subtasks[0].text.split(), "accepted", "retrieval"]:
        assert word in text


def test_the_answer_stays_in_one_piece_for_a_pipe() -> None:
    assert ANSWER in lines(60)


def test_colours_only_on_a_terminal() -> None:
    assert "\x1b[" not in "".join(lines(110, force_terminal=False))
    assert "\x1b[32m" in "".join(lines(110, force_terminal=True, color_system="standard", no_color=False))
