from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from pilotfish import Canary, UsageError
from pilotfish.agents.agent import Agent
from pilotfish.agents.attempt import Attempt
from pilotfish.agents.budget import Budget, Meter
from pilotfish.agents.caller import Caller, Model
from pilotfish.agents.events import Attempted, Event
from pilotfish.agents.fallback import FallbackLane
from pilotfish.agents.lane import Lane, LaneContext
from pilotfish.agents.model_lane import ModelLane
from pilotfish.agents.plan import Plan
from pilotfish.agents.scope import Services
from pilotfish.agents.shadow import Shadows
from pilotfish.agents.tool_lane import ToolLane
from pilotfish.agents.verifier import as_verifier
from pilotfish.models.calling import Calling
from pilotfish.models.guard import Guards
from pilotfish.models.load import spec_for
from pilotfish.models.resilience import Resilience
from pilotfish.models.settings import Settings
from pilotfish.prompts import PromptChoice, choose_prompts, load_prompt
from pilotfish.prompts.prompt import text_digest
from pilotfish.rollout.bucketing import in_candidate
from pilotfish.rollout.identity import Identity, identity_of
from pilotfish.rollout.observation import Arm, Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.rollout import Rollout
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLane
from pilotfish.testing.services import fake_services, run_plan
from pilotfish.tracing.call import CallContext
from pilotfish.tracing.ledger import Ledger, LedgerError


@dataclass(slots=True)
class FakeRollout:
    """Assigns by its share, shadows while it has any left, and keeps what it is told, once for each key."""

    share: float = 0.0
    shadow: int = 0
    id: str = "r1"
    seen: dict[str, Observation] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def assign(self, unit: str, **scope: str) -> Arm | None:
        self.asked.append({"unit": unit, **scope})
        return "candidate" if in_candidate(unit, salt=self.id, share=self.share) else "baseline"

    def shadows(self, _unit: str, *, pair: str, **_scope: str) -> bool:
        assert pair
        self.shadow -= 1
        return self.shadow >= 0

    def forgo(self, pair: str, /) -> None:
        assert pair
        self.shadow += 1

    def observe(self, observation: Observation, /, *, key: str = "") -> None:
        key = key or f"{observation.pair}/{observation.arm}/{len(self.seen) if not observation.pair else ''}"
        self.seen.setdefault(key, observation)

    def arms(self) -> dict[str, Observation]:
        return {observation.arm: observation for observation in self.seen.values()}


def says(answer: str, name: Literal["local", "large"] = "local") -> ModelLane:
    """A lane whose model always says the same."""
    chat = ScriptedChat(reply=lambda _prompt: answer, model_name=f"says-{answer}")
    return ModelLane(name=name, model=Model(chat=chat, spec=spec_for(chat)))


def services(
    home: Path, rollout: FakeRollout, *, stable: Lane | None = None, candidate: Lane | None = None
) -> Services:
    """An agent whose local lane is a canary; an answer is right when it says so."""
    canary = Canary(stable or says("right"), candidate or says("wrong"), rollout)
    right = as_verifier("right", lambda _subtask, attempt: attempt.text == "right")
    return fake_services(home, {"local": canary}, standard=(right,))


def one(**more: Any) -> Plan:
    return Plan([Subtask(id="a", text="what?", **more)])


async def answers(made: Services, plan: Plan | None = None, **more: Any) -> dict[str, Any]:
    state = await run_plan(made, plan or one(), **more)
    await made.shadows.drain()
    return state["results"][0]


async def test_the_arm_is_of_the_unit_on_every_call_and_in_what_is_observed(tmp_path: Path) -> None:
    rollout = FakeRollout(share=1.0)
    made = services(tmp_path, rollout)
    result = await answers(made, run_id="u1")
    assert (result["status"], result["answer"]) == ("failed", None)
    assert [call["arm"] for call in result["calls"]] == ["candidate"]
    assert [record.body["arm"] for record in made.ledger.records("u1", "call")] == ["candidate"]
    (seen,) = rollout.seen.values()
    assert (seen.arm, seen.unit, seen.passed, seen.stratum, seen.pair) == (
        "candidate",
        "u1",
        False,
        "reasoning",
        "",
    )
    assert seen.latency_ms > 0
    assert rollout.asked[0]["kind"] == "reasoning"


