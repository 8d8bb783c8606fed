"""What is appended for a canary: its first record, the lease, and transitions, each right after the last one read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..tracing.ledger import Superseded
from .states import TERMINAL

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger
    from .identity import Identity
    from .lease import Tenure
    from .plan import RolloutPlan
    from .states import By, History, Stage


class Writer:
    """Appends one process's transitions, under the lease where it takes one."""

    def __init__(self, ledger: Ledger, tenure: Tenure) -> None:
        self._ledger = ledger
        self._tenure = tenure

    def write(
        self, history: History, stage: Stage, *, why: str, by: By, evidence: Mapping[str, Any]
    ) -> bool | None:
        """Append a transition after the last record of `history`.

        False where another process holds the lease, None where one was quicker. Going back, and what a person asks
        for, waits for nobody: it takes a lease that ends at once, since a command is over as soon as it is carried out.
        """
        tenure, lease, follows = self._tenure, history.lease, history.last
        at_once = by != "gates" or stage.state in TERMINAL
        if not at_once and not tenure.may_take(lease):
            return False
        try:
            if not tenure.has(lease):
                lease = tenure.next(lease, at_once=at_once)
                follows = self._append(history, lease.body(follows=follows), follows)
            step = {"state": stage.state, "share": stage.share, "why": why, "by": by}
            body = {**step, "evidence": dict(evidence), "follows": follows, "term": lease.term}
            self._append(history, body, follows)
        except Superseded:
            return None
        return True

    def _append(self, history: History, body: Mapping[str, Any], follows: int) -> int:
        return self._ledger.append(history.rollout_id, "rollout", dict(body), follows=follows)


def draft_body(
    candidate: Identity, baseline: Identity, plan: RolloutPlan, *, why: str, supersedes: Sequence[str]
) -> dict[str, Any]:
    """The first record of a canary, which holds all that there is to know of it."""
    return {
        "state": "draft",
        "share": 0.0,
        "why": why or "; ".join(candidate.differs(baseline)),
        "by": "start",
        "candidate": candidate.to_json(),
        "baseline": baseline.to_json(),
        "plan": plan.model_dump(mode="json"),
        "supersedes": list(supersedes),
    }
