"""A random agent among stubs that write down every text they see, to be run under a random data policy.

Every text that has a data class holds that class's canary, and every stub repeats what it is told, so that canaries
spread as far as anything lets them.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool

from pilotfish.agents.attempt import Attempt
from pilotfish.agents.caller import Model
from pilotfish.agents.fallback import FallbackLane
from pilotfish.agents.hedged import HedgedLane
from pilotfish.agents.lane import Lane
from pilotfish.agents.llm_planner import LLMPlanner
from pilotfish.agents.model_lane import ModelLane
from pilotfish.agents.plan import Plan
from pilotfish.agents.planner import Planner, as_planner
from pilotfish.agents.retrieval_lane import RetrievalLane
from pilotfish.agents.run_graph import run_graph
from pilotfish.agents.scope import Services, open_scope, start_run
from pilotfish.agents.tool_lane import ToolLane
from pilotfish.models.calling import Calling
from pilotfish.models.data_policy import DataPolicy, Rule
from pilotfish.models.detection import Finding
from pilotfish.models.guard import Guards
from pilotfish.models.load import spec_for
from pilotfish.models.resilience import Resilience
from pilotfish.models.spec import Locality, ModelSpec
from pilotfish.retrieval.evidence import Evidence
from pilotfish.router.allotment import LargeBudget
from pilotfish.router.budgeted import Budgeted
from pilotfish.router.llm import LlmPolicy, RoutingModel
from pilotfish.router.policy import LaneName, Policy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.services import fake_services

CLASSES = ("public", "internal", "restricted", "own")
DETECTED = "4111-1111"
_MEMORY = (
    "/dev/shm" if Path("/dev/shm").is_dir() else None
)  # each world has a ledger, which a disk would sync
FAULTS = ("timeout", "unavailable", "garbage", "truncated", "crash")


def canary(data_class: str) -> str:
    """The text that gives a class away."""
    return f"CANARY-{data_class}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A text that reached a stub."""

    place: str
    locality: Locality
    model_id: str
    text: str


