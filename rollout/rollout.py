"""One canary, durable on a ledger: who is in which arm, what came of it, and the next transition when it is due.

Any number of processes may hold the same canary open. Each reads what the others wrote before it acts; one of them
moves the canary on (`lease`), and any of them takes it back. Nothing is kept that the records do not say.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .. import UsageError
from ..tracing.ledger import Record, Superseded
from .bucketing import in_candidate
from .gates import Gates, Look
from .lease import Tenure, new_holder
from .observation import Observation
from .report import Tally, report_of
from .states import TERMINAL, By, History, Stage, State, histories
from .writer import Writer, draft_body

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger
    from .identity import Identity
    from .judge import Judge
    from .observation import Arm
    from .plan import RolloutPlan

logger = logging.getLogger(__name__)
_OBSERVED: tuple[State, ...] = ("shadow", "ramp", "baking")
_TRIES = 20
"""How often a command is tried anew when another process writes at the same moment."""


class Rollout:
    """One canary. `Rollout.start` begins one, `Rollout.open` and `active` find those there are."""

    def __init__(
        self,
        ledger: Ledger,
        rollout_id: str,
        *,
        tenure: Tenure | None = None,
        judge: Callable[[RolloutPlan], Judge] = Gates,
    ) -> None:
        self.id = rollout_id
        self.history = History(rollout_id)
        self.tally = Tally()
        self._ledger = ledger
        self._tenure = tenure or Tenure(holder=new_holder())
        self._writer = Writer(ledger, self._tenure)
        self._make_judge = judge
        self._judge: Judge | None = None
        self._lock = threading.RLock()
        self._seen = 0
        self._keys: set[str] = set()
        self._shadowed: set[str] = set()
        self._due = False
        self._entered: Stage | None = None

    def __repr__(self) -> str:
        return f"Rollout({self.id!r}, {self.stage.label!r})"

    @classmethod
    def start(
        cls,
        ledger: Ledger,
        *,
        candidate: Identity,
        baseline: Identity,
        plan: RolloutPlan,
        supersede: bool = False,
        why: str = "",
        rollout_id: str = "",
        tenure: Tenure | None = None,
        judge: Callable[[RolloutPlan], Judge] = Gates,
    ) -> Rollout:
        """Begin a canary and take it to its first stage, under an id of its own unless one is given.

        `UsageError` when the arms are the same, or when another canary of this baseline is on its way among the same
        requests and `supersede` does not say that it is to make room.
        """
        if candidate.digest == baseline.digest:
            raise UsageError(
                f"the candidate {candidate.spec or candidate.model_id!r} is the baseline: the same model, prompts, "
                "sampling, engine and verifiers. Name what is to be tried"
            )
        rivals = [name for name, each in histories(ledger).items() if each.rivals(baseline, plan)]
        if rivals and not supersede:
            raise UsageError(
                f"canary {rivals[0]!r} has the same baseline and takes part in the same requests: roll it back, "
                "name other workflows, kinds or tenants in the plan, or start with --supersede"
            )
        rollout = cls(ledger, rollout_id or f"c-{uuid.uuid4().hex[:8]}", tenure=tenure, judge=judge)
        body = draft_body(candidate, baseline, plan, why=why, supersedes=rivals)
        try:
            ledger.append(rollout.id, "rollout", body, follows=0)
        except Superseded:
            raise UsageError(f"there is a canary {rollout.id!r} already; give another id") from None
        rollout.settle()
        return rollout

    @classmethod
    def open(
        cls,
        ledger: Ledger,
        rollout_id: str,
        *,
        tenure: Tenure | None = None,
        judge: Callable[[RolloutPlan], Judge] = Gates,
    ) -> Rollout:
        """The canary of that id as its records have it; `UsageError` when there is none."""
        rollout = cls(ledger, rollout_id, tenure=tenure, judge=judge)
        rollout.refresh()
        if not rollout.history.transitions:
            known = [*histories(ledger)][-5:]
            there = f"the latest are {', '.join(known)}" if known else "there is none yet"
            raise UsageError(f"no canary {rollout_id!r} in {str(ledger.path)!r}; {there}")
        return rollout

    @property
    def state(self) -> State:
        """Where it stands, as last read."""
        return self.stage.state

    @property
    def stage(self) -> Stage:
        """Where it stands and at which share, as last read."""
        return self.history.stage if self.history.transitions else Stage(state="draft")

    @property
    def plan(self) -> RolloutPlan:
        """What it was started with."""
        return self.history.plan

    @property
    def candidate(self) -> Identity:
        """What is tried."""
        return self.history.candidate

    @property
    def baseline(self) -> Identity:
        """What it is tried against."""
        return self.history.baseline

    def refresh(self) -> None:
        """Read what this process or another has written since."""
        with self._lock:
            for record in self._ledger.records(self.id, "rollout", "observation", after=self._seen):
                self._seen = record.seq
                if record.kind == "rollout":
                    self._fold(record)
                elif self.history.transitions:
                    self._count(record)

    def assign(self, unit: str, *, workflow: str = "", kind: str = "", tenant: str = "") -> Arm | None:
        """Which arm answers a request of `unit`; None where it takes no part, and the baseline answers as ever.

        What another process wrote a moment ago counts: a rollback holds from the next request on.
        """
        # A canary whose start was cut short is brought on its way by the first request that meets it.
        self.settle() if self.state == "draft" or self._is_overdue() else self.refresh()
        stage = self.stage
        if stage.state in ("draft", "offline", *TERMINAL):
            return None
        if not self.plan.takes_part(workflow=workflow, kind=kind, tenant=tenant):
            return None
        share = 0.0 if stage.state in ("shadow", "paused") else stage.share
        return "candidate" if in_candidate(unit, salt=self.id, share=share) else "baseline"

    def shadows(
        self, unit: str, *, workflow: str = "", kind: str = "", tenant: str = "", pair: str = ""
    ) -> bool:
        """Whether the candidate also carries the request out, unseen. Each True counts against the plan's cap.

        `pair` names the request, so that a repeated one is counted once.
        """
        with self._lock:
            self.refresh()
            fits = self.plan.takes_part(workflow=workflow, kind=kind, tenant=tenant)
            if self.state != "shadow" or not fits or not self._shadow_share_has(unit):
                return False
            pair = pair or f"{unit}/{uuid.uuid4().hex}"
            if pair not in self._shadowed and len(self._shadowed | self.tally.pairs) >= self.plan.shadow_cap:
                return False
            self._shadowed.add(pair)
            return True

    def forgo(self, pair: str) -> None:
        """Give back what `shadows` granted for `pair`: no shadow of it was, or will be, carried out to its end."""
        with self._lock:
            self._shadowed.discard(pair)

    def observe(self, observation: Observation, *, key: str = "") -> None:
        """Write down what came of a request, and make the transition that is due after it, if one is.

        `key` names the observation, so that a request which is carried out again is counted once; a pair in shadow
        has one of its own. Outside shadow, ramp and baking nothing is written.
        """
        key = key or (f"{observation.pair}/{observation.arm}" if observation.pair else "")
        with self._lock:
            self.settle()
            if self.state not in _OBSERVED or key in self._keys:
                return
            self._ledger.append(self.id, "observation", asdict(observation), key=key or None)
            self.settle()

    def settle(self) -> None:
        """Read what is new and make the transition that is due, unless another process has the lease for it."""
        with self._lock:
            self.refresh()
            self._due = self._due or self._is_overdue()
            while self._due and self._settle_once():
                self.refresh()

    def decide_offline(self, *, passed: bool, why: str, evidence: Mapping[str, Any]) -> None:
        """Say what the evaluation on recorded outcomes came to: on to the next stage, or back for good."""
        self._command(
            lambda: self.history.following() if passed else Stage(state="rolled_back"),
            why=why,
            evidence=evidence,
            by="gates",
            only="offline",
        )

    def promote(self, why: str = "", *, anyway: bool = False) -> None:
        """Give the candidate to everybody in scope. While a gate is not content that takes `anyway`."""
        self.settle()
        self.history.check(Stage(state="promoted", share=1.0))
        look, ahead = self.look(), self.history.following()
        if (look.action != "advance" or ahead.state != "promoted") and not anyway:
            left = look.reasons if look.action != "advance" else (f"{ahead.label} comes next",)
            raise UsageError(
                f"canary {self.id!r} is not through its gates ({'; '.join(left)}); "
                "wait, or promote it all the same with --anyway"
            )
        evidence = {"reasons": list(look.reasons), **self._gates().evidence()}
        self._command(lambda: Stage(state="promoted", share=1.0), why=why or "by hand", evidence=evidence)

    def pause(self, why: str = "") -> None:
        """Give the baseline to everybody until `resume`."""
        self._command(lambda: Stage(state="paused"), why=why or "by hand")

    def resume(self, why: str = "") -> None:
        """Go on where `pause` stopped."""
        self._command(lambda: self.history.resumes or self.stage, why=why or "by hand", only="paused")

    def roll_back(self, reason: str = "", evidence: Mapping[str, Any] | None = None) -> None:
        """Give the baseline to everybody, for good."""
        self._command(lambda: Stage(state="rolled_back"), why=reason or "by hand", evidence=evidence)

    def supersede(self, by: str) -> None:
        """Make room for another canary, for good."""
        self._command(lambda: Stage(state="superseded"), why=f"superseded by {by}")

    def look(self) -> Look:
        """What the gates say at this moment."""
        stage = self.history.active_stage
        if stage.state not in _OBSERVED:
            return Look(action="hold", reasons=(), evidence={})
        return self._gates().look(str(stage), hours=self._hours())

    def report(self) -> dict[str, Any]:
        """The whole story as JSON data: where it stands, how it got there, and what the next gate still needs."""
        with self._lock:
            self.refresh()
            return report_of(self.history, self.tally, self.look(), self._gates().evidence())

    def _gates(self) -> Judge:
        if self._judge is None:
            self._judge = self._make_judge(self.plan)
        return self._judge

    def _fold(self, record: Record) -> None:
        before = len(self.history.transitions)
        self.history.fold([record])
        self._due = True
        if len(self.history.transitions) == before:
            return
        stage = self.stage
        if stage.state in _OBSERVED and stage != self._entered:  # a pause starts no count anew
            self._entered = stage
            self._gates().enter(str(stage))

    def _count(self, record: Record) -> None:
        """Take an observation in, once; one that came after its canary had stopped counts for nothing."""
        if self.state not in _OBSERVED or (record.key and record.key in self._keys):
            return
        if record.key:
            self._keys.add(record.key)
        try:
            observation = Observation(**record.body)
        except TypeError:  # of another version, which must not stop every agent
            logger.warning("observation %d of canary %r cannot be read and is left out", record.seq, self.id)
            return
        self.tally.add(observation, self.history.transitions[-1].seq)
        self._gates().add(observation)
        self._due = True

    def _settle_once(self) -> bool:
        """Whether a transition was made."""
        self._due = False
        if self.state == "draft":
            return self._leave_draft()
        if self.state not in _OBSERVED:
            return False
        look = self.look()
        evidence = {"reasons": list(look.reasons), **look.evidence}
        if look.action == "hold":
            return False
        to = self.history.following() if look.action == "advance" else Stage(state="rolled_back")
        return self._write(to, "; ".join(look.reasons), "gates", evidence)

    def _is_overdue(self) -> bool:
        """Whether a stage ran out of time, which shows without any observation."""
        return self.state in _OBSERVED and self._hours() > self.plan.max_hours

    def _hours(self) -> float:
        return self.history.hours(self._tenure.clock())

    def _leave_draft(self) -> bool:
        """Whether a transition was made: on once the superseded are gone, or out of an older one's way."""
        for rival in self.history.supersedes:
            other = Rollout.open(self._ledger, rival, tenure=self._tenure, judge=self._make_judge)
            if other.state not in TERMINAL:
                other.supersede(self.id)
        for other in histories(self._ledger).values():
            if other.began < self.history.began and other.rivals(self.baseline, self.plan):
                return self._write(Stage(state="superseded"), f"{other.rollout_id} began first", "start")
        return self._write(self.history.following(), "started", "start")

    def _write(self, stage: Stage, why: str, by: By, evidence: Mapping[str, Any] | None = None) -> bool:
        wrote = self._writer.write(self.history, stage, why=why, by=by, evidence=evidence or {})
        self._due = self._due or wrote is None
        return bool(wrote)

    def _shadow_share_has(self, unit: str) -> bool:
        return in_candidate(unit, salt=f"{self.id}/shadow", share=self.plan.shadow_share)

    def _command(
        self,
        to: Callable[[], Stage],
        *,
        why: str,
        evidence: Mapping[str, Any] | None = None,
        by: By = "user",
        only: State | None = None,
    ) -> None:
        """A transition that somebody asked for: legal from where the canary now is, or `IllegalTransition`."""
        with self._lock:
            for _ in range(_TRIES):
                self.refresh()
                if only not in (None, self.state):
                    self.history.refuse(f"on from {only}")
                stage = to()
                self.history.check(stage)
                if self._write(stage, why, by, evidence or {}):
                    self.refresh()
                    return
        raise Superseded(f"canary {self.id!r}: other processes keep writing; try again")


