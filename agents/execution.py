"""Eager execution: every subtask starts the moment its own dependencies are done."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from ..router.policy import Decision
from ..router.subtask import Subtask
from .attempt import Attempt, Escalation, Verdict
from .codec import digest, from_json, to_json
from .events import SubtaskFinished, SubtaskStarted
from .lane import Upstream
from .plan import Plan, fill_text, fill_value, references, subtask_to_json
from .result import SubtaskResult, SubtaskStatus
from .routing import scope_for, teach
from .scope import RunScope
from .subtask_graph import SubtaskInput, subtask_graph

logger = logging.getLogger(__name__)


async def execute_plan(scope: RunScope, plan: Plan) -> list[SubtaskResult]:
    """Results in plan order. Cancelling this cancels every subtask under way."""
    scope = scope_for(scope, plan)
    tasks: dict[str, asyncio.Task[SubtaskResult]] = {}

    async def run(subtask: Subtask) -> SubtaskResult:
        upstream = {name: await tasks[name] for name in subtask.depends_on}
        return await _finish(scope, subtask, upstream)

    try:
        async with asyncio.TaskGroup() as group:
            for subtask in plan:
                tasks[subtask.id] = group.create_task(run(subtask), name=f"{scope.run_id}:{subtask.id}")
    except ExceptionGroup as several:
        # Such as a ledger that cannot be written: callers handle the error itself, not its group.
        raise several.exceptions[0] from several
    return [tasks[subtask.id].result() for subtask in plan]


async def _finish(scope: RunScope, subtask: Subtask, upstream: Mapping[str, SubtaskResult]) -> SubtaskResult:
    given = {name: _upstream(result) for name, result in upstream.items()}
    filled = _filled(subtask, given, scope.data_class)
    row, answers = subtask_to_json(filled), {name: to_json(item) for name, item in given.items()}
    key = digest(row, answers)
    known = scope.finished.get(key)
    if known is not None:
        scope.emit(
            SubtaskFinished(run_id=scope.run_id, subtask_id=subtask.id, result=known, from_ledger=True)
        )
        return known
    scope.emit(SubtaskStarted(run_id=scope.run_id, subtask_id=subtask.id, text=filled.text))
    lost = [name for name in references(subtask) if not given[name].answered]
    state: SubtaskInput = {"subtask": row, "upstream": answers, "key": key}
    result = _skipped(filled, lost) if lost else await _carried_out(scope, filled, state)
    scope.services.ledger.append(scope.run_id, "subtask", to_json(result), subtask_id=subtask.id, key=key)
    await teach(scope.services.policy, filled, result)
    scope.emit(SubtaskFinished(run_id=scope.run_id, subtask_id=subtask.id, result=result))
    return result


async def _carried_out(scope: RunScope, subtask: Subtask, state: SubtaskInput) -> SubtaskResult:
    try:
        final = await subtask_graph().ainvoke(state, context=scope)
    except Exception as error:
        logger.exception("subtask %r of run %s crashed", subtask.id, scope.run_id)
        return _crashed(subtask, error)
    return _result(subtask, final)


def _result(subtask: Subtask, state: Mapping[str, Any]) -> SubtaskResult:
    """The best attempt there is: one that passed, else the last that could not be checked, else none."""
    attempts = [from_json(Attempt, row) for row in state["attempts"]]
    verdicts = [from_json(Verdict, row) for row in state["verdicts"]]
    best = len(attempts) - 1
    status: SubtaskStatus = "failed"
    outcomes: tuple[tuple[str, SubtaskStatus], ...] = (("pass", "accepted"), ("unknown", "unverified"))
    for wanted, outcome in outcomes:
        places = [index for index, verdict in enumerate(verdicts) if verdict.status == wanted]
        if places:
            best, status = places[-1], outcome
            break
    attempt, decision = attempts[best], from_json(Decision, state["decision"])
    return SubtaskResult(
        id=subtask.id,
        text=subtask.text,
        depends_on=subtask.depends_on,
        kind=decision.kind,
        lane=attempt.lane,
        status=status,
        answer=None if status == "failed" else attempt.text,
        value=None if status == "failed" else attempt.value,
        decision=decision,
        verdict=verdicts[best],
        escalations=tuple(from_json(Escalation, row) for row in state["escalations"]),
        evidence=attempt.evidence or next((a.evidence for a in reversed(attempts) if a.evidence), ()),
        citations=() if status == "failed" else attempt.citations,
        calls=tuple(call for each in attempts for call in each.calls),
        failure=attempt.failure,
        detail=attempt.detail,
        data_classes=subtask.data_classes,
    )


def _without_answer(subtask: Subtask, status: SubtaskStatus, reason: str) -> SubtaskResult:
    return SubtaskResult(
        id=subtask.id,
        text=subtask.text,
        depends_on=subtask.depends_on,
        kind=None,
        lane=None,
        status=status,
        answer=None,
        verdict=Verdict(status="unknown", reason=reason, checked="none"),
        detail=reason,
        data_classes=subtask.data_classes,
    )


def _skipped(subtask: Subtask, lost: list[str]) -> SubtaskResult:
    return _without_answer(subtask, "skipped", f"it needs the answer of {', '.join(lost)}, and there is none")


def _crashed(subtask: Subtask, error: Exception) -> SubtaskResult:
    return _without_answer(subtask, "failed", f"{type(error).__name__}: {error}")


def _upstream(result: SubtaskResult) -> Upstream:
    answered = result.answer is not None
    return Upstream(
        question=result.text,
        text=result.answer if result.answer is not None else f"(no answer: {result.verdict.reason})",
        value=result.value,
        evidence=[to_json(passage) for passage in result.evidence],
        answered=answered,
        data_classes=result.data_classes,
    )


def _filled(subtask: Subtask, given: Mapping[str, Upstream], data_class: str) -> Subtask:
    values: dict[str, Any] = {}
    for name, item in given.items():
        value = item.text if item.value is None else item.value
        values[name] = value if item.answered else None
        values[f"{name}.text"] = item.text if item.answered else None
        values[f"{name}.evidence"] = item.evidence
    texts = {name: item.text for name, item in given.items() if item.answered}
    inherited = {data_class, *(name for item in given.values() for name in item.data_classes)}
    return dataclasses.replace(
        subtask,
        text=fill_text(subtask.text, texts),
        prompt_values={name: fill_text(value, texts) for name, value in subtask.prompt_values.items()},
        arguments=fill_value(dict(subtask.arguments), values),
        inherited=tuple(sorted(inherited)),
    )