async def test_raising_the_share_moves_nobody_out_of_the_candidate() -> None:
    async def in_it(share: float) -> set[str]:
        canary = Canary(says("stable"), says("candidate"), FakeRollout(share=share))
        context = CallContext(data_classes=("internal",))
        caller = Caller(meter=Meter(), calling=Calling(), context=context)
        units = [f"unit-{number}" for number in range(60)]
        tries = [
            await canary.attempt(
                Subtask(id="a", text="?"), LaneContext(task="", upstream={}, caller=caller, unit=unit)
            )
            for unit in units
        ]
        return {unit for unit, attempt in zip(units, tries, strict=True) if attempt.text == "candidate"}

    few, half, everybody = [await in_it(share) for share in (0.1, 0.5, 1.0)]
    assert set() < few < half < everybody
    assert few == await in_it(0.1)


async def test_in_shadow_the_stable_lane_answers_at_once_and_alone_is_billed(tmp_path: Path) -> None:
    """The candidate answers only after the run is over: were it awaited, this would hang."""
    over = asyncio.Event()

    async def late(_subtask: Subtask, _context: LaneContext) -> str:
        await over.wait()
        return "right"

    rollout = FakeRollout(shadow=1)
    made = services(tmp_path, rollout, candidate=FakeLane("local", late))
    async with asyncio.timeout(30):
        state = await run_plan(made, one(), run_id="u1")
        assert state["results"][0]["answer"] == "right"
        assert not rollout.seen
        over.set()
        await made.shadows.drain()
    assert {arm: each.passed for arm, each in rollout.arms().items()} == {"baseline": True, "candidate": True}
    assert len({each.pair for each in rollout.seen.values()}) == 1


async def test_a_shadow_waits_for_the_answer_of_the_whole_run(tmp_path: Path) -> None:
    """The second subtask finishes only after the first one's shadow could have begun."""
    order: list[str] = []

    async def stable(subtask: Subtask, _context: LaneContext) -> str:
        order.append(subtask.id)
        for _ in range(50):
            await asyncio.sleep(0)
        return "right"

    async def candidate(subtask: Subtask, _context: LaneContext) -> str:
        order.append(f"shadow of {subtask.id}")
        return "right"

    lanes = {"stable": FakeLane("local", stable), "candidate": FakeLane("local", candidate)}
    made = services(tmp_path, FakeRollout(shadow=9), **lanes)
    steps = [Subtask(id="a", text="one?"), Subtask(id="b", text="two?", depends_on=("a",))]
    await answers(made, Plan(steps))
    assert order == ["a", "b", "shadow of a", "shadow of b"]


async def test_shadow_calls_say_what_they_are_and_cost_the_run_nothing(tmp_path: Path) -> None:
    rollout = FakeRollout(shadow=1)
    made = replace(services(tmp_path, rollout), budget=Budget(calls=1))
    result = await answers(made, run_id="u1")
    assert [call["purpose"] for call in result["calls"]] == ["answer"]
    kept = made.ledger.records("u1", "call")
    assert [(each.body["arm"], each.body["purpose"]) for each in kept] == [
        ("baseline", "answer"),
        ("candidate", "shadow"),
    ]
    assert kept[0].body["seed"] == kept[1].body["seed"]
    assert kept[0].body["prompt_sha256"] == kept[1].body["prompt_sha256"]
    again = await answers(made, run_id="u1")  # the shadow's call is not taken for spent
    assert again["answer"] == "right"
    assert [each.passed for each in rollout.seen.values()] == [True, False]


async def test_no_more_is_shadowed_than_the_rollout_allows(tmp_path: Path) -> None:
    rollout = FakeRollout(shadow=2)
    made = services(tmp_path, rollout)
    for unit in range(5):
        await answers(made, run_id=f"u{unit}")
    purposes = [r.body["purpose"] for unit in range(5) for r in made.ledger.records(f"u{unit}", "call")]
    assert purposes.count("shadow") == 2
    assert purposes.count("answer") == 5


