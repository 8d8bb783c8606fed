"""Spans and metrics of runs and calls. Off unless asked for: `OFF` does nothing and imports nothing.

The headers of a request under way are a context variable: an engine sends them along without knowing who traces.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

Locality = Literal["local", "remote"]
"""Whether a collector runs on this machine."""
MayLeave = Callable[[Sequence[str], Locality], bool]
"""Whether text of these data classes may be shown to a collector on this machine or beyond it."""

_incoming: ContextVar[str] = ContextVar("pilotfish_incoming_traceparent", default="")
_outgoing: ContextVar[Mapping[str, str]] = ContextVar("pilotfish_outgoing_headers", default={})  # noqa: B039 - never written to


class Span:
    """A piece of work under way. This one goes nowhere."""

    traceparent: str = ""
    """Its W3C trace context; empty where nothing is traced."""

    def set(self, **attributes: Any) -> None:
        """Add what became known; names are Python's, `tracing.semconv` maps them to attribute names."""

    def show(self, **texts: Any) -> None:
        """Add message content: kept only where that is asked for, and the span's data classes may be shown."""

    def fail(self, kind: str, detail: str = "") -> None:
        """Mark it as failed; `kind` becomes `error.type`. The detail may quote content, and is treated as such."""

    def link(self, traceparent: str) -> None:
        """Point at a span of another trace that this one goes on from."""


class Telemetry:
    """Where spans and measurements go. This one keeps none."""

    on: bool = False
    """Whether anything is kept; what costs something to find out need not be, where nothing is."""

    @contextmanager
    def span(self, operation: str, name: str = "", **attributes: Any) -> Generator[Span]:  # noqa: ARG002 - the signature of those that do
        """A span around a block; `operation` is one of `tracing.semconv.OPERATIONS`."""
        yield _NOWHERE

    def about(self, **attributes: Any) -> Telemetry:  # noqa: ARG002 - the signature of those that do
        """The same, with these attributes on every span."""
        return self

    def under(self, may_leave: MayLeave) -> Telemetry:  # noqa: ARG002 - the signature of those that do
        """The same, showing content only as far as `may_leave` allows. Without this none is shown."""
        return self

    def count_call(self, attributes: Mapping[str, Any]) -> None:
        """Measure a finished model call: tokens and duration."""

    def flush(self, *, timeout_s: float = 2.0) -> bool:  # noqa: ARG002 - the signature of those that do
        """Send what is still waiting; False where it was not sent in time, or not at all."""
        return True


_NOWHERE = Span()
OFF = Telemetry()


@contextmanager
def carried_from(environment: Mapping[str, str]) -> Generator[None]:
    """Within it, a trace that begins goes on from the `TRACEPARENT` of an environment: for a command, not a server."""
    token = _incoming.set(environment.get("TRACEPARENT", ""))
    try:
        yield
    finally:
        _incoming.reset(token)


def incoming_traceparent() -> str:
    """The trace context this process was started under; empty where there is none."""
    return _incoming.get()


@contextmanager
def sending(headers: Mapping[str, str]) -> Generator[None]:
    """Within it, requests to models carry these headers."""
    token = _outgoing.set(headers)
    try:
        yield
    finally:
        _outgoing.reset(token)


def outgoing_headers() -> Mapping[str, str]:
    """The W3C headers that a request made now should carry; none where nothing is traced."""
    return _outgoing.get()
