from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, Plan, Subtask, UsageError
from pilotfish.agents.run_diff import RunDiff, diff_runs
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy
from pilotfish.tracing.ledger import Ledger

TASK = "Which fish is it?"


def run(home: Path, *, said: str = "a cod", model: str = "m1", keep: bool = True, **more: Any) -> str:
    more.setdefault("planner", plan("s1"))
    chat = ScriptedChat(reply=lambda _text: said, model_name=model)
    settings = Settings(home=home, keep_content=keep)
    agent = Agent(local=chat, policy=FakePolicy(), votes=1, settings=settings, **more)
    return agent.run(TASK).run_id


def plan(*names: str, **more: Any) -> Plan:
    return Plan([Subtask(id=name, text=f"Which fish is {name}?", **more) for name in names])


def diff(home: Path, a: str, b: str) -> RunDiff:
    return diff_runs(Ledger(home / "ledger.db"), a, b)


def changed(found: RunDiff, name: str = "s1") -> dict[str, tuple[Any, Any]]:
    changes = next((subtask.changes for subtask in found.subtasks if subtask.id == name), ())
    return {change.what: (change.before, change.after) for change in changes}


def test_a_run_is_the_same_as_itself(tmp_path: Path) -> None:
    one = run(tmp_path)
    found = diff(tmp_path, one, one)
    assert (found.answer_changed, found.plan_changed, found.set_up, found.subtasks) == (False, False, (), ())
    assert found.before == found.after


def test_another_model_that_says_the_same_changes_the_calls_only(tmp_path: Path) -> None:
    found = diff(tmp_path, run(tmp_path), run(tmp_path, model="m2"))
    assert not found.answer_changed
    ((before, after),) = changed(found).values()
    assert ("m1" in before[0], "m2" in after[0]) == (True, True)
    assert "agent_answer@" in before[0]


@pytest.mark.parametrize("keep", [True, False])
def test_another_answer_is_seen_with_and_without_its_text(tmp_path: Path, keep: bool) -> None:
    a, b, c = (run(tmp_path, said=said, keep=keep) for said in ("a cod", "a ray", "a cod"))
    found = diff(tmp_path, a, b)
    assert found.answer_changed
    assert set(changed(found)) == {"answer"}
    assert ("a ray" in str(found.to_json())) is keep
    assert not diff(tmp_path, a, c).answer_changed


@pytest.mark.parametrize("keep", [True, False])
def test_another_plan_is_seen_with_and_without_its_texts(tmp_path: Path, keep: bool) -> None:
    a = run(tmp_path, keep=keep)
    b = run(tmp_path, keep=keep, planner=plan("s1", "s2"))
    c = run(tmp_path, keep=keep, planner=Plan([Subtask(id="s1", text="Which fish is small?")]))
    assert diff(tmp_path, a, b).plan_changed
    assert changed(diff(tmp_path, a, b), "s2") == {"subtask": (None, "there")}
    assert changed(diff(tmp_path, b, a), "s2") == {"subtask": ("there", None)}
    assert diff(tmp_path, a, c).plan_changed
    assert not diff(tmp_path, a, run(tmp_path, keep=keep)).plan_changed


def test_escalations_verdicts_and_status_are_told_apart(tmp_path: Path) -> None:
    checks = {"never": lambda _subtask, _attempt: False}
    large = ScriptedChat(reply=lambda _text: "a cod", model_name="big")
    a = run(tmp_path, planner=plan("s1"))
    b = run(tmp_path, planner=plan("s1", verifier="never"), verifiers=checks, large=large)
    found = changed(diff(tmp_path, a, b))
    assert found["escalations"] == ([], ["local → large (verifier_failed)"])
    assert found["verdict"][1] == "fail (never)"
    assert found["status"] == ("unverified", "failed")
    assert len(found["calls"][1]) == 2


def test_a_run_that_never_ended_can_be_compared(tmp_path: Path) -> None:
    a = run(tmp_path)
    Ledger(tmp_path / "ledger.db").append("half", "run", {"task": TASK})
    found = diff(tmp_path, a, "half")
    assert found.status == ("partial" if found.status[0] == "partial" else "answered", "unfinished")
    assert found.answer_changed
    assert found.after.calls == 0


def test_replayed_calls_are_counted_at_what_they_cost_and_billed_at_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    call = {
        "model_id": "m", "model_digest": "d" * 64, "prompt_name": "p", "prompt_version": "1", "input_tokens": 5,
        "output_tokens": 7, "latency_ms": 20.0, "cost_usd": 0.5, "recorded_cost_usd": 0.0, "replayed": False,
    }  # fmt: skip
    for name in ("a", "b"):
        ledger.append(name, "run", {"task": TASK})
    ledger.append("a", "call", call)
    ledger.append("b", "call", {**call, "cost_usd": 0.0, "recorded_cost_usd": 0.5, "replayed": True})
    ledger.append("b", "call", {**call, "purpose": "shadow"})
    found = diff(tmp_path, "a", "b")
    assert (found.before.cost_usd, found.after.cost_usd) == (0.5, 0.5)
    assert (found.before.billed_usd, found.after.billed_usd) == (0.5, 0.0)
    assert (found.after.calls, found.after.replayed) == (1, 1)


def test_an_unknown_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run 'nope'"):
        diff(tmp_path, run(tmp_path), "nope")