def test_a_lane_that_calls_tools_is_refused_wherever_it_is() -> None:
    from langchain_core.tools import tool

    @tool
    def buy() -> str:
        """Buy."""
        return "bought"

    tools = ToolLane(tools={"buy": buy})
    for arms in ((tools, says("x")), (says("x"), tools), (says("x"), FallbackLane((says("y"), tools)))):
        with pytest.raises(UsageError, match="calls tools"):
            Canary(*arms, FakeRollout())


async def test_a_failed_shadow_goes_no_further_so_a_tool_runs_once(tmp_path: Path) -> None:
    from langchain_core.tools import tool

    bought: list[str] = []

    @tool
    def buy() -> str:
        """Buy."""
        bought.append("one")
        return "bought"

    rollout = FakeRollout(shadow=1)
    made = services(tmp_path, rollout, stable=says("wrong"))
    made = replace(made, lanes={**made.lanes, "tool": ToolLane(tools={"buy": buy})})
    result = await answers(made, one(tool="buy", lane="local"))
    assert (result["answer"], bought) == ("bought", ["one"])
    assert all(each.escalated and each.passed is False for each in rollout.seen.values())


async def test_an_escalated_answer_counts_against_the_arm_that_answered_first(tmp_path: Path) -> None:
    rollout = FakeRollout(share=1.0)
    made = services(tmp_path, rollout)
    made = replace(made, lanes={**made.lanes, "large": says("right", "large")})
    result = await answers(made)
    assert (result["answer"], result["status"]) == ("right", "accepted")
    (seen,) = rollout.seen.values()
    assert (seen.arm, seen.passed, seen.escalated) == ("candidate", False, True)


async def test_a_candidate_that_crashes_in_shadow_is_observed_and_harms_no_run(tmp_path: Path) -> None:
    def crash(_subtask: Subtask, _context: LaneContext) -> str:
        raise RuntimeError("no")

    rollout = FakeRollout(shadow=1)
    result = await answers(services(tmp_path, rollout, candidate=FakeLane("local", crash)))
    assert result["answer"] == "right"
    assert {arm: each.error for arm, each in rollout.arms().items()} == {"baseline": False, "candidate": True}


async def test_where_a_live_candidate_crashes_the_stable_lane_answers(tmp_path: Path) -> None:
    def crash(_subtask: Subtask, _context: LaneContext) -> str:
        raise RuntimeError("no")

    rollout = FakeRollout(share=1.0)
    result = await answers(services(tmp_path, rollout, candidate=FakeLane("local", crash)))
    assert (result["answer"], result["status"]) == ("right", "accepted")
    (seen,) = rollout.seen.values()  # and the stable lane's success is not the candidate's
    assert (seen.arm, seen.error, seen.passed) == ("candidate", True, False)


@pytest.mark.parametrize("live", [False, True])
async def test_a_remote_candidate_never_sees_restricted_text(tmp_path: Path, live: bool) -> None:
    sent: list[str] = []
    chat = ScriptedChat(reply=lambda prompt: sent.append(prompt) or "right", model_name="far-away")
    spec = replace(spec_for(chat), locality="remote")
    remote = ModelLane(name="local", model=Model(chat=chat, spec=spec))
    rollout = FakeRollout(share=float(live), shadow=1)
    result = await answers(services(tmp_path, rollout, candidate=remote), one(data_class="restricted"))
    assert result["answer"] == "right"
    assert (sent, rollout.seen, result["calls"][0]["arm"]) == ([], {}, "")  # so neither arm counts it


async def test_a_run_without_budget_says_nothing_about_an_arm(tmp_path: Path) -> None:
    rollout = FakeRollout(share=1.0, shadow=1)
    made = replace(services(tmp_path, rollout), budget=Budget(calls=0))
    assert (await answers(made))["failure"] == "budget"
    assert not rollout.seen


@dataclass(frozen=True, slots=True)
class Twice:
    """A lane that asks twice for one answer."""

    lane: Lane

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        first = await self.lane.attempt(subtask, context)
        again = await self.lane.attempt(subtask, context)
        return replace(again, calls=(*first.calls, *again.calls))


async def test_an_arm_that_uses_the_budget_up_itself_has_failed(tmp_path: Path) -> None:
    rollout = FakeRollout(share=1.0)
    made = replace(services(tmp_path, rollout, candidate=Twice(says("right"))), budget=Budget(calls=1))
    assert (await answers(made))["failure"] == "budget"
    assert rollout.arms()["candidate"].passed is False


