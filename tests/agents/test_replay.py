from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool

from pilotfish import Agent, Plan, Result, Subtask, UsageError
from pilotfish.agents.replay import ReplayCounts, replay_counts
from pilotfish.agents.run_diff import diff_runs
from pilotfish.models.data_policy import DataPolicy, Rule
from pilotfish.models.settings import Settings
from pilotfish.prompts.prompt import text_digest
from pilotfish.router.llm import load_llm
from pilotfish.router.load import load_policy
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLearner, FakePolicy, FakeRetriever
from pilotfish.testing.model_server import FaultPlan, ModelServer
from pilotfish.tracing.costs import costs
from pilotfish.tracing.ledger import Ledger

TASK = "Which fish is small, and why does it swim with the big one?"
TWO = Plan(
    [
        Subtask(id="s1", text="Which fish is small?"),
        Subtask(id="s2", text="Why does #s1 swim with the big one?", depends_on=("s1",)),
    ]
)
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


class Counting:
    """Replies by a function and keeps what it was asked."""

    def __init__(self, reply: Callable[[str], str] = lambda _text: "the pilot fish") -> None:
        self.asked: list[str] = []
        self._reply = reply

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        return self._reply(text)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings.home / "ledger.db")


def agent(settings: Settings, reply: Counting, *, model: str = "scripted", **more: Any) -> Agent:
    more = {"policy": FakePolicy(), "planner": TWO, "votes": 1, **more}
    return Agent(local=ScriptedChat(reply=reply, model_name=model), settings=settings, **more)


def counts(ledger: Ledger, result: Result) -> ReplayCounts:
    found = replay_counts(ledger, result.run_id)
    assert found is not None
    return found


def calls(ledger: Ledger, run_id: str) -> list[dict[str, Any]]:
    return [record.body for record in ledger.records(run_id, "call")]


def test_unchanged_no_model_is_called_and_every_call_says_that_it_was_replayed(
    settings: Settings, ledger: Ledger
) -> None:
    reply = Counting()
    mine = agent(settings, reply)
    first = mine.run(TASK, tenant="acme", data_class="public")
    made = len(reply.asked)
    again = mine.replay(first.run_id)
    assert len(reply.asked) == made == 2
    assert again.answer == first.answer
    assert again.run_id != first.run_id
    before, after = calls(ledger, first.run_id), calls(ledger, again.run_id)
    assert [call["replayed"] for call in before + after] == [False, False, True, True]
    for name in ("latency_ms", "output_tokens", "answer_sha256", "prompt_sha256", "request_sha256"):
        assert [call[name] for call in before] == [call[name] for call in after]
    assert again.spend.replayed == 2
    began = ledger.records(again.run_id, "run")[0].body
    assert (began["replays"], began["tenant"], began["data_class"]) == (first.run_id, "acme", "public")
    assert not diff_runs(ledger, first.run_id, again.run_id).subtasks
    assert ledger.verify() == []


class SecondToLarge(FakePolicy):
    """Sends the second subtask to the large model."""

    def _one(self, subtask: Subtask) -> Any:
        decision = super()._one(subtask)
        return dataclasses.replace(decision, lane="large") if subtask.id == "s2" else decision


def test_another_policy_calls_only_for_what_it_sends_elsewhere(settings: Settings, ledger: Ledger) -> None:
    small, big = Counting(lambda _text: "small"), Counting(lambda _text: "big")
    plan = Plan([dataclasses.replace(subtask, verifier="good") for subtask in TWO])
    both: dict[str, Any] = {"large": ScriptedChat(reply=big, model_name="big"), "planner": plan}
    both["verifiers"] = {"good": lambda _subtask, _attempt: True}
    first = agent(settings, small, **both).run(TASK)
    assert (len(small.asked), len(big.asked)) == (2, 0)
    again = agent(settings, small, policy=SecondToLarge(), **both).replay(first.run_id)
    assert (len(small.asked), len(big.asked)) == (2, 1)
    assert (counts(ledger, again).replayed, counts(ledger, again).called) == (1, 1)
    assert [subtask.answer for subtask in again.subtasks] == ["small", "big"]


def test_another_model_is_asked_everything(settings: Settings, ledger: Ledger) -> None:
    first = agent(settings, Counting()).run(TASK)
    other = Counting(lambda _text: "a remora")
    again = agent(settings, other, model="other").replay(first.run_id)
    assert len(other.asked) == 2
    assert counts(ledger, again).replayed == 0
    assert again.subtasks[-1].answer == "a remora"


