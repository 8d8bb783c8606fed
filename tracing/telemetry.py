"""Spans and metrics of runs and calls. Off unless asked for: `OFF` does nothing and imports nothing."""

from __future__ import annotations

from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any


class Span:
    """A piece of work under way. This one goes nowhere."""

    def set(self, **attributes: Any) -> None:
        """Add what became known; names are Python's, `tracing.semconv` maps them to attribute names."""

    def fail(self, kind: str, detail: str = "") -> None:
        """Mark it as failed; `kind` becomes `error.type`."""


class Telemetry:
    """Where spans and measurements go. This one keeps none."""

    @contextmanager
    def span(self, operation: str, name: str = "", **attributes: Any) -> Generator[Span]:  # noqa: ARG002 - the signature of those that do
        """A span around a block; `operation` is one of `tracing.semconv`'s."""
        yield Span()

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write the W3C trace context into the headers of a request that leaves this process."""

    def count_call(self, attributes: Mapping[str, Any]) -> None:
        """Measure a finished model call: tokens and duration."""


OFF = Telemetry()