async def test_a_baseline_out_of_budget_is_paired_with_no_shadow(tmp_path: Path) -> None:
    rollout = FakeRollout(shadow=1)
    made = replace(services(tmp_path, rollout, stable=Twice(says("right"))), budget=Budget(calls=1))
    assert (await answers(made))["failure"] == "budget"
    assert (rollout.seen, rollout.shadow) == ({}, 1)


async def test_both_arms_of_a_pair_are_judged_without_votes(tmp_path: Path) -> None:
    """The stable lane's answer passes by its votes; nobody votes for a shadow, so neither counts as passed."""
    rollout = FakeRollout(shadow=1)
    made = replace(services(tmp_path, rollout, candidate=says("right")), standard=(), votes=5)
    result = await answers(made)
    assert result["verdict"]["checked"] == "agreement"
    assert result["status"] == "accepted"
    assert [each.passed for each in rollout.seen.values()] == [None, None]
    shadow, answered = rollout.arms()["candidate"], rollout.arms()["baseline"]
    assert 0 < answered.latency_ms < sum(call["latency_ms"] for call in result["calls"])
    assert shadow.latency_ms > 0


async def test_a_killed_and_resumed_run_is_observed_once(tmp_path: Path) -> None:
    """The ledger fails where the finished subtask is written, after its answer was observed."""

    class Broken(Ledger):
        def append_all(self, entries: Any) -> Any:
            entries = tuple(entries)
            if any(entry.kind == "subtask" for entry in entries):
                raise LedgerError("killed here")
            return super().append_all(entries)

    rollout = FakeRollout(share=1.0)
    made = services(tmp_path, rollout)
    with pytest.raises(LedgerError):
        await answers(replace(made, ledger=Broken(tmp_path / "ledger.db")), run_id="u1")
    assert len(rollout.seen) == 1
    await answers(made, run_id="u1")
    await answers(made, run_id="u1")
    assert [each.arm for each in rollout.seen.values()] == ["candidate"]
    assert {asked["unit"] for asked in rollout.asked} == {"u1"}


async def test_canaries_nest_and_each_is_told_of_its_own_arm(tmp_path: Path) -> None:
    inner, outer = FakeRollout(share=1.0, id="inner"), FakeRollout(id="outer")
    nested = Canary(Canary(says("right"), says("wrong"), inner), says("other"), outer)
    made = fake_services(tmp_path, {"local": nested})
    result = await answers(made)
    assert result["answer"] == "wrong"
    assert [call["arm"] for call in result["calls"]] == ["candidate"]
    assert [each.arm for each in inner.seen.values()] == ["candidate"]
    assert [each.arm for each in outer.seen.values()] == ["baseline"]
    assert repr(nested).count("Canary(") == 2
    assert "rollout='outer'" in repr(nested)


async def test_a_subtask_asked_by_another_prompt_takes_no_part(tmp_path: Path) -> None:
    rollout = FakeRollout(share=1.0)
    canary = Canary(says("right"), says("wrong"), rollout, frozenset({"demo_read_request"}))
    result = await answers(fake_services(tmp_path, {"local": canary}))
    assert result["answer"] == "right"
    assert not rollout.seen
    assert not rollout.asked


async def test_a_rollout_that_takes_nothing_is_no_reason_for_a_run_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(FakeRollout):
        def observe(self, observation: Observation, /, *, key: str = "") -> None:
            raise LedgerError("the disk is full")

    result = await answers(services(tmp_path, Full(share=1.0), candidate=says("right")))
    assert result["answer"] == "right"
    assert "the disk is full" in caplog.text


async def test_a_rollout_that_cannot_be_asked_leaves_the_stable_lane_its_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked(FakeRollout):
        def assign(self, unit: str, **scope: str) -> Arm | None:
            raise LedgerError("the ledger is locked")

    class Unsure(FakeRollout):
        def shadows(self, _unit: str, *, pair: str, **_scope: str) -> bool:
            raise LedgerError("the ledger is damaged")

    for number, rollout in enumerate((Locked(share=1.0), Unsure())):
        result = await answers(services(tmp_path / str(number), rollout))
        assert (result["status"], result["answer"]) == ("accepted", "right")
    assert "is locked" in caplog.text
    assert "is damaged" in caplog.text


