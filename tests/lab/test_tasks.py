from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.lab.importers import load_table, write_table
from pilotfish.lab.routed import route
from pilotfish.lab.table import Pair
from pilotfish.lab.tasks import arun_tasks
from pilotfish.lab.tasks_checks import Exact, Function, Numeric
from pilotfish.lab.tasks_file import Task
from pilotfish.lab.tasks_rows import Row, RowFile
from pilotfish.lab.tasks_summary import TaskBench, summarise, wilson
from pilotfish.retrieval.evidence import Evidence
from pilotfish.router.fixed import always_local
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLearner, FakeRetriever

VICTIM = Path(__file__).with_name("tasks_victim.py")
TASKS = [
    Task(
        id="sum",
        text="How many legs do 3 dogs have?",
        check=Numeric(answer=12),
        kind="reasoning",
        group="maths",
    ),
    Task(id="who", text="Who wrote Emma?", check=Exact(answer=("Austen",)), kind="knowledge", group="books"),
    Task(id="where", text="Where is Oslo?", check=Exact(answer=("Norway",)), kind="knowledge"),
]
ANSWERS = {"dogs": "12", "Emma": "Dickens", "Oslo": "Norway"}


class Counting:
    """A scripted model that knows some answers and counts what it is asked."""

    def __init__(self, answers: dict[str, str] = ANSWERS, *, name: str = "scripted") -> None:
        self.asked = 0
        self.chat = ScriptedChat(reply=self._reply, model_name=name)
        self._answers = answers

    def _reply(self, text: str) -> str:
        self.asked += 1
        return next(
            (f"Answer: {said}" for word, said in self._answers.items() if word in text), "Answer: no idea"
        )


async def bench(model: Counting, policies: Sequence[Any], tmp_path: Path, **more: Any) -> TaskBench:
    more = {"out": tmp_path / "out", **more}
    return await arun_tasks(more.pop("tasks", TASKS), policies, local=model.chat, **more)


def library(query: str, _k: int) -> list[Evidence]:
    if "Emma" not in query:
        return []
    text = "Jane Austen wrote Emma, a novel of 1815."
    return [
        Evidence(source="b.txt", text=text, chunk_id="1", start=0, end=len(text), rank=1, grade="sufficient")
    ]


async def test_every_policy_has_a_row_for_every_task_scored_by_its_check(tmp_path: Path) -> None:
    found = await bench(Counting(), ["always-local", "rules"], tmp_path)
    assert found.policies == ("always-local", "rules")
    assert [(row.policy, row.id) for row in found.rows] == [
        (policy, task.id) for policy in found.policies for task in TASKS
    ]
    assert [row.score for row in found.of("always-local")] == [1.0, 0.0, 1.0]
    assert all(row.accepted and row.lane == "local" for row in found.of("always-local"))
    assert {row.kind for row in found.rows} == {"reasoning", "knowledge"}


async def test_swapping_a_policy_makes_no_new_call(tmp_path: Path) -> None:
    model = Counting()
    first = await bench(model, ["always-local"], tmp_path)
    asked = model.asked
    assert asked == sum(row.calls for row in first.rows)
    swapped = await bench(model, ["random:share=1.0"], tmp_path)
    assert model.asked == asked
    assert [row.answer for row in swapped.rows] == [row.answer for row in first.rows]
    assert [row.model_ms for row in swapped.rows] == [row.model_ms for row in first.rows]
    assert {(row.made, row.replayed > 0) for row in swapped.rows} == {(0, True)}
    assert {(row.made > 0, row.replayed) for row in first.rows} == {(True, 0)}


async def test_fewer_votes_take_from_the_cache_what_more_votes_asked(tmp_path: Path) -> None:
    model = Counting()
    await bench(model, ["always-local"], tmp_path)
    asked = model.asked
    unchecked = await bench(model, ["always-local"], tmp_path, votes=1)
    assert model.asked == asked
    assert {row.status for row in unchecked.rows} == {"unverified"}


async def test_what_changes_the_answers_is_asked_anew(tmp_path: Path) -> None:
    model = Counting()
    await bench(model, ["always-local"], tmp_path)
    asked = model.asked
    await bench(model, ["always-local"], tmp_path, seed=1)
    assert model.asked == 2 * asked


