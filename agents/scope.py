"""What graph nodes work with: `Services`, fixed for an agent, and `RunScope`, made anew for every run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..models.calling import Calling
from ..models.data_policy import INTERNAL
from ..router.policy import Decision, LaneName, Policy
from ..tracing.call import Call, CallContext, Purpose
from ..tracing.ledger import Entry, Ledger, Record
from .attempt import PASSING
from .budget import Budget, Meter, Spend
from .caller import Caller
from .candidates import Candidates, lanes_in_canaries
from .codec import from_json, to_json
from .events import Event
from .lane import Lane
from .plan import Plan
from .planner import Planner
from .recorded import RecordedRun, ToolRecords
from .result import Answer, SubtaskResult
from .shadow import Shadows
from .verifier import Verifier

Synthesiser = Callable[[str, Plan, Mapping[str, SubtaskResult]], Answer | Awaitable[Answer]]
"""Makes the answer of a run from its task, plan and results."""

LANE_SLOTS: Mapping[LaneName, int] = {"local": 4, "retrieval": 4, "large": 8, "tool": 8}
"""How many subtasks a lane carries out at once, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything an agent is made of. Nothing in it changes while a run goes on."""

    planner: Planner
    policy: Policy
    lanes: Mapping[LaneName, Lane]
    """The lanes there are; a missing one is never chosen."""
    standard: tuple[Verifier, ...]
    """Verifiers that look at every answer."""
    named: Mapping[str, Verifier]
    """Verifiers that a subtask asks for by name."""
    synthesise: Synthesiser
    ledger: Ledger
    budget: Budget = field(default_factory=Budget)
    slots: Mapping[LaneName, int] = field(default_factory=lambda: LANE_SLOTS)
    approve: bool = False
    """Whether a plan waits for approval before it is carried out."""
    screening: bool = True
    """Whether text from documents and tools is screened before a model reads it, and kept from the router."""
    votes: int = 5
    """Most samples of one answer for the agreement check; 1 turns it off."""
    seed: int = 0
    timeout_s: float | None = 120.0
    """Longest that one attempt may take."""
    calling: Calling = field(default_factory=Calling)
    """What every model call goes through; a run adds its own records."""
    data_class: str = INTERNAL
    """Of a task that does not say its own."""
    workflow: str = ""
    """What the agent is called, where canaries and reports tell agents apart."""
    candidates: Candidates | None = None
    """Makes the lanes of canaries; None takes no part in any."""
    shadows: Shadows = field(default_factory=Shadows)
    """Work that goes on beside runs, and answers nobody."""
    langsmith: bool = False
    """Whether LangSmith may see what happens inside a node of somebody else's graph."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """How the agent was set up, as JSON, kept with the run so that it can be resumed by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScope:
    """One run's share of an agent: its meter and its places in the lanes."""

    services: Services
    run_id: str
    task: str
    lanes: Mapping[LaneName, Lane]
    """The agent's, in the canaries that are under way."""
    shadow_place: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Shadows of one run go one after the other, and take no place in a lane."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the run has its answer: what answers nobody waits for that."""
    meter: Meter
    places: Mapping[LaneName, asyncio.Semaphore]
    emit: Callable[[Event], None]
    approve: bool
    """Whether the plan waits for approval: the agent asks for it, or the one that began the run did."""
    policy: Policy
    """The agent's, or once the plan is known what it is for this run."""
    decisions: Mapping[str, Decision]
    """Decisions made before the run was resumed, by the key of their inputs."""
    finished: Mapping[str, SubtaskResult]
    """Subtasks finished before the run was resumed, by the key of their inputs."""
    data_class: str = INTERNAL
    """Of the task, and so of every subtask besides its own."""
    detected: tuple[str, ...] = ()
    """Data classes of what was detected in the task."""
    tenant: str = ""
    """On whose behalf the run is made; empty where nobody said."""
    recorded: RecordedRun | None = None
    """The run that this one replays."""
    first_run_id: str = ""
    """Of the run that a replay goes back to, be it through other replays; else empty."""

    @property
    def data_classes(self) -> tuple[str, ...]:
        """Every data class of the task."""
        return tuple(sorted({self.data_class, *self.detected}))

    @property
    def unit(self) -> str:
        """Whose run it is, for whatever is given to some and not to others; a replay is given what its run was."""
        return self.tenant or self.first_run_id or self.run_id

    def keeps(self, data_classes: Iterable[str]) -> bool:
        """Whether the ledger may keep text of these classes; without any, the task's."""
        return self.services.calling.data_policy.keeps_content(tuple(data_classes) or self.data_classes)

    def caller(
        self,
        meter: Meter,
        subtask_id: str | None = None,
        *,
        data_classes: tuple[str, ...] | None = None,
        purpose: Purpose = "answer",
    ) -> Caller:
        """A caller whose calls count on `meter` and are kept in the ledger; the data is the task's unless said."""
        ledger, classes = self.services.ledger, data_classes or self.data_classes
        about = self.services.calling.telemetry.about(run_id=self.run_id, subtask_id=subtask_id)

        texts: list[str] = []  # of the call that is recorded next, to be written together with it

        def record(call: Call) -> None:
            kept, body = tuple(texts), to_json(call)
            texts.clear()
            keep = self.keeps(call.data_classes)
            ledger.append_all(
                [
                    Entry(
                        run_id=self.run_id,
                        kind="call",
                        body=body,
                        subtask_id=subtask_id,
                        keep_content=keep,
                        texts=kept,
                    )
                ]
            )

        return Caller(
            meter=meter,
            calling=replace(
                self.services.calling,
                record=record,
                keep=texts.append,
                recorded=self.recorded,
                telemetry=about,
            ),
            context=CallContext(data_classes=classes, purpose=purpose),
            timeout_s=self.services.timeout_s,
            tools=ToolRecords(
                ledger=ledger,
                run_id=self.run_id,
                subtask_id=subtask_id,
                recorded=self.recorded,
                keep_content=self.services.calling.data_policy.keeps_content(classes),
            ),
        )


