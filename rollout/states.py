"""Where a canary stands: its states, which may follow which, and how its records fold into a history.

A history is made of the ledger's `rollout` records alone, so every process that reads them sees the same. A record
that could not have been written by one who knew the one before it is ignored, and told of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NoReturn

from .. import UsageError
from ..tracing.ledger import Ledger, Record
from .identity import Identity
from .lease import Lease
from .plan import RolloutPlan, plan_from

State = Literal[
    "draft", "offline", "shadow", "ramp", "baking", "promoted", "paused", "rolled_back", "superseded"
]
By = Literal["start", "gates", "user"]
"""Who brought a transition about."""

LEGAL: Mapping[State, tuple[State, ...]] = {
    "draft": ("offline", "shadow", "ramp", "paused", "rolled_back", "superseded"),
    "offline": ("shadow", "ramp", "paused", "rolled_back", "superseded"),
    "shadow": ("ramp", "paused", "rolled_back", "superseded"),
    "ramp": ("ramp", "baking", "promoted", "paused", "rolled_back", "superseded"),
    "baking": ("promoted", "paused", "rolled_back", "superseded"),
    "promoted": ("rolled_back", "superseded"),
    "paused": ("draft", "offline", "shadow", "ramp", "baking", "rolled_back", "superseded"),
    "rolled_back": (),
    "superseded": (),
}
"""What may follow what. From ramp to ramp goes up one share; from paused goes back to where it was."""
TERMINAL: tuple[State, ...] = ("rolled_back", "superseded")
"""Nothing follows these, whoever writes it."""


class IllegalTransition(UsageError):  # noqa: N818 - the noun says it
    """A canary cannot go from where it is to there; the message names where it can go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A state, and in the ramp and after it the share of the units that get the candidate."""

    state: State
    share: float = 0.0

    def __str__(self) -> str:
        return f"{self.state} {self.share:.4g}" if self.state == "ramp" else self.state

    @property
    def label(self) -> str:
        """For people: `ramp 5 %`."""
        words = self.state.replace("_", " ")
        return f"{words} {100 * self.share:.3g} %" if self.state in ("ramp", "baking") else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a canary."""

    seq: int
    """Its record's number in the ledger."""
    at: str
    """ISO 8601, UTC."""
    stage: Stage
    why: str
    by: By
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A record that counts for nothing."""

    seq: int
    at: str
    stage: Stage
    why: str
    """What is wrong with it."""


def path_of(plan: RolloutPlan) -> tuple[Stage, ...]:
    """The stages that a candidate goes through when all is well."""
    last = plan.ramp[-1]
    return (
        Stage(state="draft"),
        *((Stage(state="offline"),) if plan.offline else ()),
        *((Stage(state="shadow"),) if plan.shadow_pairs else ()),
        *(Stage(state="ramp", share=share) for share in plan.ramp),
        *((Stage(state="baking", share=last),) if plan.bake_requests else ()),
        Stage(state="promoted", share=1.0),
    )


class History:
    """What the records of one canary come to, in the order they were written."""

    def __init__(self, rollout_id: str) -> None:
        self.rollout_id = rollout_id
        self.transitions: list[Transition] = []
        self.ignored: list[Ignored] = []
        self.lease = Lease()
        self.last = 0
        """Number of the last record, ignored or not: what the next one has to follow."""
        self.supersedes: tuple[str, ...] = ()
        """Canaries that make room for this one."""
        self._resumes: Stage | None = None
        self._plan: RolloutPlan | None = None
        self._arms: dict[str, Identity] = {}

    @property
    def stage(self) -> Stage:
        """Where the canary stands."""
        return self.transitions[-1].stage

    @property
    def plan(self) -> RolloutPlan:
        """What it was started with."""
        if self._plan is None:
            raise UsageError(
                f"no canary {self.rollout_id!r}; `pilotfish canary status` lists those there are"
            )
        return self._plan

    @property
    def candidate(self) -> Identity:
        """What is tried."""
        return self._arms["candidate"]

    @property
    def baseline(self) -> Identity:
        """What it is tried against."""
        return self._arms["baseline"]

    @property
    def active_stage(self) -> Stage:
        """Where the canary stands, or was when it was paused or ended: the last stage on its path."""
        path = path_of(self.plan)
        return next(step.stage for step in reversed(self.transitions) if step.stage in path)

    @property
    def began(self) -> int:
        """Number of its first record: of two canaries the one with the lower is the older."""
        return self.transitions[0].seq

    @property
    def is_open(self) -> bool:
        """Whether it has begun and is not over."""
        return bool(self.transitions) and self.stage.state not in TERMINAL

    def rivals(self, baseline: Identity, plan: RolloutPlan) -> bool:
        """Whether this canary is under way and another of that baseline and plan would get in its way."""
        return self.is_open and baseline.digest == self.baseline.digest and plan.overlaps(self.plan)

    def hours(self, now: datetime) -> float:
        """How long the stage has lasted, pauses left out."""
        ends = (*(datetime.fromisoformat(step.at) for step in self.transitions[1:]), now)
        spent = [
            (end - datetime.fromisoformat(step.at)).total_seconds()
            for step, end in zip(self.transitions, ends, strict=True)
            if step.stage == self.active_stage
        ]
        return sum(spent) / 3600

    @property
    def resumes(self) -> Stage | None:
        """Where a paused canary goes on."""
        return self._resumes

    def following(self) -> Stage:
        """The stage that comes next on the canary's path."""
        path = path_of(self.plan)
        where = self._resumes if self.stage.state == "paused" and self._resumes else self.stage
        if where not in path[:-1]:
            self.refuse("on")
        return path[path.index(where) + 1]

    def legal(self) -> tuple[Stage, ...]:
        """Every stage that the canary may go to from here."""
        now = self.stage.state
        path = path_of(self.plan)
        ahead = path[path.index(self.stage) + 1] if self.stage in path[:-1] else None
        one_way = {ahead, self._resumes} if now == "paused" else {ahead}
        free = (Stage(state="promoted", share=1.0), *(Stage(state=state) for state in ("paused", *TERMINAL)))
        reachable = (*(stage for stage in path if stage in one_way), *free)
        return tuple(dict.fromkeys(stage for stage in reachable if stage.state in LEGAL[now]))

    def check(self, to: Stage) -> None:
        """Raise `IllegalTransition` unless the canary may go there from where it is."""
        if to not in self.legal():
            self.refuse(to.label)

    def fold(self, records: Iterable[Record]) -> None:
        """Take in further records."""
        for record in records:
            wrong = self._wrong(record)
            if wrong:
                self.ignored.append(
                    Ignored(seq=record.seq, at=record.at, stage=_stage(record.body), why=wrong)
                )
            elif "lease" in record.body:
                self.lease = Lease.from_json(record.body["lease"])
            else:
                self._step(record)
            self.last = record.seq

    def _wrong(self, record: Record) -> str:
        """Why a record counts for nothing; empty when it counts."""
        body = record.body
        if not self.transitions:
            return self._begin(body)
        if self.stage.state in TERMINAL:
            return f"it comes after {self.stage.label}, which is final"
        if body.get("follows") != self.last:
            return f"it follows record {body.get('follows')}, and record {self.last} had come since"
        if "lease" in body:
            return "" if body["lease"].get("term", 0) > self.lease.term else "a later holder has the lease"
        if body.get("term", 0) < self.lease.term:
            return f"its writer had the lease of term {body.get('term', 0)}, and {self.lease.term} is running"
        if _stage(body) not in self.legal():
            return f"{self.stage.label} cannot go to {_stage(body).label}"
        return ""

    def _begin(self, body: Mapping[str, Any]) -> str:
        """Take in what the first record says; why it begins no canary, or empty."""
        if body.get("state") != "draft":
            return "it does not begin a canary"
        try:
            arms = {arm: Identity.from_json(body[arm]) for arm in ("candidate", "baseline")}
            self._plan = plan_from(body["plan"], name=self.rollout_id)
        except (
            UsageError,
            KeyError,
            TypeError,
        ) as error:  # another version's, which must not stop every agent
            return f"this version cannot read it: {error}"
        self.supersedes = tuple(body.get("supersedes") or ())
        self._arms = arms
        return ""

    def _step(self, record: Record) -> None:
        body = record.body
        stage = _stage(body)
        self._resumes = self.stage if stage.state == "paused" else None
        self.transitions.append(
            Transition(
                seq=record.seq,
                at=record.at,
                stage=stage,
                why=body.get("why", ""),
                by=body.get("by", "user"),
                evidence=body.get("evidence") or {},
            )
        )

    def refuse(self, to: str) -> NoReturn:
        """Raise `IllegalTransition`, which names where the canary can go instead."""
        last = self.transitions[-1]
        if last.stage.state in TERMINAL:
            raise IllegalTransition(
                f"canary {self.rollout_id!r} is over: {last.stage.label} on {last.at[:16].replace('T', ' ')} UTC; "
                "a canary that is over stays so, that is final: start a new one"
            )
        legal = ", ".join(repr(stage.label) for stage in self.legal())
        raise IllegalTransition(
            f"canary {self.rollout_id!r} is {self.stage.label!r} and cannot go {to!r}; it can go to {legal}"
        )


def histories(ledger: Ledger) -> dict[str, History]:
    """The history of every canary in a ledger by its id, the oldest first."""
    found: dict[str, History] = {}
    for record in ledger.rollouts():
        found.setdefault(record.run_id, History(record.run_id)).fold([record])
    return {name: history for name, history in found.items() if history.transitions}


def _stage(body: Mapping[str, Any]) -> Stage:
    return Stage(state=body.get("state", "draft"), share=body.get("share", 0.0))
