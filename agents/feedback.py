"""What users say of a finished subtask's answer: kept in the ledger, and taught to a policy that learns."""

from __future__ import annotations

import dataclasses

from .. import UsageError
from ..router.subtask import Subtask
from ..router.wrapper import learner
from .codec import from_json
from .plan import Plan
from .result import SubtaskResult
from .scope import Services


def give_feedback(services: Services, run_id: str, subtask_id: str, reward: float) -> None:
    """Keep a reward, 0 to 1, for a subtask of a run, and teach it.

    A reward is for the answer as it stands: a policy is taught it only where the answer is the decided lane's own,
    and where the subtask's text was kept. Raises `UsageError` naming the run, the subtask or the reward that will
    not do.
    """
    if not 0.0 <= reward <= 1.0:
        raise UsageError(f"reward {reward!r} is not between 0 (worthless) and 1 (right)")
    services.ledger.summary(run_id)
    finished = _finished(services, run_id, subtask_id)
    services.ledger.append(run_id, "feedback", {"reward": reward}, subtask_id=subtask_id)
    learning = learner(services.policy)
    if finished is None or learning is None:
        return
    subtask, result = finished
    if result.decision is not None and result.lane == result.decision.lane:
        learning.learn(subtask, result.decision, reward=reward)


def _finished(services: Services, run_id: str, subtask_id: str) -> tuple[Subtask, SubtaskResult] | None:
    """The subtask as it was carried out; None where its text is not kept."""
    records = services.ledger.records(run_id, "plan", "subtask")
    results = {r.subtask_id: r for r in records if r.kind == "subtask"}
    if subtask_id not in results:
        known = ", ".join(repr(name) for name in results) or "none"
        raise UsageError(f"run {run_id!r} has no finished subtask {subtask_id!r}; finished are: {known}")
    drawn = next(record for record in reversed(records) if record.kind == "plan")
    if results[subtask_id].content_missing or drawn.content_missing:
        return None
    result, plan = from_json(SubtaskResult, results[subtask_id].body), Plan.from_json(drawn.body)
    planned = next(subtask for subtask in plan if subtask.id == subtask_id)
    return dataclasses.replace(planned, text=result.text, inherited=result.data_classes), result