@dataclass(slots=True)
class FailsFirst:
    """A candidate that cannot be reached the first times it is asked."""

    times: int

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        self.times -= 1
        if self.times >= 0:
            return Attempt(lane="local", failure="model_unavailable", detail="gone")
        return await says("wrong").attempt(subtask, context)


@pytest.mark.parametrize("times", [1, 99])
async def test_a_vote_does_not_make_one_request_several_observations(tmp_path: Path, times: int) -> None:
    rollout = FakeRollout(share=1.0)
    canary = Canary(says("right"), FailsFirst(times), rollout)
    await answers(fake_services(tmp_path, {"local": canary}, standard=()))
    (seen,) = rollout.seen.values()
    assert (seen.arm, seen.passed, seen.error) == ("candidate", False, True)


async def test_a_prompt_that_makes_the_model_fail_in_shadow_does_not_close_it_to_users(
    tmp_path: Path,
) -> None:
    def refuse(_prompt: str) -> str:
        raise ConnectionError("refused")

    stable = says("right")
    chat = ScriptedChat(reply=refuse, model_name="says-right")
    worse = replace(stable, model=replace(stable.model, chat=chat))
    once = Guards(Resilience(attempts=1, breaker_failures=2))
    made = services(tmp_path, FakeRollout(shadow=9), stable=stable, candidate=worse)
    made = replace(made, calling=replace(made.calling, guards=once))
    await asyncio.gather(*(run_plan(made, one(), run_id=f"u{number}") for number in range(6)))
    await made.shadows.drain()
    assert once.report()["says-right (candidate)"].openings == 1
    assert (await answers(made, run_id="next"))["answer"] == "right"


async def test_a_run_without_an_answer_holds_its_shadow_up_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise RuntimeError("no synthesis")

    monkeypatch.setattr("pilotfish.agents.observing._PATIENCE_S", 0.01)
    rollout = FakeRollout(shadow=1)
    made = replace(services(tmp_path, rollout), timeout_s=None, synthesise=fail)
    with pytest.raises(RuntimeError, match="no synthesis"):
        await run_plan(made, one(), run_id="u1")
    async with asyncio.timeout(30):
        await made.shadows.drain()
    assert set(rollout.arms()) == {"baseline", "candidate"}


# The agent, its ledger and real rollouts


def prompt_file(folder: Path, text: str, version: str) -> Path:
    body = f"## user\n{text} $known$question\n"
    path = folder / "agent_answer.md"
    folder.mkdir(parents=True, exist_ok=True)
    head = f"---\nname: agent_answer\nversion: {version}\nsha256: {text_digest(body)}\n---\n"
    path.write_text(head + body, encoding="utf-8")
    return path


def tell(prompt: str) -> str:
    return "wrong" if "CANDIDATE" in prompt else "right"


def shop(home: Path, *, chat: type[ScriptedChat] = ScriptedChat, **more: Any) -> Agent:
    """An agent whose model is right unless the prompt is the candidate's."""
    return Agent(
        local=chat(reply=tell, model_name="tiny"),
        policy="rules",
        planner=lambda task: Plan([Subtask(id="a", text=task, lane="local", verifier="right")]),
        verifiers={"right": lambda _subtask, attempt: attempt.text == "right"},
        name="shop",
        settings=Settings(home=home),
        **more,
    )


def begin(agent: Agent, file: Path, **plan: Any) -> Rollout:
    lane = agent.services.lanes["local"]
    assert isinstance(lane, ModelLane)
    spec = lane.model.spec

    def identity(choice: PromptChoice, text: str) -> Identity:
        prompts = {"agent_answer": choice.load("agent_answer")}
        return identity_of(spec, prompts=prompts, files=choice.files(), spec=text)

    option = f"agent_answer={file}"
    return Rollout.start(
        agent.services.ledger,
        candidate=identity(choose_prompts([option]), f"tiny:prompt={option}"),
        baseline=identity(PromptChoice(), "tiny"),
        plan=RolloutPlan(**plan),
    )


def arm_of(result: Any) -> str:
    return result.subtasks[0].calls[0].arm


