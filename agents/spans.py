"""The spans of a run, its plan and its subtasks, and what is told of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ..router.subtask import Subtask
from ..tracing.telemetry import Span
from .plan import Plan
from .result import Result, SubtaskResult
from .scope import RunScope


@contextmanager
def run_span(scope: RunScope) -> Generator[Span]:
    """Around a run. One that goes on in another trace links to the trace in which it began or went on last."""
    services = scope.services
    telemetry = services.calling.telemetry
    with telemetry.span(
        "invoke_workflow",
        services.workflow,
        workflow=services.workflow,
        run_id=scope.run_id,
        data_classes=scope.data_classes,
    ) as span:
        if telemetry.on:
            earlier = services.ledger.records(scope.run_id, "trace")
            span.set(resumed=True if earlier else None)
            for record in earlier[-1:]:
                span.link(record.body["traceparent"])
            services.ledger.append(scope.run_id, "trace", {"traceparent": span.traceparent})
            span.show(task=scope.task)
        yield span


def run_told(span: Span, result: Result) -> Result:
    """The result as it is, told to its span."""
    classes = {name for subtask in result.subtasks for name in subtask.data_classes}
    span.set(status=result.status, cost_usd=result.cost_usd)
    if classes:
        span.set(data_classes=tuple(sorted(classes)))
    span.show(answer=result.answer)
    return result


@contextmanager
def plan_span(scope: RunScope) -> Generator[Span]:
    """Around making a plan."""
    telemetry = scope.services.calling.telemetry
    with telemetry.span("plan", run_id=scope.run_id, data_classes=scope.data_classes) as span:
        yield span


def plan_told(span: Span, plan: Plan) -> Plan:
    """The plan as it is, told to its span."""
    span.set(planner=plan.planner, subtasks=len(plan))
    return plan


@contextmanager
def subtask_span(scope: RunScope, subtask: Subtask) -> Generator[Span]:
    """Around carrying out a subtask, or finding it done."""
    with scope.services.calling.telemetry.span(
        "invoke_agent",
        subtask.id,
        agent=subtask.id,
        run_id=scope.run_id,
        subtask_id=subtask.id,
        data_classes=subtask.data_classes,
    ) as span:
        span.show(task=subtask.text)
        yield span


def subtask_told(span: Span, result: SubtaskResult, *, from_ledger: bool = False) -> SubtaskResult:
    """The result as it is, told to its span."""
    decision, steps = result.decision, result.escalations
    span.set(
        kind=result.kind,
        lane=result.lane,
        status=result.status,
        verdict=result.verdict.status,
        verifier=result.verdict.checked,
        escalations=[f"{step.source}>{step.target}:{step.reason}" for step in steps] or None,
        escalation_reason=steps[-1].reason if steps else None,
        cost_usd=sum(call.cost_usd for call in result.calls),
        from_ledger=from_ledger or None,
        data_classes=result.data_classes,
    )
    if decision is not None:
        span.set(policy=decision.policy, policy_version=decision.version, confidence=decision.confidence)
    span.show(reason=result.verdict.reason)
    if result.answer is not None:
        span.show(answer=result.answer)
    if result.status in ("failed", "skipped"):
        span.fail(result.failure or result.status, result.detail)
    return result