class Stub(ScriptedChat):
    """Repeats what it is told, or fails; a `base_url` beyond this machine makes it remote."""

    sights: Any = None
    base_url: str = ""
    faults: Any = ()
    """Drawn from at random; None is an answer."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        told = "\n".join(str(message.content) for message in messages)
        spec = spec_for(self)
        self.sights.append(Sight(place="model", locality=spec.locality, model_id=spec.id, text=told))
        fault = self.faults.choice([None, None, None, None, None, *FAULTS]) if self.faults else None
        if fault == "timeout":
            raise TimeoutError("too slow")
        if fault == "unavailable":
            raise ConnectionError("down")
        if fault == "crash":
            raise RuntimeError("broken")
        said = "{{{" if fault == "garbage" else told
        metadata = {
            "model_name": self.model_name,
            "finish_reason": "length" if fault == "truncated" else "stop",
        }
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said, response_metadata=metadata))])


class Detector:
    """Finds the one number."""

    def detect(self, text: str) -> tuple[Finding, ...]:
        start = text.find(DETECTED)
        return () if start < 0 else (Finding(kind="NUMBER", start=start, end=start + len(DETECTED)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A retriever that finds all it has."""

    passages: tuple[Evidence, ...]
    sights: list[Sight]
    locality: Locality | None
    fails: bool

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        where = self.locality or "remote"
        self.sights.append(Sight(place="retriever", locality=where, model_id="", text=query))
        if self.fails:
            raise ConnectionError("the index is down")
        return list(self.passages[:k])


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A verifier that writes down what it sees; one without a locality is the workflow's own code."""

    sights: list[Sight]
    says: bool | None
    locality: Locality | None = None

    def check(self, subtask: Subtask, attempt: Attempt, /) -> Any:
        seen = f"{subtask.text} {attempt.text} {' '.join(passage.text for passage in attempt.evidence)}"
        self.sights.append(Sight(place="verifier", locality=self.locality or "local", model_id="", text=seen))
        return self.says


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that one run is made of, drawn at random from a seed."""

    seed: int
    sights: list[Sight] = field(default_factory=list[Sight])

    def run(self) -> tuple[DataPolicy, Plan, dict[str, Any], bytes]:
        """The policy, the plan, the run's final state, and every byte the ledger wrote."""
        dice = random.Random(self.seed)
        policy, plan = _policy(dice), _plan(dice)
        with tempfile.TemporaryDirectory(dir=_MEMORY) as home:
            services = self._services(dice, policy, plan, Path(home))
            state = asyncio.run(_carried_out(services, dice))
            services.ledger.close()
            written = b"".join(path.read_bytes() for path in Path(home).glob("ledger.db*"))
        return policy, plan, state, written

    def _services(self, dice: random.Random, policy: DataPolicy, plan: Plan, home: Path) -> Services:
        lanes = self._lanes(dice)
        services = fake_services(
            home,
            lanes,
            policy=self._router(dice),
            standard=(Looking(sights=self.sights, says=dice.choice([True, None, False])),),
            named={
                "own": Looking(sights=self.sights, says=dice.choice([True, None])),
                "outside": Looking(sights=self.sights, says=True, locality="remote"),
            },
        )
        planner: Planner = as_planner(plan)
        if dice.random() < 0.3:
            planner = LLMPlanner(model=self._model(dice, "vendor"), fallback=planner)
        calling = Calling(
            data_policy=policy, guards=Guards(Resilience(attempts=2, wait_s=0.0, longest_wait_s=0.0))
        )
        return replace(services, planner=planner, calling=calling, votes=dice.choice([1, 3]))

    def _lanes(self, dice: random.Random) -> dict[LaneName, Lane]:
        def lane(name: Any, *models: str) -> Lane:
            made: list[Lane] = [ModelLane(name=name, model=self._model(dice, model)) for model in models]
            if len(made) == 1:
                return made[0]
            return FallbackLane(tuple(made)) if dice.random() < 0.5 else HedgedLane(made[0], made[1], 0.0)

        local = dice.choice([("small",), ("small",), ("vendor",), ("small", "vendor"), ("vendor", "small")])
        lanes: dict[LaneName, Lane] = {
            "local": lane("local", *local),
            "tool": ToolLane(tools=self._tools(dice)),
        }
        if dice.random() < 0.8:
            lanes["large"] = lane("large", *dice.choice([("vendor",), ("other",), ("other", "vendor")]))
        if dice.random() < 0.9:
            lanes["retrieval"] = RetrievalLane(
                retriever=self._source(dice), reader=self._model(dice, dice.choice(["small", "vendor"]))
            )
        return lanes

    def _model(self, dice: random.Random, name: str) -> Model:
        chat = self._chat(dice, name)
        spec: ModelSpec = spec_for(chat)
        return Model(chat=chat, spec=spec)

    def _chat(self, dice: random.Random, name: str) -> Stub:
        base_url = "" if name == "small" else "https://models.example/v1"
        return Stub(
            reply=str,
            model_name=name,
            base_url=base_url,
            sights=self.sights,
            faults=random.Random(dice.random()) if dice.random() < 0.7 else (),
        )

    def _router(self, dice: random.Random) -> Policy:
        kinds: Any = {f"s{i}": dice.choice(["reasoning", "knowledge"]) for i in range(6)}
        fake = FakePolicy(kinds=kinds)
        routing = RoutingModel(self._chat(dice, dice.choice(["small", "vendor"])))
        llm = LlmPolicy(model=routing, fallback=fake)
        budgeted = Budgeted(llm, budget=LargeBudget(large_calls=3))
        return dice.choice([fake, llm, budgeted])

    def _source(self, dice: random.Random) -> Source:
        passages = tuple(_passage(dice, rank) for rank in range(1, dice.randint(1, 4) + 1))
        where: Any = dice.choice(["local", "remote", None])
        return Source(passages=passages, sights=self.sights, locality=where, fails=dice.random() < 0.1)

    def _tools(self, dice: random.Random) -> dict[str, Any]:
        def tool(name: str, locality: Locality | None) -> StructuredTool:
            def used(told: str) -> str:
                where = locality or "remote"
                self.sights.append(Sight(place=name, locality=where, model_id="", text=told))
                if dice.random() < 0.2:
                    raise dice.choice([ValueError("no"), ConnectionError("down")])
                return told

            declared = None if locality is None else {"pilotfish.locality": locality}
            return StructuredTool.from_function(used, name=name, description="repeats", metadata=declared)

        return {"here": tool("here", "local"), "silent": tool("silent", None), "away": tool("away", "remote")}


