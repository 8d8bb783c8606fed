"""The typed events of a run, as `Agent.astream` yields them and the graph's custom stream carries them."""

from __future__ import annotations

from dataclasses import dataclass

from ..router.policy import Decision, LaneName
from .attempt import Attempt, Escalation, Verdict
from .plan import Plan
from .result import Result, SubtaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run begins, or is resumed."""

    run_id: str
    task: str
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan is made."""

    run_id: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNeeded:
    """The run pauses until its plan is approved."""

    run_id: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskStarted:
    """What the subtask depends on is done, and it starts."""

    run_id: str
    subtask_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The policy has spoken; `lane` is where the subtask starts, which may differ where that lane is absent."""

    run_id: str
    subtask_id: str
    decision: Decision
    lane: LaneName


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A lane has tried."""

    run_id: str
    subtask_id: str
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The attempt was checked."""

    run_id: str
    subtask_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """The subtask moves on."""

    run_id: str
    subtask_id: str
    escalation: Escalation


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskFinished:
    """The subtask's result is in the ledger. `from_ledger`: it was there before this run was resumed."""

    run_id: str
    subtask_id: str
    result: SubtaskResult
    from_ledger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run's answer is in the ledger."""

    run_id: str
    result: Result


Event = (
    RunStarted
    | Planned
    | ApprovalNeeded
    | SubtaskStarted
    | Decided
    | Attempted
    | Verified
    | Escalated
    | SubtaskFinished
    | RunFinished
)
