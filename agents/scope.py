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
from ..tracing.ledger import Ledger, Record
from .attempt import PASSING
from .budget import Budget, Meter, Spend
from .caller import Caller
from .codec import from_json, to_json
from .events import Event
from .lane import Lane
from .plan import Plan
from .planner import Planner
from .result import Answer, SubtaskResult
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
    origin: Mapping[str, Any] = field(default_factory=dict)
    """How the agent was set up, as JSON, kept with the run so that it can be resumed by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScope:
    """One run's share of an agent: its meter and its places in the lanes."""

    services: Services
    run_id: str
    task: str
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
    tenant: str = ""
    """On whose behalf the run is made; empty where nobody said."""

    @property
    def unit(self) -> str:
        """Whose run it is, for whatever is given to some and not to others."""
        return self.tenant or self.run_id

    def caller(
        self,
        meter: Meter,
        subtask_id: str | None = None,
        *,
        data_classes: tuple[str, ...] | None = None,
        purpose: Purpose = "answer",
    ) -> Caller:
        """A caller whose calls count on `meter` and are kept in the ledger; the data is the task's unless said."""
        ledger = self.services.ledger

        def record(call: Call) -> None:
            ledger.append(self.run_id, "call", to_json(call), subtask_id=subtask_id)

        return Caller(
            meter=meter,
            calling=replace(self.services.calling, record=record, keep=ledger.keep),
            context=CallContext(data_classes=data_classes or (self.data_class,), purpose=purpose),
            timeout_s=self.services.timeout_s,
        )


def open_scope(services: Services, run_id: str, task: str, emit: Callable[[Event], None]) -> RunScope:
    """The scope of a run that starts or goes on; what the ledger says was spent and finished counts.

    The budget is the agent's; an agent without one goes on under the budget that the run began with.
    """
    records = services.ledger.records(run_id, "run", "call", "decision", "subtask")
    calls = [record.body for record in records if record.kind == "call"]
    spent = Spend(
        calls=len(calls),
        input_tokens=sum(call["input_tokens"] for call in calls),
        output_tokens=sum(call["output_tokens"] for call in calls),
        cost_usd=sum(call["cost_usd"] for call in calls),
    )
    began = next((record.body for record in records if record.kind == "run"), {})
    own = services.budget != Budget()
    budget = services.budget if own else from_json(Budget, began.get("budget") or {})
    return RunScope(
        services=services,
        run_id=run_id,
        task=task,
        meter=Meter(budget, spent=spent),
        places={lane: asyncio.Semaphore(slots) for lane, slots in services.slots.items()},
        emit=emit,
        approve=services.approve or bool(began.get("approve")),
        policy=services.policy,
        decisions={r.key: from_json(Decision, r.body) for r in records if r.kind == "decision" and r.key},
        finished=_finished(records),
        data_class=began.get("data_class") or services.data_class,
        tenant=began.get("tenant") or "",
    )


def start_run(services: Services, run_id: str, task: str, data_class: str | None, tenant: str) -> None:
    """Write that a run begins, with what it takes to go on with it later."""
    whose = {"data_class": data_class or services.data_class, "tenant": tenant, "workflow": services.workflow}
    services.ledger.append(run_id, "run", {"task": task, **services.origin, **whose})


def _finished(records: Iterable[Record]) -> dict[str, SubtaskResult]:
    """Results by key. What failed for want of time, money or a model is tried again when the run goes on."""
    kept = {r.key: from_json(SubtaskResult, r.body) for r in records if r.kind == "subtask" and r.key}
    return {key: result for key, result in kept.items() if result.failure not in PASSING}


def new_run_id() -> str:
    """A fresh run id, short enough to type."""
    return uuid.uuid4().hex[:12]