def test_another_prompt_is_asked_anew(settings: Settings, tmp_path: Path, ledger: Ledger) -> None:
    body = "## user\nBe brief. $known $question\n"
    file = tmp_path / "agent_answer.md"
    file.write_text(f"---\nname: agent_answer\nversion: mine\nsha256: {text_digest(body)}\n---\n{body}")
    reply = Counting()
    first = agent(settings, reply).run(TASK)
    again = agent(settings, reply, prompts=[f"agent_answer={file}"]).replay(first.run_id)
    assert len(reply.asked) == 4
    assert {call["prompt_version"] for call in calls(ledger, again.run_id)} == {"mine"}


def test_another_seed_is_another_request(settings: Settings) -> None:
    reply = Counting()
    first = agent(settings, reply).run(TASK)
    agent(settings, reply, seed=1).replay(first.run_id)
    assert len(reply.asked) == 4


def test_a_prompt_split_by_run_gives_a_replay_what_its_run_was_given(
    settings: Settings, tmp_path: Path
) -> None:
    files: list[str] = []
    for name in ("a", "b"):
        body = f"## user\n{name}: $known $question\n"
        file = tmp_path / name / "agent_answer.md"
        file.parent.mkdir()
        file.write_text(f"---\nname: agent_answer\nversion: {name}\nsha256: {text_digest(body)}\n---\n{body}")
        files.append(str(file))
    reply = Counting()
    mine = agent(settings, reply, prompts={"agent_answer": ",".join(files)})
    for _ in range(6):
        run_id = mine.run(TASK).run_id
        made = len(reply.asked)
        again = mine.replay(mine.replay(run_id).run_id)
        assert len(reply.asked) == made
        assert again.spend.replayed == 2


def test_samples_of_a_vote_are_replayed_each_as_it_was(settings: Settings) -> None:
    drawn = iter("abcbbdefgh")
    reply = Counting(lambda _text: f"it is {next(drawn)}")
    one = Plan([Subtask(id="s1", text="Which letter?")])
    mine = agent(settings, reply, planner=one, votes=5)
    first = mine.run(TASK)
    made = len(reply.asked)
    assert made > 2
    again = mine.replay(first.run_id)
    assert len(reply.asked) == made
    assert again.subtasks[0].verdict == first.subtasks[0].verdict
    assert again.answer == first.answer


def test_a_repair_turn_and_a_truncated_answer_come_out_as_they_did(settings: Settings) -> None:
    replies = iter(["no JSON", '{"n": 3}'])
    reply = Counting(lambda _text: next(replies))
    mine = agent(settings, reply, planner=Plan([Subtask(id="s1", text="How many?", answer_schema=SCHEMA)]))
    first = mine.run(TASK)
    again = mine.replay(first.run_id)
    assert (first.subtasks[0].value, again.subtasks[0].value) == ({"n": 3}, {"n": 3})
    assert [call.failure for call in again.subtasks[0].calls] == ["parse_error", None]
    cut = ScriptedChat(reply=Counting(lambda _text: "the pilot"), finish_reason="length")
    mine = Agent(local=cut, settings=settings, policy=FakePolicy(), planner=TWO, votes=1)
    run = mine.run(TASK)
    again = mine.replay(run.run_id)
    assert again.subtasks[0].failure == run.subtasks[0].failure == "truncated"
    assert again.spend.replayed == again.spend.calls > 0


def test_what_failed_for_want_of_a_model_is_asked_again(settings: Settings, ledger: Ledger) -> None:
    def down(_text: str) -> str:
        raise ConnectionError("down")

    first = agent(settings, Counting(down)).run(TASK)
    assert first.status == "failed"
    up = Counting()
    again = agent(settings, up).replay(first.run_id)
    assert (again.status, len(up.asked), counts(ledger, again).replayed) == ("answered", 2, 0)


def test_what_another_model_answered_is_not_taken_for_the_models(settings: Settings, ledger: Ledger) -> None:
    plan = Plan([Subtask(id="s1", text="Which fish is small?")])
    with ModelServer(faults=FaultPlan(script=["wrong_model"])) as server:
        mine = Agent(
            local=server.model(), planner=plan, policy=FakePolicy(), votes=1, large=None, settings=settings
        )
        first = mine.run(TASK)
        assert (first.status, first.subtasks[0].failure) == ("failed", "model_unavailable")
        again = mine.replay(first.run_id)
    found = counts(ledger, again)
    assert (again.status, found.replayed, found.called, found.not_kept) == ("answered", 0, 1, 0)


