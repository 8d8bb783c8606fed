from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, Plan, Subtask, UsageError
from pilotfish.agents.admission import Admission, UnderWay
from pilotfish.agents.result import Result
from pilotfish.models.resilience import RefusedError
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.model_server import FaultPlan, ModelServer

PLAN = Plan(
    [
        Subtask(id="a", text="first"),
        Subtask(id="b", text="then #a", depends_on=("a",)),
        Subtask(id="c", text="last #b", depends_on=("b",)),
    ]
)


class Held(ScriptedChat):
    """Answers with the question's length; the second question waits for `release`, and says so by `reached`."""

    reached: Any
    release: Any
    asked: list[str]

    async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(str(messages[-1].content))
        if len(self.asked) == 2:
            self.reached.set()
            await self.release.wait()
        return self._generate(messages)


def held() -> Held:
    reply = lambda text: f"Answer: {len(text)}"  # noqa: E731
    return Held(reply=reply, reached=asyncio.Event(), release=asyncio.Event(), asked=[])


def agent(tmp_path: Path, chat: ScriptedChat, **more: Any) -> Agent:
    settings = Settings(home=tmp_path)
    return Agent(local=chat, policy=FakePolicy(), planner=PLAN, votes=1, settings=settings, **more)


async def test_closing_waits_for_runs_under_way_and_takes_no_more(tmp_path: Path) -> None:
    chat = held()
    one = agent(tmp_path, chat)
    running = asyncio.create_task(one.arun("task", run_id="r1"))
    await chat.reached.wait()
    closing = asyncio.create_task(one.aclose(drain_s=None))
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="the agent is closed and takes no more runs"):
        await one.arun("another", run_id="r2")
    assert not closing.done()
    chat.release.set()
    await closing
    assert running.done()
    assert len((await running).subtasks) == 3
    assert one.services.ledger.records("r2") == []


async def test_a_run_that_is_stopped_resumes_to_the_same_answer(tmp_path: Path) -> None:
    chat = held()
    one = agent(tmp_path / "stopped", chat)
    running = asyncio.create_task(one.arun("task", run_id="r1"))
    await chat.reached.wait()
    await one.aclose(drain_s=0.0)
    with pytest.raises(RefusedError, match=r"before run 'r1' was done; resume\('r1'\) goes on with it"):
        await running
    assert not running.cancelled()

    chat.release.set()
    asked_before = len(chat.asked)
    resumed = await agent(tmp_path / "stopped", chat).aresume("r1")
    whole = held()
    whole.release.set()
    undisturbed = await agent(tmp_path / "whole", whole).arun("task", run_id="r1")
    assert (resumed.answer, resumed.status) == (undisturbed.answer, undisturbed.status)
    assert [s.answer for s in resumed.subtasks] == [s.answer for s in undisturbed.subtasks]
    assert len(chat.asked) - asked_before == 2, "what was finished is not asked again"


async def test_the_block_form_closes(tmp_path: Path) -> None:
    chat = held()
    chat.release.set()
    async with agent(tmp_path, chat) as one:
        assert len((await one.arun("task")).subtasks) == 3
    with pytest.raises(RefusedError, match="closed"):
        await one.arun("task")


async def test_a_stream_is_stopped_like_a_run(tmp_path: Path) -> None:
    chat = held()
    one = agent(tmp_path, chat)

    async def follow() -> list[str]:
        return [type(event).__name__ async for event in one.astream("task", run_id="r1")]

    following = asyncio.create_task(follow())
    await chat.reached.wait()
    await one.aclose(drain_s=0.0)
    with pytest.raises(RefusedError, match="resume"):
        await following


async def test_callers_wait_for_a_place_and_only_so_many(tmp_path: Path) -> None:
    chat = held()
    one = agent(tmp_path, chat, max_runs=1, max_waiting=1)
    first = asyncio.create_task(one.arun("task", run_id="r1"))
    await chat.reached.wait()
    second = asyncio.create_task(one.arun("task", run_id="r2"))
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="all 1 places of the agent are taken and 1 wait already"):
        await one.arun("task", run_id="r3")
    assert one.services.ledger.records("r2") == [], "who waits has not begun"
    chat.release.set()
    results = await asyncio.gather(first, second)
    assert [result.run_id for result in results] == ["r1", "r2"]
    assert [run.run_id for run in one.services.ledger.runs()] == ["r2", "r1"]
    with pytest.raises(UsageError, match="max_runs"):
        agent(tmp_path, chat, max_runs=0)


async def test_who_waits_when_the_agent_closes_is_told(tmp_path: Path) -> None:
    chat = held()
    one = agent(tmp_path, chat, max_runs=1)
    first = asyncio.create_task(one.arun("task"))
    await chat.reached.wait()
    waiting = asyncio.create_task(one.arun("task"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(one.aclose(drain_s=None))
    with pytest.raises(RefusedError, match="closed"):
        await waiting
    chat.release.set()
    await asyncio.gather(first, closing)


async def test_cancelling_a_caller_cancels_its_run_and_frees_its_place() -> None:
    admission = Admission(max_runs=1)

    async def for_ever(_run: UnderWay) -> None:
        await asyncio.Event().wait()

    for _ in range(5):
        caller = asyncio.create_task(admission.carry(for_ever))
        for _ in range(5):
            await asyncio.sleep(0)
        assert admission.under_way == 1
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert admission.under_way == 0


def test_runs_in_other_threads_are_stopped_too(tmp_path: Path) -> None:
    begun, outcome = threading.Event(), list[object]()

    class Blocked(ScriptedChat):
        async def _agenerate(self, *_args: Any, **_kwargs: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

    one = agent(tmp_path, Blocked(reply=str))

    def run() -> None:
        try:
            outcome.append(one.run("task", run_id="r1"))
        except RefusedError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(30)
    asyncio.run(one.aclose(drain_s=0.0))
    thread.join(30)
    assert not isinstance(outcome[0], Result)
    assert "resume('r1')" in str(outcome[0])


@pytest.mark.parametrize(
    ("sent", "interrupts"),
    [
        (signal.SIGTERM, "default_int_handler"),
        (signal.SIGINT, "default_int_handler"),
        (signal.SIGTERM, "SIG_IGN"),  # as a shell sets it for what it begins in the background
    ],
)
def test_a_command_that_is_told_to_end_says_how_to_go_on(
    tmp_path: Path, sent: signal.Signals, interrupts: str
) -> None:
    with ModelServer(faults=FaultPlan(share=1.0, kinds=["hang"])) as server:
        code = f"import signal, sys; signal.signal(signal.SIGINT, signal.{interrupts}); "
        code += "from pilotfish.cli.main import main; sys.argv[0] = 'pilotfish'; main()"
        options = ["--local", server.model(), "--policy", "always-local", "--planner", "rules"]
        command = [sys.executable, "-c", code, "ask", "What is it?", *options]
        environment = {"PILOTFISH_HOME": str(tmp_path), "PATH": "", "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as running:
            assert running.stderr is not None
            said = ""
            for line in running.stderr:
                said += line
                if "starts in local" in line:
                    running.send_signal(sent)
                    break
            said += running.stderr.read()
    assert running.returncode == 130, said
    assert "interrupted; `pilotfish runs list` shows the run, --resume goes on with it" in said
    assert "Traceback" not in said or interrupts == "SIG_IGN", "asyncio tells of the tasks cut short so"
