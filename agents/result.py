"""What a run comes to: `SubtaskResult` and `Result`, with the JSON of the public contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..retrieval.evidence import Evidence
from ..router.policy import Decision, Kind, LaneName
from ..tracing.call import Call
from .attempt import Citation, Escalation, EscalationReason, Verdict
from .budget import Spend
from .codec import to_json

SubtaskStatus = Literal["accepted", "unverified", "failed", "skipped"]
"""`unverified`: there is an answer, but no verifier could pass it and no further lane was left."""
RunStatus = Literal[
    "answered", "partial", "failed", "awaiting_approval", "needs_input", "infeasible", "refused"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskResult:
    """How one subtask ended. A failed subtask is a result, not an exception."""

    id: str
    text: str
    """The question as it was asked, references filled in."""
    depends_on: tuple[str, ...]
    kind: Kind | None
    """None for a skipped subtask, which is never decided."""
    lane: LaneName | None
    """The lane whose answer this is, or that failed last."""
    status: SubtaskStatus
    answer: str | None
    value: Any = None
    """The answer as JSON data, where the subtask has a schema or a tool made it."""
    decision: Decision | None = None
    verdict: Verdict
    escalations: tuple[Escalation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[Citation, ...] = ()
    calls: tuple[Call, ...] = ()
    failure: EscalationReason | None = None
    detail: str = ""
    answered_by: str = ""
    """Who answered, and why not the one asked first, where a fallback or a hedge did; else empty."""
    data_classes: tuple[str, ...] = ()
    """Every data class that the answer came from: the subtask's, its task's, what it depends on, its evidence."""
    from_outside: bool = False
    """Whether the answer holds words of documents or tools, or was made from such."""

    def to_json(self) -> dict[str, Any]:
        """The subtask object of the public contract."""
        data = to_json(self)
        del data["verdict"]["escalation"]  # what an escalation would be called; `escalations` says what was
        data["escalations"] = [
            {"from": step.source, "to": step.target, "reason": step.reason, "detail": step.detail}
            for step in self.escalations
        ]
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The synthesis of a run."""

    text: str
    status: RunStatus
    extra: dict[str, Any] = field(default_factory=dict)
    """What a workflow adds to the result's JSON, such as a route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished, or paused, run."""

    run_id: str
    answer: str
    status: RunStatus
    subtasks: tuple[SubtaskResult, ...]
    citations: tuple[Citation, ...]
    spend: Spend
    wall_ms: float
    plan: dict[str, Any] = field(default_factory=dict)
    """The plan as JSON (`Plan.from_json` reads it); empty when there was none."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def data_classes(self) -> tuple[str, ...]:
        """Every data class that the subtasks' answers came from."""
        return tuple(sorted({name for subtask in self.subtasks for name in subtask.data_classes}))

    @property
    def cost_usd(self) -> float:
        """Dollars spent on model calls."""
        return self.spend.cost_usd

    def to_json(self) -> dict[str, Any]:
        """The object that `pilotfish ask --json` prints."""
        return {
            "run_id": self.run_id,
            "answer": self.answer,
            "status": self.status,
            "citations": [to_json(citation) for citation in self.citations],
            "subtasks": [subtask.to_json() for subtask in self.subtasks],
            "plan": {"planner": self.plan.get("planner"), "note": self.plan.get("note")},
            "totals": {
                "calls": self.spend.calls,
                "input_tokens": self.spend.input_tokens,
                "output_tokens": self.spend.output_tokens,
                "cost_usd": self.spend.cost_usd,
                "wall_ms": self.wall_ms,
            },
            **self.extra,
        }