def test_answers_that_are_not_kept_are_asked_for_again_and_that_is_said(
    settings: Settings, ledger: Ledger
) -> None:
    rules = {"internal": Rule(localities=("local",), keep_content=False)}
    reply = Counting()
    mine = agent(settings, reply, data_policy=DataPolicy(rules=rules))
    first = mine.run(TASK)
    again = mine.replay(first.run_id, task=TASK)
    assert len(reply.asked) == 4
    assert (counts(ledger, again).replayed, counts(ledger, again).called) == (0, 2)
    assert counts(ledger, again).not_kept == 2


def test_a_task_that_the_ledger_does_not_hold_must_be_given_again(settings: Settings, tmp_path: Path) -> None:
    mine = agent(settings, Counting())
    services = dataclasses.replace(mine.services, ledger=Ledger(tmp_path / "bare.db", keep_content=False))
    mine.__dict__["services"] = services
    first = mine.run(TASK)
    with pytest.raises(UsageError, match="does not hold the task of run"):
        mine.replay(first.run_id)
    with pytest.raises(UsageError, match="was asked something else"):
        mine.replay(first.run_id, task="Which fish is big?")
    again = mine.replay(first.run_id, task=TASK)
    found = diff_runs(services.ledger, first.run_id, again.run_id)
    assert not found.answer_changed
    assert not found.set_up
    assert "not kept" in found.answers[0]


def test_a_recorded_run_is_no_answer_to_another_task(settings: Settings) -> None:
    mine = agent(settings, Counting())
    first = mine.run(TASK)
    with pytest.raises(UsageError, match="else than 'Which fish is big"):
        mine.replay(first.run_id, task="Which fish is big?")
    assert mine.replay(first.run_id, task=TASK).answer == first.answer


def test_the_data_policy_of_today_holds_for_a_replay_too(settings: Settings) -> None:
    reply = Counting()
    run = agent(settings, reply).run(TASK)
    nothing = DataPolicy(rules={"internal": Rule(localities=("remote",))})
    again = agent(settings, reply, data_policy=nothing).replay(run.run_id)
    assert len(reply.asked) == 2
    assert again.spend.calls == 0
    assert again.subtasks[0].failure == "data_policy"


def test_a_tool_is_not_run_again_for_the_same_arguments(settings: Settings, ledger: Ledger) -> None:
    sent: list[str] = []

    @tool
    def send(to: str) -> str:
        """Send it."""
        if to == "nobody":
            raise ValueError("there is no such address")
        sent.append(to)
        return f"sent to {to}"

    def plan(*names: str) -> Plan:
        return Plan(
            [Subtask(id=name, text="Send it.", tool="send", arguments={"to": name}) for name in names]
        )

    mine = agent(settings, Counting(), tools=[send], planner=plan("ann", "nobody"))
    first = mine.run(TASK)
    again = mine.replay(first.run_id)
    assert sent == ["ann"]
    assert [s.answer for s in again.subtasks] == [s.answer for s in first.subtasks]
    assert again.subtasks[1].detail == first.subtasks[1].detail
    assert (counts(ledger, again).tools_replayed, counts(ledger, again).tools_run) == (2, {})
    other = agent(settings, Counting(), tools=[send], planner=plan("ann", "bob")).replay(first.run_id)
    assert sent == ["ann", "bob"]
    assert counts(ledger, other).tools_run == {"send": 1}


def test_an_unchanged_planner_is_not_asked_again_even_where_its_answer_is_lost(
    settings: Settings, ledger: Ledger
) -> None:
    rows = [{"id": "s1", "text": "Which fish is small?", "depends_on": []}]
    reply = Counting(lambda text: json.dumps({"subtasks": rows}) if "subtasks" in text else "a fish")
    mine = agent(settings, reply, planner="llm")
    first = mine.run(TASK)
    (drawn,) = [call for call in calls(ledger, first.run_id) if call["purpose"] == "plan"]
    with ledger.transaction() as connection:
        connection.execute("DELETE FROM contents WHERE sha256 = ?", (drawn["answer_sha256"],))
    made = len(reply.asked)
    again = mine.replay(first.run_id)
    assert len(reply.asked) == made
    assert again.plan["subtasks"] == first.plan["subtasks"]
    other = agent(settings, reply, planner="llm", model="other").replay(first.run_id)
    assert [call["purpose"] for call in calls(ledger, other.run_id)] == ["plan", "answer"]
    assert not any(call["replayed"] for call in calls(ledger, other.run_id))


