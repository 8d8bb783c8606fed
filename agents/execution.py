"""Eager execution: every subtask starts the moment its own dependencies are done."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..retrieval.evidence import classes_of
from ..router.policy import Decision
from ..router.subtask import Subtask
from ..tracing.content import content_digest
from ..tracing.record import Entry
from .attempt import Attempt, Escalation, EscalationReason, Verdict
from .codec import digest, from_json, to_json
from .data_gate import detected_in, nowhere_to_start
from .events import SubtaskFinished, SubtaskStarted
from .lane import Upstream, readable
from .plan import Plan, fill_text, fill_value, references, subtask_to_json
from .result import SubtaskResult, SubtaskStatus
from .routing import scope_for, teach
from .scope import RunScope
from .spans import subtask_span, subtask_told
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
    filled = _filled(subtask, given, scope)
    row, answers = subtask_to_json(filled), {name: to_json(item) for name, item in given.items()}
    key = digest(row, answers)
    known = scope.finished.get(key)
    if known is not None:
        scope.emit(
            SubtaskFinished(run_id=scope.run_id, subtask_id=subtask.id, result=known, from_ledger=True)
        )
        with subtask_span(scope, filled) as span:
            return subtask_told(span, known, from_ledger=True)
    scope.emit(SubtaskStarted(run_id=scope.run_id, subtask_id=subtask.id, text=filled.text))
    lost = [name for name in references(subtask) if not given[name].answered]
    asked = _asked(subtask, given, in_full=not scope.services.screening)
    state: SubtaskInput = {"subtask": row, "upstream": answers, "key": key, "asked": asked}
    checks: list[dict[str, Any]] = []
    with subtask_span(scope, filled) as span:
        result = subtask_told(
            span, _skipped(filled, lost) if lost else await _carried_out(scope, filled, state, checks)
        )
    body = {**to_json(result), "answer_sha256": content_digest(result.answer or "")}
    entry = Entry(
        run_id=scope.run_id,
        kind="subtask",
        body=body,
        subtask_id=subtask.id,
        key=key,
        keep_content=scope.keeps(result.data_classes),
    )
    verdicts = (dataclasses.replace(entry, kind="verdict", body=check) for check in checks)
    scope.services.ledger.append_all([*verdicts, entry])
    if scope.recorded is None:  # a lesson that was given once is not given again by a replay
        await teach(scope.services.policy, dataclasses.replace(filled, text=asked), result)
    scope.emit(SubtaskFinished(run_id=scope.run_id, subtask_id=subtask.id, result=result))
    return result


async def _carried_out(
    scope: RunScope, subtask: Subtask, state: SubtaskInput, checks: list[dict[str, Any]]
) -> SubtaskResult:
    """The result; what was found of each attempt is added to `checks`."""
    try:
        barred = nowhere_to_start(scope.lanes, subtask, scope.services.calling.data_policy)
        if barred is not None:
            return _without_answer(subtask, "failed", barred, "data_policy")
        final = await subtask_graph().ainvoke(state, context=scope)
    except Exception as error:
        logger.exception("subtask %r of run %s crashed", subtask.id, scope.run_id)
        return _crashed(subtask, error)
    checks += _checks(final)
    return _result(subtask, final)


def _checks(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row per attempt that was checked, as the ledger keeps it."""
    for number, (attempt, verdict) in enumerate(zip(state["attempts"], state["verdicts"], strict=True), 1):
        arm = next((call["arm"] for call in attempt["calls"]), "")
        yield {
            **verdict,
            "escalation": None if verdict["status"] == "pass" else verdict["escalation"],
            "attempt": number,
            "lane": attempt["lane"],
            "failure": attempt["failure"],
            "arm": arm,
        }


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
        answered_by=attempt.answered_by,
        data_classes=_classes(subtask, attempts),
        from_outside=attempt.lane in ("retrieval", "tool")
        or any(row["from_outside"] for row in state["upstream"].values()),
    )


def _classes(subtask: Subtask, attempts: Iterable[Attempt]) -> tuple[str, ...]:
    """The subtask's data classes and those of all evidence found for it, kept or not: a reason may quote any of it."""
    found = (name for attempt in attempts for name in classes_of(attempt.evidence))
    return tuple(sorted({*subtask.data_classes, *found}))


def _without_answer(
    subtask: Subtask, status: SubtaskStatus, reason: str, failure: EscalationReason | None = None
) -> SubtaskResult:
    return SubtaskResult(
        id=subtask.id,
        text=subtask.text,
        depends_on=subtask.depends_on,
        kind=None,
        lane=None,
        status=status,
        answer=None,
        verdict=Verdict(status="unknown", reason=reason, checked="none"),
        failure=failure,
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
        from_outside=result.from_outside,
    )


def _asked(subtask: Subtask, given: Mapping[str, Upstream], *, in_full: bool) -> str:
    """What the router is told: no word of a document or a tool, which could be written to move it."""
    told = {
        name: item.text
        for name, item in given.items()
        if item.answered and (in_full or not item.from_outside)
    }
    return fill_text(subtask.text, told)


def _filled(subtask: Subtask, given: Mapping[str, Upstream], scope: RunScope) -> Subtask:
    values: dict[str, Any] = {}
    for name, item in given.items():
        value = item.text if item.value is None else item.value
        values[name] = value if item.answered else None
        values[f"{name}.text"] = item.text if item.answered else None
        values[f"{name}.evidence"] = item.evidence
    screening = scope.services.screening
    texts = {name: readable(item, screening=screening).text for name, item in given.items() if item.answered}
    inherited = {*scope.data_classes, *(name for item in given.values() for name in item.data_classes)}
    filled = dataclasses.replace(
        subtask,
        text=fill_text(subtask.text, texts),
        prompt_values={name: fill_text(value, texts) for name, value in subtask.prompt_values.items()},
        arguments=fill_value(dict(subtask.arguments), values),
    )
    inherited |= {*detected_in(filled, given.values(), scope.services.calling.data_policy)}
    return dataclasses.replace(filled, inherited=tuple(sorted(inherited)))
