"""What of a run's text is in the ledger: all, unless the setting or a data class says otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pilotfish import Agent, UsageError
from pilotfish.agents.plan import Plan
from pilotfish.models.data_policy import DataPolicy, Rule
from pilotfish.models.detection import Finding
from pilotfish.models.settings import load_settings
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.tracing.ledger import Ledger, Record

HUSH = DataPolicy(
    rules={
        "internal": Rule(localities=("local", "remote")),
        "hushed": Rule(localities=("local", "remote"), keep_content=False),
    }
)
KINDS = ["run", "plan", "decision", "call", "verdict", "subtask", "answer"]


class Zebras:
    def detect(self, text: str) -> tuple[Finding, ...]:
        at = text.find("zebras")
        return (Finding(kind="ZEBRA", start=at, end=at + 6),) if at >= 0 else ()


def agent(data_policy: DataPolicy = HUSH) -> Agent:
    chat = ScriptedChat(reply=lambda _prompt: "Answer: 4242")
    return Agent(local=chat, policy="rules", planner="rules", data_policy=data_policy)


def kinds(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(record.kind for record in records))


def ledger() -> Ledger:
    return Ledger(load_settings().home / "ledger.db")


def everything_kept() -> bytes:
    return b"".join(file.read_bytes() for file in load_settings().home.glob("ledger.db*"))


def test_everything_is_kept_unless_said_otherwise() -> None:
    agent().run("What is 42 * 101 zebras?", run_id="r")
    records = ledger().records("r")
    assert kinds(records) == KINDS
    assert not any(record.content_missing for record in records)
    assert b"zebras" in everything_kept()
    call = records[3].body
    assert "zebras" in (ledger().content(call["prompt_sha256"]) or "")
    assert ledger().content(call["answer_sha256"]) == "Answer: 4242"


@pytest.mark.parametrize("how", ["setting", "class of the task"])
def test_nothing_is_kept_where_it_must_not_be(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "setting":
        monkeypatch.setenv("PILOTFISH_KEEP_CONTENT", "false")
    data_class = None if how == "setting" else "hushed"
    result = agent().run("What is 42 * 101 zebras?", run_id="r", data_class=data_class)
    assert "4242" in result.answer
    data = everything_kept()
    assert b"zebras" not in data
    assert b"4242" not in data
    assert kinds(ledger().records("r")) == KINDS
    assert ledger().verify() == []
    call, *_ = ledger().records("r", "call")
    assert call.body["prompt_sha256"], "the hash stays"
    assert ledger().summary("r").status == "answered"


@pytest.mark.parametrize("kept_first", [True, False])
def test_a_run_that_keeps_nothing_shows_nothing_that_another_kept(
    monkeypatch: pytest.MonkeyPatch, kept_first: bool
) -> None:
    for keep in (kept_first, not kept_first):
        monkeypatch.setenv("PILOTFISH_KEEP_CONTENT", str(keep).lower())
        agent().run("What is 42 * 101 zebras?", run_id="kept" if keep else "bare")
    assert {run.run_id: run.task for run in ledger().runs()} == {
        "kept": "What is 42 * 101 zebras?",
        "bare": "",
    }
    told = str([record.body for record in ledger().records("bare")])
    assert not [text for text in ("zebras", "4242") if text in told]
    assert "zebras" in str([record.body for record in ledger().records("kept")])
    assert ledger().verify() == []
    with pytest.raises(UsageError, match="cannot go on"):
        agent().resume("bare")
    with pytest.raises(UsageError, match="does not hold the task"):
        agent().replay("bare")


def test_what_is_detected_in_the_task_counts_as_its_class() -> None:
    finds = replace(HUSH, detect={"ZEBRA": "hushed"}, detector=Zebras())
    agent(data_policy=finds).run("What is 42 * 101 zebras?", run_id="r")
    data = everything_kept()
    assert not [text for text in (b"zebras", b"4242") if text in data]


def test_a_hushed_subtask_hushes_what_comes_of_it_and_no_more() -> None:
    plan = Plan(
        [
            Subtask(id="a", text="What is 6 * 7 apples?"),
            Subtask(id="b", text="What is 8 * 9 zebras?", data_class="hushed"),
            Subtask(id="c", text="What of #b and yaks?", depends_on=("b",)),
        ]
    )
    chat = ScriptedChat(reply=lambda prompt: "Answer: 72" if "zebras" in prompt else "Answer: 42")
    Agent(local=chat, policy="rules", planner=plan, data_policy=HUSH).run("Count.", run_id="r")
    data = everything_kept()
    assert b"apples" in data
    assert not [text for text in (b"zebras", b"yaks") if text in data]
    missing = {(r.kind, r.subtask_id) for r in ledger().records("r") if r.content_missing}
    assert {("subtask", "b"), ("subtask", "c"), ("plan", None), ("answer", None)} <= missing
    assert ("subtask", "a") not in missing


def test_the_values_a_schema_allows_are_text_too() -> None:
    schema = {"type": "object", "properties": {"animal": {"enum": ["zebra", "yak"]}}}
    plan = Plan([Subtask(id="a", text="Which animal?", answer_schema=schema)])
    chat = ScriptedChat(reply=lambda _prompt: '{"animal": "yak"}')
    Agent(local=chat, policy="rules", planner=plan, data_policy=HUSH).run(
        "?", run_id="r", data_class="hushed"
    )
    assert b"zebra" not in everything_kept()
    Agent(local=chat, policy="rules", planner=plan, data_policy=HUSH).run("?", run_id="kept")
    (drawn,) = ledger().records("kept", "plan")
    assert drawn.body["subtasks"][0]["answer_schema"] == schema


def test_a_run_whose_task_is_gone_cannot_go_on() -> None:
    agent().run("What is 42 * 101?", run_id="r", data_class="hushed")
    with pytest.raises(UsageError, match=r"run 'r' cannot go on.*not kept.*ask it again"):
        agent().resume("r")


def test_what_is_kept_no_more_is_carried_out_again(tmp_path: Path) -> None:
    """A run of an unhushed task, whose subtask was finished and not kept, goes on with the subtask anew."""
    asked: list[str] = []

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return "Answer: 42"

    plan = Plan(
        [Subtask(id="a", text="What is 6 * 7?", data_class="hushed"), Subtask(id="b", text="What is 5 + 4?")]
    )
    first = Agent(local=ScriptedChat(reply=reply), policy="rules", planner=plan, data_policy=HUSH, votes=1)
    whole = first.run("Count.", run_id="r")
    before = len(asked)
    again = first.resume("r")
    assert [subtask.answer for subtask in again.subtasks] == [subtask.answer for subtask in whole.subtasks]
    assert len(asked) - before > 0
    assert ledger().verify() == []


def test_feedback_on_what_is_not_kept_is_taken() -> None:
    own = agent()
    own.run("What is 42 * 101?", run_id="r", data_class="hushed")
    (finished,) = ledger().records("r", "subtask")
    own.feedback("r", finished.subtask_id or "", reward=0.5)
    (feedback,) = ledger().records("r", "feedback")
    assert feedback.body == {"reward": 0.5}


def test_each_checked_attempt_has_a_verdict_record() -> None:
    chat = ScriptedChat(reply=lambda _prompt: "Answer: 41")
    large = ScriptedChat(reply=lambda _prompt: "Answer: 42")
    Agent(local=chat, large=large, policy="always-local", planner="rules").run("What is 6 * 7?", run_id="r")
    verdicts = [record.body for record in ledger().records("r", "verdict")]
    assert next((v["attempt"], v["status"], v["checked"]) for v in verdicts) == (1, "fail", "arithmetic")
    assert verdicts[-1]["status"] == "pass"
    (finished,) = ledger().records("r", "subtask")
    assert len(verdicts) == len(finished.body["escalations"]) + 1