def test_the_llm_policy_decides_from_the_record(settings: Settings, ledger: Ledger) -> None:
    router = Counting(lambda _text: "reasoning")
    policy = load_llm(
        model=ScriptedChat(reply=router, model_name="router"), fallback=load_policy("rules"), logprobs=False
    )
    mine = agent(settings, Counting(), policy=policy)
    first = mine.run(TASK)
    made = len(router.asked)
    again = mine.replay(first.run_id)
    assert made == len(router.asked) > 0
    assert [s.decision for s in again.subtasks] == [s.decision for s in first.subtasks]
    assert {call["purpose"] for call in calls(ledger, again.run_id)} == {"route", "answer"}


def test_a_replay_teaches_nothing(settings: Settings) -> None:
    learner = FakeLearner()
    mine = agent(settings, Counting(), policy=learner)
    run = mine.run(TASK)
    lessons = len(learner.lessons)
    mine.replay(run.run_id)
    assert len(learner.lessons) == lessons > 0


def test_a_replay_that_was_killed_goes_on_from_the_record(settings: Settings, ledger: Ledger) -> None:
    reply = Counting()
    mine = agent(settings, reply)
    first = mine.run(TASK)
    began = ledger.records(first.run_id, "run")[0].body
    ledger.append("half", "run", {**began, "replays": first.run_id, "first_run_id": first.run_id})
    assert mine.resume("half").answer == first.answer
    assert len(reply.asked) == 2


def test_the_budget_that_a_run_had_holds_for_its_replay(settings: Settings, ledger: Ledger) -> None:
    from pilotfish.agents.budget import Budget

    first = agent(settings, Counting(), budget=Budget(calls=1)).run(TASK)
    again = agent(settings, Counting()).replay(first.run_id)
    assert [s.failure for s in again.subtasks] == [s.failure for s in first.subtasks] == [None, "budget"]


def test_a_run_that_is_unknown_or_was_refused_is_not_replayed(settings: Settings) -> None:
    mine = agent(settings, Counting(), approve=True)
    with pytest.raises(UsageError, match="no run 'nope'"):
        mine.replay("nope")
    waits = mine.run(TASK)
    mine.resume(waits.run_id, approve=False)
    with pytest.raises(UsageError, match="was not approved"):
        mine.replay(waits.run_id)


def test_an_altered_answer_in_the_ledger_is_not_taken_for_the_models(
    settings: Settings, ledger: Ledger
) -> None:
    reply = Counting()
    mine = agent(settings, reply)
    first = mine.run(TASK)
    sha = calls(ledger, first.run_id)[0]["answer_sha256"]
    with ledger.transaction() as connection:
        connection.execute("UPDATE contents SET text = ? WHERE sha256 = ?", (json.dumps("a shark"), sha))
    again = mine.replay(first.run_id)
    assert again.answer == first.answer
    assert len(reply.asked) == 4


def test_a_replay_adds_no_answers_to_what_an_answer_costs(settings: Settings, ledger: Ledger) -> None:
    mine = agent(settings, Counting())
    first = mine.run(TASK)
    before = costs(ledger)
    mine.replay(first.run_id)
    assert costs(ledger) == before
    agent(settings, Counting(), seed=1).replay(first.run_id)
    after = costs(ledger)
    assert (after.runs, after.subtasks) == (before.runs, before.subtasks)
    assert sum(row.calls for row in after.rows) == 4


@pytest.mark.weights
def test_the_embedded_model_is_called_only_for_what_changed(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(weights / "models")
    settings = Settings(home=tmp_path)
    plan = Plan(
        [
            Subtask(id="s1", text="Tom has 3 apples and buys 4 more. How many apples has he?"),
            Subtask(id="s2", text="He gives away 2 of #s1 apples. How many are left?", depends_on=("s1",)),
        ]
    )
    ledger = Ledger(tmp_path / "ledger.db")

    def asked(**more: Any) -> Agent:
        return Agent(policy="always-local", planner=plan, settings=settings, **more)

    first = asked().run("How many apples are left?")
    again = asked().replay(first.run_id)
    assert again.answer == first.answer
    assert (counts(ledger, again).replayed, counts(ledger, again).called) == (first.spend.calls, 0)
    assert first.spend.calls >= 2
    corpus = FakeRetriever(lambda _query, _k: [])
    seeks = FakePolicy(kinds={"s2": "knowledge"})
    other = Agent(policy=seeks, planner=plan, corpus=corpus, settings=settings).replay(first.run_id)
    found = counts(ledger, other)
    about_s1 = [record for record in ledger.records(first.run_id, "call") if record.subtask_id == "s1"]
    assert found.replayed >= len(about_s1)
    assert {r.subtask_id for r in ledger.records(other.run_id, "call") if not r.body["replayed"]} <= {"s2"}
    seeded = counts(ledger, asked(seed=1).replay(first.run_id))
    assert seeded.replayed == 0
