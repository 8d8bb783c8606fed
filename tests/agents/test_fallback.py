from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pilotfish import Agent, ModelSpec, Plan, Subtask, UsageError
from pilotfish.agents.attempt import Attempt
from pilotfish.agents.budget import Meter
from pilotfish.agents.caller import Caller, Model
from pilotfish.agents.fallback import FallbackLane
from pilotfish.agents.hedged import HedgedLane
from pilotfish.agents.lane import LaneContext
from pilotfish.agents.model_lane import ModelLane
from pilotfish.models.calling import Calling
from pilotfish.models.guard import Guards
from pilotfish.models.resilience import Resilience
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lane_conformance import check_lane
from pilotfish.testing.lanes import FakeLane, FakePolicy
from pilotfish.testing.model_server import FaultPlan, ModelServer
from pilotfish.testing.services import fake_services, run_plan
from pilotfish.tracing.call import Call, CallContext

SUBTASK = Subtask(id="s1", text="What is it?")
ONCE = Resilience(attempts=1)


def context(recorded: list[Call] | None = None, *, data_class: str = "public", **more: Any) -> LaneContext:
    made = [] if recorded is None else recorded
    calling = Calling(record=made.append, guards=Guards(ONCE))
    caller = Caller(meter=Meter(), calling=calling, context=CallContext(data_classes=(data_class,)))
    return LaneContext(task="t", upstream={}, caller=caller, **more)


def down(_text: str) -> str:
    raise ConnectionRefusedError("nobody there")


def lane(name: str, reply: Any = lambda _text: "Answer: 4", *, locality: Any = "local") -> ModelLane:
    spec = ModelSpec(id=name, engine="langchain", revision="1", locality=locality)
    return ModelLane(name="local", model=Model(chat=ScriptedChat(reply=reply), spec=spec))


def failing(failure: Any) -> FakeLane:
    return FakeLane(
        "local", lambda _s, _c: Attempt(lane="local", failure=failure, detail=f"it was {failure}")
    )


async def test_the_next_answers_and_says_for_whom_and_why() -> None:
    recorded: list[Call] = []
    attempt = await FallbackLane((lane("first", down), lane("second"))).attempt(SUBTASK, context(recorded))
    assert (attempt.text, attempt.failure) == ("4", None)
    assert attempt.answered_by.startswith("second, because 'first' is not available: ConnectionRefusedError")
    assert [call.model_id for call in attempt.calls] == ["first", "second"]
    assert list(attempt.calls) == recorded


async def test_the_first_that_answers_is_not_talked_over() -> None:
    def never(_text: str) -> str:
        raise AssertionError("it was asked")

    attempt = await FallbackLane((lane("first"), lane("second", never))).attempt(SUBTASK, context())
    assert (attempt.text, attempt.answered_by) == ("4", "")


@pytest.mark.parametrize("failure", ["truncated", "parse_error", "budget", "no_evidence"])
async def test_what_is_wrong_with_the_answer_is_no_reason_to_ask_another(failure: Any) -> None:
    attempt = await FallbackLane((failing(failure), lane("second"))).attempt(SUBTASK, context())
    assert (attempt.failure, attempt.calls) == (failure, ())


async def test_the_reasons_can_be_chosen() -> None:
    both = (failing("truncated"), lane("second"))
    assert (await FallbackLane(both, on=frozenset({"truncated"})).attempt(SUBTASK, context())).text == "4"


async def test_when_nobody_can_be_reached_every_reason_is_given() -> None:
    attempt = await FallbackLane((failing("timeout"), lane("second", down))).attempt(SUBTASK, context())
    assert attempt.failure == "model_unavailable"
    assert "it was timeout; 'second' is not available" in attempt.detail


async def test_each_has_its_share_of_the_time() -> None:
    given: list[float | None] = []

    def note(_subtask: Subtask, context: LaneContext) -> Attempt:
        given.append(context.timeout_s)
        return Attempt(lane="local", failure="timeout", detail="slow")

    lanes = tuple(FakeLane("local", note) for _ in range(3))
    await FallbackLane(lanes).attempt(SUBTASK, context(timeout_s=30.0))
    shares = [seconds or 0.0 for seconds in given]
    assert [round(seconds) for seconds in shares] == [10, 15, 30]


async def test_restricted_text_whose_local_model_is_down_never_leaves(tmp_path: Path) -> None:
    asked: list[str] = []

    def remote(text: str) -> str:
        asked.append(text)
        return "Answer: 4"

    both = FallbackLane((lane("near", down), lane("far", remote, locality="remote")))
    services = fake_services(tmp_path, {"local": both})
    for data_class, failure in (("restricted", "data_policy"), ("public", None)):
        plan = Plan([Subtask(id="s1", text="What is it?", data_class=data_class)])
        final = await run_plan(services, plan)
        (result,) = final["results"]
        assert result["failure"] == failure
        assert bool(asked) == (data_class == "public")