LIVE = {"shadow_pairs": 0, "ramp": (0.999999,)}


def test_an_agent_takes_up_a_rollout_of_its_ledger_and_lets_go_of_it(tmp_path: Path) -> None:
    agent, other = shop(tmp_path), shop(tmp_path)
    assert arm_of(agent.run("what?")) == ""
    rollout = begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), **LIVE)
    for each in (agent, other):
        result = each.run("what?")
        assert arm_of(result) == "candidate"
        assert result.subtasks[0].calls[0].prompt_version == "2"
        assert result.status == "failed"
    Rollout.open(Ledger(tmp_path / "ledger.db"), rollout.id).roll_back("seen enough")
    for each in (agent, other):
        result = each.run("what?")
        assert (arm_of(result), result.answer) == ("", "right")


async def test_a_rollback_holds_from_the_next_request_of_a_run_under_way(tmp_path: Path) -> None:
    rolled = asyncio.Event()
    agent = shop(tmp_path)
    rollout = begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), **LIVE)

    async def wait(_subtask: Subtask, attempt: Attempt) -> bool:
        await rolled.wait()
        return attempt.text == "right"

    made = replace(agent.services, named={"right": as_verifier("right", wait)})
    first = Subtask(id="a", text="one?", lane="local", verifier="right")
    plan = Plan([first, Subtask(id="b", text="two?", lane="local", verifier="right", depends_on=("a",))])
    attempted = asyncio.Event()
    running = asyncio.create_task(run_plan(made, plan, emit=lambda event: _set(attempted, event)))
    await attempted.wait()
    Rollout.open(Ledger(tmp_path / "ledger.db"), rollout.id).roll_back("seen enough")
    rolled.set()
    rows = (await running)["results"]
    assert [row["calls"][0]["arm"] for row in rows if row["calls"]] == ["candidate", ""]


def _set(attempted: asyncio.Event, event: Event) -> None:
    if isinstance(event, Attempted):
        attempted.set()


def test_a_worse_prompt_is_caught_in_shadow_while_users_get_the_stable_answer(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    rollout = begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), shadow_pairs=200)
    done = 0
    while rollout.state == "shadow" and done < 60:
        assert agent.run("what?").answer == "right"
        agent.drain()
        rollout.refresh()
        done += 1
    assert rollout.state == "rolled_back"
    assert done < 40
    assert agent.run("what?").spend.calls == 1
    report = rollout.report()
    assert report["arms"]["shadow"]["baseline"]["passed"] == done
    assert report["arms"]["shadow"]["candidate"]["passed"] == 0


def test_a_blocking_run_answers_before_its_shadow_is_done(tmp_path: Path) -> None:
    """The candidate answers only after `run` returned: were it awaited, this would hang."""
    returned = threading.Event()

    class Late(ScriptedChat):
        async def _agenerate(self, messages: list[BaseMessage], *more: Any, **named: Any) -> ChatResult:
            if "CANDIDATE" in str(messages[-1].content):
                assert await asyncio.to_thread(returned.wait, 30)
            return await super()._agenerate(messages, *more, **named)

    agent = shop(tmp_path, chat=Late)
    rollout = begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), shadow_pairs=200)
    result = agent.run("what?")
    assert (result.answer, result.spend.calls) == ("right", 1)
    assert not agent.services.ledger.records(rollout.id, "observation")
    returned.set()
    agent.drain()
    seen = [record.body for record in agent.services.ledger.records(rollout.id, "observation")]
    assert [(each["arm"], each["passed"]) for each in seen] == [("baseline", True), ("candidate", False)]


def test_a_blocking_run_under_a_canary_raises_what_a_run_raises(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), shadow_pairs=200)
    with pytest.raises(UsageError, match="the task is empty"):
        agent.run(" ")


async def test_an_agent_that_closes_gives_up_shadows_that_take_too_long(tmp_path: Path) -> None:
    async def never(_subtask: Subtask, _context: LaneContext) -> str:
        await asyncio.Event().wait()
        return ""

    rollout = FakeRollout(shadow=1)
    made = services(tmp_path, rollout, candidate=FakeLane("local", never))
    await run_plan(made, one())
    assert len(made.shadows) == 1
    await made.shadows.drain(timeout_s=0)
    assert (len(made.shadows), rollout.seen, rollout.shadow) == (0, {}, 1)