def open_scope(services: Services, run_id: str, task: str, emit: Callable[[Event], None]) -> RunScope:
    """The scope of a run that starts or goes on; what the ledger says was spent and finished counts.

    The budget is the agent's; an agent without one goes on under the budget that the run began with.
    """
    records = services.ledger.records(run_id, "run", "call", "decision", "subtask")
    calls = [r.body for r in records if r.kind == "call" and r.body.get("purpose") != "shadow"]
    spent = Spend(
        calls=len(calls),
        input_tokens=sum(call["input_tokens"] for call in calls),
        output_tokens=sum(call["output_tokens"] for call in calls),
        cost_usd=sum(call["cost_usd"] for call in calls),
        replayed=sum(call.get("replayed", False) for call in calls),
    )
    began = next((record.body for record in records if record.kind == "run"), {})
    own = services.budget != Budget()
    budget = services.budget if own else from_json(Budget, began.get("budget") or {})
    return RunScope(
        services=services,
        run_id=run_id,
        task=task,
        # A replay is no evidence: what it takes from the record was observed when it was made.
        lanes=services.lanes
        if began.get("replays")
        else lanes_in_canaries(services.lanes, services.candidates, services.ledger),
        meter=Meter(budget, spent=spent),
        places={lane: asyncio.Semaphore(slots) for lane, slots in services.slots.items()},
        emit=emit,
        approve=services.approve or bool(began.get("approve")),
        policy=services.policy,
        decisions={r.key: from_json(Decision, r.body) for r in records if r.kind == "decision" and r.key},
        finished=_finished(records),
        data_class=began.get("data_class") or services.data_class,
        detected=services.calling.data_policy.detected(task),
        tenant=began.get("tenant") or "",
        recorded=RecordedRun(services.ledger, began["replays"]) if began.get("replays") else None,
        first_run_id=began.get("first_run_id") or "",
    )


def start_run(
    services: Services, run_id: str, task: str, data_class: str | None, tenant: str, **more: Any
) -> None:
    """Write that a run begins, with what it takes to go on with it later; `more` is added to that."""
    whose = {"data_class": data_class or services.data_class, "tenant": tenant, "workflow": services.workflow}
    policy = services.calling.data_policy
    keep = policy.keeps_content((whose["data_class"], *policy.detected(task)))
    body = {"task": task, **services.origin, **whose, **more}
    services.ledger.append(run_id, "run", body, keep_content=keep)


def _finished(records: Iterable[Record]) -> dict[str, SubtaskResult]:
    """Results by key. What failed for want of time, money or a model is tried again when the run goes on.

    So is what was answered and whose answer is not kept.
    """
    whole = (r for r in records if r.kind == "subtask" and not r.content_missing)
    kept = {r.key: from_json(SubtaskResult, r.body) for r in whole if r.key}
    return {key: result for key, result in kept.items() if result.failure not in PASSING}


def new_run_id() -> str:
    """A fresh run id, short enough to type."""
    return uuid.uuid4().hex[:12]