def _policy(dice: random.Random) -> DataPolicy:
    where: Sequence[tuple[Locality, ...]] = (("local", "remote"), ("local",), ("local",), ("remote",), ())
    globs = (("*",), ("*",), ("*",), ("small",), ("small", "other"), ())
    rules = {
        name: Rule(localities=dice.choice(where), models=dice.choice(globs), keep_content=dice.random() < 0.6)
        for name in CLASSES
        if dice.random() < 0.9
    }
    if dice.random() < 0.75:  # what most runs are like: where nearly all is refused, little can go wrong
        strict = dice.sample(list(rules), min(len(rules), dice.choice([0, 0, 1])))
        shipped = {**DataPolicy().rules, "own": Rule(localities=("local",), keep_content=False)}
        rules = {**shipped, **{name: rules[name] for name in strict}}
    detect = {"NUMBER": dice.choice([*rules])} if rules and dice.random() < 0.7 else {}
    return DataPolicy(rules=rules, detect=detect, detector=Detector() if detect else None)


def _plan(dice: random.Random) -> Plan:
    subtasks: list[Subtask] = []
    for place in range(dice.randint(1, 5)):
        earlier = [each.id for each in subtasks]
        depends_on = tuple(dice.sample(earlier, dice.randint(0, min(2, len(earlier)))))
        own = dice.choice([None, None, None, None, *CLASSES])
        tool = dice.choice([None, None, None, None, "here", "silent", "away"])
        told = " ".join(
            [
                "what is",
                canary(own) if own else "this",
                *(f"#{name}" for name in depends_on if dice.random() < 0.6),
            ]
        )
        told += f" {DETECTED}" if dice.random() < 0.3 else ""
        subtasks.append(
            Subtask(
                id=f"s{place}",
                text=told,
                depends_on=depends_on,
                data_class=own,
                lane=dice.choice([None, None, None, "local", "large", "retrieval"]),
                tool=tool,
                arguments={"told": _argument(dice, depends_on, told)} if tool else {},
                verifier=dice.choice([None, "own", "outside"]),
            )
        )
    return Plan(subtasks)


def _argument(dice: random.Random, depends_on: Sequence[str], text: str) -> str:
    references = [f"#{name}{part}" for name in depends_on for part in ("", ".text")]
    return dice.choice([text, "#previous", *references])


def _passage(dice: random.Random, rank: int) -> Evidence:
    name = dice.choice(CLASSES)
    also = tuple(dice.sample(CLASSES, 1)) if dice.random() < 0.2 else ()
    text = " ".join(
        ["What is this:", canary(name), *map(canary, also), DETECTED if dice.random() < 0.3 else ""]
    )
    return Evidence(
        source=f"{rank}.md",
        text=text,
        chunk_id=str(rank),
        start=0,
        end=len(text),
        rank=rank,
        grade=dice.choice(["sufficient", "partial", "sufficient", "none"]),
        data_class=name,
        also=also,
    )


async def _carried_out(services: Services, dice: random.Random) -> dict[str, Any]:
    whose = dice.choice([*CLASSES, "internal", "internal", "public", "public"])
    task = f"answer {canary(whose)}" + (f" {DETECTED}" if dice.random() < 0.1 else "")
    start_run(services, "r", task, whose, "")
    scope = open_scope(services, "r", task, lambda _event: None)
    async with asyncio.timeout(60):
        state = await run_graph(services).ainvoke({"task": task}, context=scope)
    return {**state, "data_class": whose}