def test_wrappers_keep_the_promises_of_a_lane_and_say_so() -> None:
    asyncio.run(check_lane(FallbackLane((lane("a"), lane("b")))))
    asyncio.run(check_lane(HedgedLane(lane("a"), lane("b"), 0.0)))
    nested = HedgedLane(FallbackLane((lane("a"), lane("b"))), lane("c"), 1.0)
    assert repr(nested).startswith("HedgedLane(lane=FallbackLane(lanes=(ModelLane(")
    with pytest.raises(UsageError, match="at least one"):
        FallbackLane(())


def test_an_agent_takes_several_models_and_its_result_says_who_answered(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with ModelServer(models=("b",)) as there:
        with ModelServer(models=("a",)) as gone:
            pass
        names = f"{gone.model('a')}, {there.model('b')}"
        agent = Agent(local=names, policy=FakePolicy(), votes=1, settings=settings, resilience=ONCE)
        result = agent.run("What is two plus two?", run_id="r1")
    (subtask,) = result.subtasks
    assert subtask.answered_by.startswith("openai/b, because 'openai/a'")
    assert [call.model_id for call in subtask.calls] == ["openai/a", "openai/b"]
    assert agent.services.ledger.records("r1", "run")[0].body["local"] == names.replace(", ", ",") or names
    assert isinstance(agent.services.lanes["local"], FallbackLane)


def test_resilience_goes_by_model_or_lane(tmp_path: Path) -> None:
    local, large = ScriptedChat(reply=str, model_name="l"), ScriptedChat(reply=str, model_name="g")
    terms = {"local": Resilience(attempts=2), "g": Resilience(attempts=7)}
    settings = Settings(home=tmp_path)
    agent = Agent(local=local, large=[large], policy=FakePolicy(), resilience=terms, settings=settings)
    guards = agent.services.calling.guards
    specs = [lane.model.spec for lane in agent.services.lanes.values() if isinstance(lane, ModelLane)]
    assert [guards.of(spec).resilience.attempts for spec in specs] == [2, 7]
    wrong = Agent(local=local, policy=FakePolicy(), resilience={"larg": ONCE}, settings=settings)
    with pytest.raises(UsageError, match="'larg', which is no model and no lane"):
        _ = wrong.services


# Hedging


async def test_a_slow_first_is_overtaken_cancelled_recorded_and_billed() -> None:
    recorded: list[Call] = []
    with ModelServer(models=("a", "b"), faults=FaultPlan(script=["hang"])) as server:
        first, second = (_endpoint(server, name) for name in ("a", "b"))
        there = context(recorded)
        attempt = await HedgedLane(first, second, 0.05).attempt(SUBTASK, there)
    assert attempt.failure is None
    assert attempt.answered_by.startswith("openai/b, because the first had not answered 0.05 s after")
    assert {(call.model_id, call.finish_reason) for call in attempt.calls} == {
        ("openai/a", "cancelled"),
        ("openai/b", "stop"),
    }
    assert list(attempt.calls) == recorded
    assert there.caller.meter.spend.calls == 2


def _endpoint(server: ModelServer, name: str) -> ModelLane:
    from pilotfish.models.load import load_chat
    from pilotfish.models.settings import load_settings

    chat, spec = load_chat(server.model(name), settings=load_settings())
    return ModelLane(name="local", model=Model(chat=chat, spec=spec))


async def test_a_quick_first_is_alone() -> None:
    attempt = await HedgedLane(lane("a"), failing("timeout"), 30.0).attempt(SUBTASK, context())
    assert (attempt.text, attempt.answered_by) == ("4", "")


async def test_a_failed_first_is_not_waited_for() -> None:
    attempt = await HedgedLane(failing("model_unavailable"), lane("b"), 3600.0).attempt(SUBTASK, context())
    assert attempt.answered_by == "b, because it was model_unavailable"


async def test_a_first_that_crashed_is_not_waited_for_either() -> None:
    def crash(_subtask: Subtask, _context: LaneContext) -> Attempt:
        raise RuntimeError("a mistake")

    crashing = FakeLane("local", crash)
    attempt = await HedgedLane(crashing, lane("b"), 3600.0).attempt(SUBTASK, context())
    assert attempt.answered_by == "b, because the first crashed: RuntimeError: a mistake"
    with pytest.raises(RuntimeError, match="a mistake"):
        await HedgedLane(crashing, failing("timeout"), 3600.0).attempt(SUBTASK, context())


async def test_when_both_fail_the_first_ones_failure_stands() -> None:
    attempt = await HedgedLane(failing("timeout"), failing("budget"), 0.0).attempt(SUBTASK, context())
    assert attempt.failure == "timeout"


async def test_cancelling_a_hedged_attempt_cancels_both() -> None:
    ended: list[str] = []

    def waits(name: str) -> FakeLane:
        async def work() -> str:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)
            return "never"

        return FakeLane("local", lambda _s, _c: work())

    running = asyncio.create_task(HedgedLane(waits("a"), waits("b"), 0.0).attempt(SUBTASK, context()))
    for _ in range(10):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(ended) == ["a", "b"]
