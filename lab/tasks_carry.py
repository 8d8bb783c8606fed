"""Carries one task out under one contender, through the agent's own graphs, and makes a row of what became of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..agents.attempt import Attempt
from ..agents.codec import digest, from_json
from ..agents.equivalence import groups
from ..agents.plan import Plan, PlanError
from ..agents.planner import CallingPlanner, Planner
from ..agents.result import SubtaskResult, SubtaskStatus
from ..agents.run_graph import RunInput, run_graph
from ..agents.scope import RunScope, Services, new_run_id, open_scope, start_run
from ..router.policy import LaneName
from ..router.subtask import Subtask
from .tasks_cache import CachedLane, CachedPlanner, CallCache, Tally
from .tasks_file import Task
from .tasks_rows import Moved, Row

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

_GRADES = {"sufficient": 1.0, "partial": 0.5, "none": 0.0}
_WEAKEST_FIRST: tuple[SubtaskStatus, ...] = ("skipped", "failed", "unverified", "accepted")
_VERDICTS: dict[SubtaskStatus, float] = {"accepted": 1.0, "unverified": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A policy, or one lane alone, with everything it is run with."""

    label: str
    services: Services
    setting: str
    """Digest of what its rows depend on besides the task: models, corpus, policy, plan, votes, seed."""
    alone: bool = False
    """Whether it is one lane alone, whose answer counts even where the verdict withholds it."""

    def key(self, task: Task) -> str:
        """The identity of this contender's row for a task, whatever check scores it."""
        return digest(self.label, self.setting, task.id, task.text)


def one_step(task: str) -> Plan:
    """The task as it is, as a plan of one subtask."""
    return Plan([Subtask(id="task", text=task)], planner="one step")


async def carry_out(contender: Contender, task: Task, cache: CallCache) -> Row:
    """The row of one task. Trouble with models or plans is in the row; only a check's crash raises."""
    tally = Tally()
    services = _cached(contender.services, cache, tally)
    run_id = new_run_id()
    start_run(services, run_id, task.text, None, "")
    scope = open_scope(services, run_id, task.text, lambda _event: None)
    state: RunInput = {"task": task.text, "run_id": run_id}
    config: RunnableConfig = {"recursion_limit": 25}
    started = time.perf_counter()
    try:
        final: dict[str, Any] = await run_graph(services).ainvoke(state, config, context=scope)
        results = [from_json(SubtaskResult, row) for row in final["results"]]
        outputs = [result for result in results if result.id in final["plan"]["outputs"]]
    except PlanError:
        results, outputs = [], []
    own_ms = max(0.0, (time.perf_counter() - started) * 1000 - tally.waited_ms)
    return _row(contender, task, scope, results, outputs, tally, own_ms)


def _cached(services: Services, cache: CallCache, tally: Tally) -> Services:
    """The same services with the cache around every lane that calls models, and around such a planner."""
    planner: Planner = services.planner
    if isinstance(planner, CallingPlanner):
        planner = CachedPlanner(planner=planner, cache=cache, tally=tally)
    lanes = {
        name: lane if name == "tool" else CachedLane(lane=lane, cache=cache, tally=tally)
        for name, lane in services.lanes.items()
    }
    return replace(services, planner=planner, lanes=lanes)


def _row(
    contender: Contender,
    task: Task,
    scope: RunScope,
    results: Sequence[SubtaskResult],
    outputs: Sequence[SubtaskResult],
    tally: Tally,
    own_ms: float,
) -> Row:
    drawn = [attempt for _, attempt in tally.attempts]
    answer = "\n".join(result.answer for result in outputs if result.answer is not None)
    answer = _kept(drawn) if contender.alone else answer
    decision = next((result.decision for result in results if result.decision is not None), None)
    spend = scope.meter.spend
    return Row(
        policy=contender.label,
        version="" if decision is None else decision.version,
        id=task.id,
        key=contender.key(task),
        run_id=scope.run_id,
        kind=task.kind,
        group=task.group,
        decided=None if decision is None else decision.kind,
        p_reasoning=None if decision is None else decision.p_reasoning,
        lane="+".join(dict.fromkeys(result.lane for result in results if result.lane)),
        status=_status(outputs),
        verdict="; ".join(result.verdict.reason for result in outputs) or "no plan could be made",
        answer=answer,
        score=task.check.score(answer) if answer else 0.0,
        confidence=min((_sure(result, drawn) for result in outputs), default=0.0) if answer else 0.0,
        escalations=tuple(
            Moved(source=step.source, target=step.target, reason=step.reason)
            for result in results
            for step in result.escalations
        ),
        failure=next((result.failure for result in outputs if result.status == "failed"), None),
        calls=spend.calls,
        input_tokens=spend.input_tokens,
        output_tokens=spend.output_tokens,
        cost_usd=spend.cost_usd,
        model_ms=round(tally.model_ms, 1),
        latency_ms=round(tally.model_ms + own_ms, 1),
        made=tally.made,
        replayed=tally.replayed,
    )


def _status(outputs: Sequence[SubtaskResult]) -> SubtaskStatus:
    """As weak as the weakest output."""
    found = {result.status for result in outputs}
    for status in _WEAKEST_FIRST:
        if status in found:
            return status
    return "failed"


def _sure(result: SubtaskResult, drawn: Sequence[Attempt]) -> float:
    """How sure one answer is, 0 to 1.

    Where samples were drawn it is the share of them that say what the kept one says; else 1 for a verdict of `pass`
    and 0.5 for `unknown`, less a quarter or a half where the evidence was graded `partial` or `none`.
    """
    samples = [attempt for attempt in drawn if attempt.lane == result.lane]
    if result.lane == "local" and len(samples) > 1:
        return len(_winners(samples)) / len(samples)
    lack = 0.5 * (1.0 - _GRADES[result.evidence[0].grade]) if result.evidence else 0.0
    return max(0.0, _VERDICTS.get(result.status, 0.0) - lack)


def _kept(drawn: Sequence[Attempt]) -> str:
    """The answer that the most samples give, the first drawn of them, or nothing."""
    winners = _winners(drawn)
    return winners[0] if winners else ""


def _winners(drawn: Sequence[Attempt]) -> list[str]:
    """The samples that say what the most of them say, in the order drawn."""
    said = [attempt.text for attempt in drawn if attempt.failure is None]
    largest = max(groups(said), key=len, default=list[int]())
    return [said[at] for at in largest]


LANES_ALONE: tuple[LaneName, ...] = ("local", "retrieval", "large")
"""Lanes whose own answers make the columns of an outcome table."""