async def test_rows_are_kept_and_scored_by_the_check_of_today(tmp_path: Path) -> None:
    model = Counting()
    first = await bench(model, ["always-local"], tmp_path)
    lenient = [Task(id=task.id, text=task.text, check=Function("any", lambda _: 0.5)) for task in TASKS]
    again = await bench(model, ["always-local"], tmp_path, tasks=lenient)
    assert [row.run_id for row in again.rows] == [row.run_id for row in first.rows]
    assert [row.score for row in again.rows] == [0.5] * 3
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 3


async def test_rows_of_another_timeout_are_not_taken_for_todays(tmp_path: Path) -> None:
    model = Counting()
    first = await bench(model, ["always-local"], tmp_path)
    again = await bench(model, ["always-local"], tmp_path, timeout_s=60.0)
    assert {row.run_id for row in again.rows}.isdisjoint(row.run_id for row in first.rows)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A policy whose fits only their version tells apart."""

    version: str

    def __repr__(self) -> str:
        return "Fitted()"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [replace(found, version=self.version) for found in always_local().decide(subtasks)]


async def test_two_fits_of_a_policy_have_rows_of_their_own(tmp_path: Path) -> None:
    first = await bench(Counting(), [Fitted("1")], tmp_path, tasks=TASKS[:1])
    again = await bench(Counting(), [Fitted("1"), Fitted("2")], tmp_path, tasks=TASKS[:1])
    assert again.policies == ("Fitted()", "Fitted() #2")
    assert [row.version for row in again.rows] == ["1", "2"]
    assert again.rows[0].run_id == first.rows[0].run_id


@pytest.mark.parametrize("policy", ["bandit", FakeLearner()])
async def test_a_policy_that_learns_is_refused_before_any_call(tmp_path: Path, policy: Any) -> None:
    model = Counting()
    with pytest.raises(UsageError, match=r"learns while it runs.*lab replay.*agent"):
        await bench(model, ["always-local", policy], tmp_path)
    assert model.asked == 0


async def test_an_unreachable_model_is_a_row_that_the_next_run_tries_again(tmp_path: Path) -> None:
    def broken(_text: str) -> str:
        raise ConnectionError("nobody there")

    lost = Counting()
    lost.chat = ScriptedChat(reply=broken)
    found = await bench(lost, ["always-local"], tmp_path)
    assert {(row.status, row.failure, row.score) for row in found.rows} == {
        ("failed", "model_unavailable", 0.0)
    }
    assert found.summary()[0]["failures"] == {"model_unavailable": 3}
    back = await bench(Counting(), ["always-local"], tmp_path)
    assert {row.status for row in back.rows} == {"accepted"}


async def test_a_check_that_crashes_stops_the_bench_and_what_is_done_is_kept(tmp_path: Path) -> None:
    def fails(answer: str) -> bool:
        raise KeyError(answer)

    tasks = [TASKS[0], Task(id="bad", text="Where is Oslo?", check=Function("mine", fails))]
    model = Counting()
    with pytest.raises(UsageError, match="'mine' crashed with KeyError"):
        await bench(model, ["always-local"], tmp_path, tasks=tasks, concurrency=1)
    asked = model.asked
    mended = [TASKS[0], Task(id="bad", text="Where is Oslo?", check=Exact(answer=("Norway",)))]
    found = await bench(model, ["always-local"], tmp_path, tasks=mended)
    assert model.asked == asked
    assert [row.score for row in found.rows] == [1.0, 1.0]


async def test_as_many_tasks_at_once_as_said_and_never_more(tmp_path: Path) -> None:
    active, most = 0, 0
    pair = asyncio.Barrier(2)  # a bench that did fewer at once would wait here for ever

    class Slow:
        async def search(self, query: str, k: int = 5, /) -> list[Evidence]:
            nonlocal active, most
            active += 1
            most = max(most, active)
            await pair.wait()
            active -= 1
            return library(query, k)

    tasks = [Task(id=str(n), text=f"Who wrote Emma {n}?", check=Numeric(answer=n)) for n in range(8)]
    await bench(Counting(), ["always-retrieval"], tmp_path, tasks=tasks, corpus=Slow(), concurrency=2)
    assert most == 2


async def test_retrieval_answers_what_the_model_does_not_know(tmp_path: Path) -> None:
    model = Counting({**ANSWERS, "Jane Austen": "Jane Austen"})
    found = await bench(
        model, ["always-retrieval"], tmp_path, corpus=FakeRetriever(library), lanes_alone=True
    )
    by_id = {row.id: row for row in found.of("always-retrieval")}
    assert (by_id["who"].status, by_id["who"].lane) == ("accepted", "retrieval")
    assert (by_id["sum"].status, by_id["sum"].failure) == ("failed", "no_evidence")
    assert found.summary()[0]["accepted"] == pytest.approx(1 / 3)


async def test_escalations_are_counted_by_reason(tmp_path: Path) -> None:
    small, large = Counting({}), Counting(ANSWERS, name="grand")
    (row,) = (
        await bench(
            small,
            ["always-retrieval"],
            tmp_path,
            large=large.chat,
            corpus=FakeRetriever(library),
            tasks=TASKS[:1],
        )
    ).rows
    assert [(step.source, step.target, step.reason) for step in row.escalations] == [
        ("retrieval", "large", "no_evidence")
    ]
    assert summarise([row, row])["escalations"] == {"no_evidence": 2}
    assert (row.lane, row.score) == ("large", 1.0)


async def test_the_outcome_table_holds_every_lanes_own_answers(tmp_path: Path) -> None:
    small, large = Counting(), Counting({"Emma": "Austen"}, name="grand")
    found = await bench(
        small, ["always-local"], tmp_path, large=large.chat, corpus=FakeRetriever(library), lanes_alone=True
    )
    table = found.table()
    assert table.models == ("scripted", "scripted+retrieval", "grand")
    assert table.ids == tuple(task.id for task in TASKS)
    assert table.groups == ("maths", "books", "knowledge")
    assert table.correct[:, [0, 2]].tolist() == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    path = tmp_path / "log.csv"
    write_table(table, path)
    back = load_table(path)
    assert back.confidence is not None
    assert back.latency_ms is not None
    assert back.confidence[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert back.confidence[:, 1].tolist()[0] == 0.0


async def test_a_lane_alone_says_its_answer_even_where_the_verdict_withholds_it(tmp_path: Path) -> None:
    said = iter(["12", "13", "12", "14", "15"])
    wavering = Counting()
    wavering.chat = ScriptedChat(reply=lambda _text: f"Answer: {next(said)}")
    found = await bench(wavering, ["always-local"], tmp_path, tasks=TASKS[:1], lanes_alone=True)
    withheld, own = found.of("always-local")[0], found.of("lane:local")[0]
    assert (withheld.status, withheld.answer) == ("failed", "")
    assert (own.answer, own.score, own.confidence) == ("12", 1.0, 0.4)


async def test_a_table_needs_the_lanes_alone(tmp_path: Path) -> None:
    found = await bench(Counting(), ["always-local"], tmp_path)
    with pytest.raises(UsageError, match="--log"):
        found.table()


async def test_a_policy_may_be_an_object_and_a_frame_has_a_line_per_row(tmp_path: Path) -> None:
    found = await bench(Counting(), [always_local()], tmp_path)
    frame = found.frame()
    assert len(frame) == 3
    assert {"policy", "id", "score", "accepted", "latency_ms", "escalations"} <= set(frame.columns)
    assert frame["score"].sum() == 2


async def test_rules_plan_a_task_of_two_questions(tmp_path: Path) -> None:
    task = Task(id="two", text="Where is Oslo? Who wrote Emma?", check=Exact(answer=("Norway Dickens",)))
    (row,) = (await bench(Counting(), ["always-local"], tmp_path, tasks=[task], plan="rules")).rows
    assert (row.answer, row.score) == ("Norway\nDickens", 1.0)


@pytest.mark.parametrize(("more", "named"), [({"concurrency": 0}, "concurrency"), ({"votes": 0}, "votes")])
async def test_numbers_too_small_are_named(tmp_path: Path, more: dict[str, int], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        await bench(Counting(), ["always-local"], tmp_path, **more)


async def test_an_unknown_policy_is_named_before_any_call(tmp_path: Path) -> None:
    model = Counting()
    with pytest.raises(UsageError, match="learned"):
        await bench(model, ["always-local", "learnd"], tmp_path)
    assert model.asked == 0


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., Row]:
    async def make() -> Row:
        return (await bench(Counting(), ["always-local"], tmp_path, tasks=TASKS[:1])).rows[0]

    return lambda: asyncio.run(make())


def test_a_line_cut_short_is_dropped_and_the_next_one_is_whole(
    tmp_path: Path, rows: Callable[..., Row]
) -> None:
    file, row = RowFile(tmp_path / "rows.jsonl"), rows()
    file.append(row)
    with file.path.open("ab") as handle:
        handle.write(b'{"policy": "alw')
    assert file.read() == {row.key: row}
    file.append(row)
    assert len(file.path.read_text().splitlines()) == 2


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(UsageError, match=r"line 1 of .*--out"):
        RowFile(path).read()


def test_wilson_stays_within_0_and_1_and_shrinks() -> None:
    assert wilson([]) == (None, None, None)
    mean, low, high = wilson([1.0] * 10)
    assert (mean, high) == pytest.approx((1.0, 1.0))
    assert high is not None
    assert high <= 1.0
    assert low == pytest.approx(0.722467, abs=1e-5)
    assert wilson([0.0, 1.0] * 5)[1:] == pytest.approx((0.236593, 0.763407), abs=1e-5)


def run(home: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VICTIM), str(home), str(kill_at)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    lines = [
        {"id": f"t{n}", "task": f"Question number {n}{'!' * n}", "check": {"type": "regex", "pattern": r"\d"}}
        for n in range(6)
    ]
    homes = tmp_path / "whole", tmp_path / "killed"
    for home in homes:
        home.mkdir()
        (home / "tasks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return homes


@pytest.mark.parametrize("kill_at", [1, 8, 17])
def test_a_killed_bench_goes_on_where_it_was(homes: tuple[Path, Path], kill_at: int) -> None:
    whole, killed = homes
    uninterrupted = run(whole, 0)
    assert uninterrupted.returncode == 0, uninterrupted.stderr
    assert run(killed, kill_at).returncode == -9
    before = (killed / "asked.txt").read_text().splitlines() if kill_at > 1 else []
    resumed = run(killed, 0)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout) == json.loads(uninterrupted.stdout)
    asked = (killed / "asked.txt").read_text().splitlines()
    # What was answered before is not asked again, but for a call of the other task that was not kept yet.
    assert len(before) == kill_at - 1
    once = (whole / "asked.txt").read_text().splitlines()
    assert set(asked) == set(once)
    assert 0 <= len(asked) - len(once) <= 1


async def test_the_log_replays_to_what_the_bench_measured(tmp_path: Path) -> None:
    sum_ = "Tom has 3 dogs with 4 legs each and buys 2 more dogs. How many legs do they have in total?"
    tasks = [Task(id="sum", text=sum_, check=Numeric(answer=20)), *TASKS[1:]]
    model = Counting({"Tom": "20", "Jane Austen": "Jane Austen"})
    found = await bench(
        model, ["rules"], tmp_path, tasks=tasks, corpus=FakeRetriever(library), votes=1, lanes_alone=True
    )
    table = found.table()
    routed = route(load_policy("rules"), table, Pair(small=0, large=1))
    assert routed.choice.tolist() == [0, 1, 1]
    quality = table.correct[range(len(table)), routed.choice].mean()
    assert quality == found.summary()[0]["accuracy"]


async def test_a_planning_model_is_asked_once_for_all_policies(tmp_path: Path) -> None:
    plans: list[str] = []

    def reply(text: str) -> str:
        if "subtasks" not in text:
            return "Answer: Norway"
        plans.append(text)
        return json.dumps({"subtasks": [{"id": "s1", "text": "Where is Oslo?", "depends_on": []}]})

    model = Counting()
    model.chat = ScriptedChat(reply=reply)
    found = await bench(model, ["always-local", "rules"], tmp_path, tasks=TASKS[2:], plan="llm", votes=1)
    assert [(row.score, row.calls) for row in found.rows] == [(1.0, 2), (1.0, 2)]
    assert len(plans) == 1
