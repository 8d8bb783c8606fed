from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, Plan, Subtask
from pilotfish.prompts.prompt import text_digest
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy

QUESTION = "Who was the first pilot of the ship?"


class Pilot:
    """Answers, and counts how often it had to."""

    def __init__(self) -> None:
        self.asked = 0
        self.name = "Ann"

    def __call__(self, _text: str) -> str:
        self.asked += 1
        return f"Answer: {self.name}"


@pytest.fixture
def pilot(scripted: Any) -> Pilot:
    made = Pilot()
    scripted(made)
    return made


def asked(command: Any, *more: str) -> str:
    return command("ask", QUESTION, "--policy", "always-local", *more, "--json").data["run_id"]


def test_a_replay_with_nothing_changed_calls_no_model(command: Any, pilot: Pilot) -> None:
    run_id = asked(command)
    made = pilot.asked
    outcome = command("runs", "replay", run_id, "--json")
    assert outcome.code == 0
    assert pilot.asked == made > 0
    data = outcome.data
    assert (data["replays"], data["replayed"], data["called"]) == (run_id, made, 0)
    assert not data["diff"]["answer_changed"]
    assert data["diff"]["subtasks"] == []
    listed = command("runs", "list", "--json").data
    assert [run["run_id"] for run in listed] == [data["run_id"], run_id]


def test_another_prompt_is_asked_and_the_changed_answer_comes_first(
    command: Any, pilot: Pilot, tmp_path: Path
) -> None:
    run_id = asked(command)
    body = "## user\nName the pilot. $known $question\n"
    file = tmp_path / "agent_answer.md"
    file.write_text(f"---\nname: agent_answer\nversion: mine\nsha256: {text_digest(body)}\n---\n{body}")
    pilot.name = "Bob"
    outcome = command("runs", "replay", run_id, "--prompt", f"agent_answer={file}")
    first, before, after, *_ = outcome.out.splitlines()
    assert (first, before[0], after[0]) == ("The answer changed.", "-", "+")
    assert "Ann" in before
    assert "Bob" in after
    assert "agent_answer@mine" in outcome.out
    assert "0 model calls from the record" in outcome.out


def test_another_policy_is_told_apart_by_its_decisions(command: Any, pilot: Pilot) -> None:
    run_id = asked(command)
    data = command("runs", "replay", run_id, "--policy", "rules", "--json").data
    (subtask,) = data["diff"]["subtasks"]
    changed = {change["what"]: (change["before"], change["after"]) for change in subtask["changes"]}
    assert changed["decision.policy"] == ("always-local", "rules")
    assert {change["what"] for change in data["diff"]["set_up"]} == {"policy"}
    assert pilot.asked


def test_prompts_and_planner_of_the_run_hold_unless_others_are_named(
    command: Any, pilot: Pilot, tmp_path: Path
) -> None:
    body = "## user\nName the pilot. $known $question\n"
    file = tmp_path / "agent_answer.md"
    file.write_text(f"---\nname: agent_answer\nversion: mine\nsha256: {text_digest(body)}\n---\n{body}")
    run_id = asked(command, "--prompt", f"agent_answer={file}", "--planner", "llm")
    made = pilot.asked
    data = command("runs", "replay", run_id, "--json").data
    assert pilot.asked == made
    assert data["diff"]["set_up"] == []


def test_diff_of_two_runs(command: Any, pilot: Pilot) -> None:
    a = asked(command)
    pilot.name = "Bob"
    b = asked(command)
    outcome = command("runs", "diff", a, b)
    assert outcome.code == 0
    assert outcome.out.startswith("The answer changed.")
    assert "the plan is the same" in outcome.out
    data = command("runs", "diff", a, b, "--json").data
    assert data["answer_changed"]
    assert command("runs", "diff", a, a).out.startswith("The answer is the same.")


@pytest.mark.parametrize("words", [("replay", "nope"), ("diff", "nope", "nope")])
def test_an_unknown_run_is_an_error_that_names_it(command: Any, words: tuple[str, ...]) -> None:
    outcome = command("runs", *words)
    assert outcome.code == 2
    assert "nope" in outcome.err


def test_a_run_made_of_objects_is_replayed_where_they_are(command: Any) -> None:
    agent = Agent(
        local=ScriptedChat(reply=lambda _text: "a fish"),
        policy=FakePolicy(),
        planner=Plan([Subtask(id="s1", text="Which fish?")]),
        verifiers={"good": lambda _subtask, _attempt: True},
    )
    run_id = agent.run("Which fish?").run_id
    outcome = command("runs", "replay", run_id)
    assert outcome.code == 2
    for name in ("local", "policy", "planner", "verifiers", f"agent.replay({run_id!r})"):
        assert name in " ".join(outcome.err.split())


def test_a_ledger_that_keeps_no_texts_says_that_calls_were_made_again(
    command: Any, pilot: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTFISH_KEEP_CONTENT", "false")
    run_id = asked(command)
    made = pilot.asked
    assert command("runs", "replay", run_id).code == 2
    outcome = command("runs", "replay", run_id, "--task", QUESTION)
    assert pilot.asked == 2 * made
    assert f"{made} of them did not change, but their answers are not kept" in outcome.out
    assert outcome.out.startswith("The answer is the same.")
    pilot.name = "Bob"
    data = command("runs", "replay", run_id, "--task", QUESTION, "--json").data
    assert data["diff"]["answer_changed"]
    assert "Bob" not in "".join(data["diff"]["answers"])