class Rollouts:
    """Every canary of a ledger, kept open: what a process asks at each request, for the price of one look-up."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        tenure: Tenure | None = None,
        judge: Callable[[RolloutPlan], Judge] = Gates,
    ) -> None:
        self._ledger = ledger
        self._tenure = tenure or Tenure(holder=new_holder())
        self._make_judge = judge
        self._lock = threading.Lock()
        self._histories: dict[str, History] = {}
        self._open: dict[str, Rollout] = {}
        self._seen = 0

    def active(self) -> list[Rollout]:
        """Those that are neither rolled back nor superseded, the oldest first; a promoted one still assigns."""
        with self._lock:
            for record in self._ledger.rollouts(after=self._seen):
                self._seen = record.seq
                self._histories.setdefault(record.run_id, History(record.run_id)).fold([record])
            for name, history in self._histories.items():
                if not history.is_open:
                    self._open.pop(name, None)
                elif name not in self._open:
                    self._open[name] = Rollout(
                        self._ledger, name, tenure=self._tenure, judge=self._make_judge
                    )
            for rollout in self._open.values():
                rollout.refresh()
            return [each for each in self._open.values() if each.state not in TERMINAL]


def active(ledger: Ledger) -> list[Rollout]:
    """The canaries that are neither rolled back nor superseded. To ask at every request keep a `Rollouts`."""
    return Rollouts(ledger).active()