async def test_no_more_shadows_are_under_way_than_there_is_room_for(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def late(_subtask: Subtask, _context: LaneContext) -> str:
        await over.wait()
        return "right"

    rollout = FakeRollout(shadow=9)
    made = services(tmp_path, rollout, candidate=FakeLane("local", late))
    made = replace(made, shadows=Shadows(most=2))
    for number in range(5):
        await run_plan(made, one(), run_id=f"u{number}")
    assert (len(made.shadows), rollout.shadow) == (2, 7)  # what did not begin used nothing up
    over.set()
    await made.shadows.drain()
    assert len({each.pair for each in rollout.seen.values()}) == 2


def test_the_same_text_under_another_version_is_not_rolled_back(tmp_path: Path) -> None:
    from importlib import resources

    shipped = (resources.files("pilotfish.prompts") / "files" / "agent_answer.md").read_text(encoding="utf-8")
    file = tmp_path / "agent_answer.md"
    file.write_text(shipped.replace("version: 1\n", "version: 1-again\n"), encoding="utf-8")
    agent = shop(tmp_path)
    rollout = begin(agent, file, shadow_pairs=30, metrics=("passed", "escalated"))
    for _ in range(35):
        agent.run("what?")
    agent.drain()
    rollout.refresh()
    assert rollout.state == "ramp"


def test_only_the_workflows_kinds_and_tenants_of_the_plan_take_part(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    begin(
        agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), tenants=("acme",), workflows=("shop",), **LIVE
    )
    assert arm_of(agent.run("what?", tenant="acme")) == "candidate"
    assert arm_of(agent.run("what?", tenant="other")) == ""
    assert arm_of(agent.run("what?")) == ""


def test_an_agent_with_another_model_or_prompt_is_not_touched(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), **LIVE)
    other = prompt_file(tmp_path / "q", "another text:", "7")
    assert arm_of(shop(tmp_path, prompts=[f"agent_answer={other}"]).run("what?")) == ""


def test_a_candidate_whose_text_changed_counts_as_an_error_and_the_stable_lane_answers(
    tmp_path: Path,
) -> None:
    agent = shop(tmp_path)
    file = prompt_file(tmp_path / "p", "CANDIDATE", "2")
    rollout = begin(agent, file, **LIVE)
    prompt_file(tmp_path / "p", "CANDIDATE, and more", "2")
    load_prompt.cache_clear()  # as in another process
    for _ in range(8):
        assert agent.run("what?").answer == "right"
    rollout.refresh()
    assert rollout.state == "rolled_back"
    assert "error" in rollout.history.transitions[-1].why


def test_a_canary_given_to_an_agent_is_not_put_into_another_of_its_rollout(tmp_path: Path) -> None:
    plain = shop(tmp_path)
    rollout = begin(plain, prompt_file(tmp_path / "p", "CANDIDATE", "2"), shadow_pairs=200)
    canary = Canary(plain.services.lanes["local"], says("wrong"), rollout)
    agent = shop(tmp_path, lanes={"local": canary})
    result = agent.run("what?")
    agent.drain()
    assert result.answer == "right"
    purposes = [record.body["purpose"] for record in plain.services.ledger.records(result.run_id, "call")]
    assert sorted(purposes) == ["answer", "shadow"]
    with pytest.raises(UsageError, match="attempt method"):
        shop(tmp_path, lanes={"locale": canary}).run("what?")


def test_a_canary_of_another_ledger_is_given_its_shadows_too(tmp_path: Path) -> None:
    rollout = FakeRollout(shadow=1)
    agent = shop(tmp_path, lanes={"local": Canary(says("right"), says("wrong"), rollout)})
    assert agent.run("what?").answer == "right"
    agent.drain()
    assert {arm: each.passed for arm, each in rollout.arms().items()} == {
        "baseline": True,
        "candidate": False,
    }


