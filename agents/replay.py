"""Replay: a recorded run carried out again by an agent set up otherwise, from the record where nothing changed.

A replay is a run of its own. What a model answered, or a tool computed, is taken from the run it replays wherever the
request is the same in all that the answer depends on; the rest (searching, reading, voting, checking) is done anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .. import UsageError
from ..tracing.content import content_digest, texts_row
from ..tracing.ledger import Ledger, Record
from .budget import Budget
from .codec import to_json
from .plan import Plan
from .planner import IdentifiedPlanner, Planner
from .recorded import was_answered
from .scope import RunScope, Services, new_run_id, start_run


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCounts:
    """What a replay took from the record, and what it did anew."""

    replays: str
    """Id of the run that was replayed."""
    replayed: int
    """Calls whose answer was taken from the record."""
    called: int
    """Calls made anew."""
    not_kept: int
    """Of those, the ones that did not change: their answers are not kept in the ledger."""
    tools_replayed: int
    tools_run: dict[str, int]
    """Tools that were run anew, and how often: what they do outside was done again."""
    recorded_ms: float
    """Latency of the replayed calls, when they were made."""
    called_ms: float
    """Latency of the calls made anew."""
    saved_usd: float
    """What the replayed calls cost when they were made."""


def start_replay(services: Services, run_id: str, *, task: str | None = None) -> tuple[str, str]:
    """Write that a replay begins; its run id and the task.

    Raises `UsageError` for a run that is unknown or was not approved, where the ledger does not hold its task, and
    for a task that is another than the run's.
    """
    services.ledger.summary(run_id)
    start = services.ledger.records(run_id, "run")[0]
    began = start.body
    approvals = services.ledger.records(run_id, "approval")
    if approvals and not approvals[-1].body["approved"]:
        raise UsageError(f"the plan of run {run_id!r} was not approved, so there is nothing to replay")
    task = task or began.get("task")
    if not task:
        raise UsageError(
            f"the ledger does not hold the task of run {run_id!r}; give it again, word for word, with --task TEXT "
            "(in Python: task=)"
        )
    if not _is_task_of(start, task):
        raise UsageError(
            f"run {run_id!r} was asked something else than {task!r}; give its task word for word, or none where the "
            "ledger holds it"
        )
    more = {"replays": run_id, "first_run_id": began.get("first_run_id") or run_id}
    if services.budget == Budget():
        more["budget"] = began.get("budget") or to_json(Budget())
    new = new_run_id()
    data_class, tenant = began.get("data_class"), began.get("tenant") or ""
    start_run(services, new, task, data_class, tenant, **more)
    return new, task


def _is_task_of(start: Record, task: str) -> bool:
    """Whether this is what the run was asked; a text that is not kept is known by its hash."""
    if start.content_missing:
        return content_digest(texts_row({"task": task})) == start.content_sha256
    return task == start.body["task"]


def kept_plan(scope: RunScope) -> Plan | None:
    """The recorded plan of the run that is replayed, where the same planner would be asked again; else None.

    A planner without an identity, such as a workflow in Python, costs no model and is asked.
    """
    identity = planner_identity(scope.services.planner)
    if scope.recorded is None or identity is None:
        return None
    made = scope.services.ledger.records(scope.recorded.run_id, "plan")
    if not made or made[-1].body.get("made_by") != identity:
        return None
    whole = all(row["text"] for row in made[-1].body["subtasks"])
    return Plan.from_json(made[-1].body) if whole else None


def planner_identity(planner: Planner) -> str | None:
    """What the planner's plans depend on besides the task, where it says so."""
    return planner.identity if isinstance(planner, IdentifiedPlanner) else None


def replay_counts(ledger: Ledger, run_id: str) -> ReplayCounts | None:
    """What a replay took from the record, as the ledger has it; None for a run that replays none."""
    replays: str | None = ledger.records(run_id, "run")[0].body.get("replays")
    if not replays:
        return None
    calls = [record.body for record in ledger.records(run_id, "call")]
    tools = [record.body for record in ledger.records(run_id, "tool")]
    taken = [call for call in calls if call["replayed"]]
    made = [call for call in calls if not call["replayed"]]
    return ReplayCounts(
        replays=replays,
        replayed=len(taken),
        called=len(made),
        not_kept=_not_kept(ledger, replays, made),
        tools_replayed=sum(tool["replayed"] for tool in tools),
        tools_run=dict(Counter(tool["tool"] for tool in tools if not tool["replayed"])),
        recorded_ms=sum(call["latency_ms"] for call in taken),
        called_ms=sum(call["latency_ms"] for call in made),
        saved_usd=sum(call["recorded_cost_usd"] for call in taken),
    )


def _not_kept(ledger: Ledger, replays: str, made: list[dict[str, Any]]) -> int:
    """Calls that were answered before on the same terms: only a lost text lets a replay make them again."""
    before = [record.body for record in ledger.records(replays, "call")]
    answered = {call.get("request_sha256") for call in before if was_answered(call)}
    return sum(call["request_sha256"] in answered for call in made)
