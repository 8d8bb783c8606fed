"""The spans of a lane's searches and tools, and what is told of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..retrieval.evidence import Evidence, classes_of
from ..tracing.telemetry import Span, Telemetry
from .lane import LaneContext
from .recorded import ToolOutcome


@contextmanager
def retrieval_span(context: LaneContext, retriever: object, query: str) -> Generator[Span]:
    """Around one search."""
    with _telemetry(context).span(
        "retrieval", type(retriever).__name__, data_classes=context.caller.context.data_classes
    ) as span:
        span.show(query=query)
        yield span


def retrieval_told(span: Span, context: LaneContext, evidence: tuple[Evidence, ...]) -> None:
    """What was found; passages carry data classes of their own."""
    classes = {*context.caller.context.data_classes, *classes_of(evidence)}
    grade = evidence[0].grade if evidence else "none"
    span.set(passages=len(evidence), grade=grade, data_classes=tuple(sorted(classes)))
    span.show(documents=[_document(passage) for passage in evidence])


@contextmanager
def tool_span(context: LaneContext, name: str, arguments: Mapping[str, Any]) -> Generator[Span]:
    """Around one use of a tool."""
    with _telemetry(context).span(
        "execute_tool",
        name,
        tool=name,
        tool_type="function",
        data_classes=context.caller.context.data_classes,
    ) as span:
        span.show(arguments=dict(arguments))
        yield span


def tool_told(span: Span, outcome: ToolOutcome) -> ToolOutcome:
    """What came of it as it is, told to its span."""
    if outcome.fault:
        span.fail("parse_error", outcome.fault)
    else:
        span.show(result=outcome.text)
    return outcome


def _telemetry(context: LaneContext) -> Telemetry:
    return context.caller.calling.telemetry


def _document(passage: Evidence) -> dict[str, Any]:
    score = passage.scores.get("rrf", next(iter(passage.scores.values()), 0.0))
    return {"id": passage.chunk_id, "score": score, "content": passage.text, "source": passage.source}