async def test_a_fallback_that_stood_in_for_the_candidate_hides_no_error(tmp_path: Path) -> None:
    class Down(ScriptedChat):
        async def _agenerate(self, *_more: Any, **_named: Any) -> ChatResult:
            raise ConnectionError("down")

    chat = Down(reply=tell, model_name="down")
    down = ModelLane(name="local", model=Model(chat=chat, spec=spec_for(chat)))
    rollout = FakeRollout(share=1.0)
    result = await answers(services(tmp_path, rollout, candidate=FallbackLane((down, says("right")))))
    assert result["answer"] == "right"
    assert rollout.arms()["candidate"].error


def test_a_replay_takes_part_in_no_canary(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    run_id = agent.run("what?").run_id
    rollout = begin(agent, prompt_file(tmp_path / "p", "CANDIDATE", "2"), **LIVE)
    assert agent.replay(run_id).answer == "right"
    assert not agent.services.ledger.records(rollout.id, "observation")


def test_a_watched_run_shows_its_answer_before_its_shadow_is_done(tmp_path: Path) -> None:
    from pilotfish.cli.watch import watch

    shown = threading.Event()

    async def late(_subtask: Subtask, _context: LaneContext) -> str:
        assert await asyncio.to_thread(shown.wait, 30)
        return "wrong"

    rollout = FakeRollout(shadow=1)
    agent = shop(tmp_path, lanes={"local": Canary(says("right"), FakeLane("local", late), rollout)})
    assert watch(agent, "what?", quiet=True).answer == "right"
    assert not rollout.seen
    shown.set()
    agent.drain()
    assert {arm: each.passed for arm, each in rollout.arms().items()} == {
        "baseline": True,
        "candidate": False,
    }


def short_file(folder: Path) -> Path:
    body = "## user\nCANDIDATE $question\n"
    path = folder / "short.md"
    path.write_text(f"---\nname: short\nversion: short-1\nsha256: {text_digest(body)}\n---\n{body}")
    return path


def test_a_candidates_prompt_file_may_have_any_name(tmp_path: Path) -> None:
    asked: list[str] = []

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return tell(prompt)

    agent = shop(tmp_path)
    lane = agent.services.lanes["local"]
    assert isinstance(lane, ModelLane)
    assert isinstance(lane.model.chat, ScriptedChat)
    lane.model.chat.reply = reply
    rollout = begin(agent, short_file(tmp_path), shadow_pairs=200)
    assert len(rollout.report()["differs"]) == 1
    assert agent.run("what?").answer == "right"
    agent.drain()
    assert ["CANDIDATE what?" in each for each in asked] == [False, True]
    seen = [record.body for record in agent.services.ledger.records(rollout.id, "observation")]
    assert [(each["arm"], each["passed"], each["error"]) for each in seen] == [
        ("baseline", True, False),
        ("candidate", False, False),
    ]


def test_a_file_of_any_name_in_the_place_of_a_prompt_is_a_baseline_too(tmp_path: Path) -> None:
    option = f"agent_answer={short_file(tmp_path)}"
    agent, other = shop(tmp_path, prompts=[option]), shop(tmp_path)
    lane = agent.services.lanes["local"]
    assert isinstance(lane, ModelLane)
    arms = [
        identity_of(lane.model.spec, prompts={"agent_answer": choice.load("agent_answer")}, spec=spec)
        for choice, spec in ((PromptChoice(), "tiny"), (choose_prompts([option]), f"tiny:prompt={option}"))
    ]
    Rollout.start(agent.services.ledger, candidate=arms[0], baseline=arms[1], plan=RolloutPlan(**LIVE))
    result = agent.run("what?")
    assert (arm_of(result), result.answer) == ("candidate", "right")
    assert arm_of(other.run("what?")) == ""


def test_a_record_that_has_a_file_under_its_own_name_breaks_no_run(tmp_path: Path) -> None:
    agent = shop(tmp_path)
    lane = agent.services.lanes["local"]
    assert isinstance(lane, ModelLane)
    spec, file = lane.model.spec, short_file(tmp_path)
    prompts = [load_prompt("agent_answer"), load_prompt(str(file))]
    Rollout.start(
        agent.services.ledger,
        candidate=identity_of(spec, prompts=prompts[:1], spec="tiny"),
        baseline=identity_of(spec, prompts=prompts, spec=f"tiny:prompt=agent_answer={file}"),
        plan=RolloutPlan(**LIVE),
    )
    result = agent.run("what?")
    assert (arm_of(result), result.answer) == ("", "right")
