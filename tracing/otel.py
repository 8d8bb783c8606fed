"""Telemetry by OpenTelemetry: spans and metrics to the providers you give, or to a collector by its address.

It adds no text of users, documents or models unless `content` is asked for, and then only what may be shown there; nor
does it let OpenTelemetry keep an exception's message or traceback, which quote such text.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from .. import UsageError
from .semconv import (
    CONTENT,
    MEASURED,
    OPERATION_DURATION,
    OPERATION_DURATION_BOUNDARIES,
    OWN_CONTENT,
    TOKEN_USAGE,
    TOKEN_USAGE_BOUNDARIES,
    attribute_name,
    span_name,
)
from .telemetry import Locality, MayLeave, Span, Telemetry, incoming_traceparent, sending

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise UsageError(
        f"OpenTelemetry is not installed ({error}); install it with: pip install 'pilotfish[otel]'"
    ) from None

if TYPE_CHECKING:
    from .otlp import Collector

_NAME = "pilotfish"
_MOST_CHARS = 16_384
"""Of one text on a span: collectors refuse what is much larger, and the whole of it is in the ledger."""
_W3C = TraceContextTextMapPropagator()


def _nothing(_data_classes: object, _where: object) -> bool:
    """Nobody said what may be shown."""
    return False


class OtelTelemetry(Telemetry):
    """Spans and metrics through OpenTelemetry providers; None takes the process-wide ones.

    Args:
        tracer_provider: where spans go.
        meter_provider: where measurements go.
        content: whether prompts, answers, passages and arguments go with the spans, as far as the data policy lets
            them.
        locality: where the collector is: text of a class that must not leave this machine goes to no `remote` one.
    """

    on = True

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        *,
        content: bool = False,
        locality: Locality = "remote",
        collector: Collector | None = None,
    ) -> None:
        self.content = content
        self.locality: Locality = locality
        self._collector = collector
        self._may_leave: MayLeave = _nothing
        self._about: dict[str, Any] = {}
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._tokens = meter.create_histogram(
            TOKEN_USAGE,
            unit="{token}",
            description="Tokens of model calls.",
            explicit_bucket_boundaries_advisory=TOKEN_USAGE_BOUNDARIES,
        )
        self._duration = meter.create_histogram(
            OPERATION_DURATION,
            unit="s",
            description="Duration of model calls.",
            explicit_bucket_boundaries_advisory=OPERATION_DURATION_BOUNDARIES,
        )

    def __repr__(self) -> str:
        where = f"{self._collector.endpoint!r}" if self._collector else "your providers"
        return f"OtelTelemetry({where}, content={self.content})"

    def about(self, **attributes: Any) -> Telemetry:
        """The same, with these attributes on every span."""
        return self._with(about={**self._about, **attributes})

    def under(self, may_leave: MayLeave) -> Telemetry:
        """The same, showing content only as far as `may_leave` allows."""
        return self._with(may_leave=may_leave)

    @contextmanager
    def span(self, operation: str, name: str = "", **attributes: Any) -> Generator[Span]:
        """A span around a block. What the block raises marks it as failed, and goes on."""
        known = {**self._about, **attributes, "operation": operation}
        started = self._tracer.start_as_current_span(
            span_name(operation, name),
            context=_parent(),
            kind=trace.SpanKind.CLIENT if "server_address" in known else trace.SpanKind.INTERNAL,
            record_exception=False,
            set_status_on_exception=False,
        )
        with started as raw:
            span = _OtelSpan(raw, self)
            span.set(**known)
            try:
                with sending(_headers()) if operation == "chat" else nullcontext():
                    yield span
            except BaseException as error:
                span.fail(type(error).__qualname__, str(error))
                raise

    def count_call(self, attributes: Mapping[str, Any]) -> None:
        """Measure a finished call by its `input_tokens`, `output_tokens` and `duration_s`."""
        told = {attribute_name(name): attributes[name] for name in MEASURED if attributes.get(name)}
        self._duration.record(attributes["duration_s"], told)
        for direction in ("input", "output"):
            tokens = attributes[f"{direction}_tokens"]
            self._tokens.record(tokens, {**told, attribute_name("token_type"): direction})

    def flush(self, *, timeout_s: float = 2.0) -> bool:
        """Send what is still waiting at a collector opened from settings; your providers you flush yourself."""
        return self._collector is None or self._collector.flush(timeout_s=timeout_s)

    def close(self) -> None:
        """Send what is waiting, and stop what was opened from settings for the whole process."""
        if self._collector is not None:
            self._collector.close()
            _collector.cache_clear()

    def shows(self, data_classes: tuple[str, ...]) -> bool:
        """Whether text of these data classes goes with the spans."""
        return self.content and bool(data_classes) and self._may_leave(data_classes, self.locality)

    def _with(
        self, *, about: dict[str, Any] | None = None, may_leave: MayLeave | None = None
    ) -> OtelTelemetry:
        other = object.__new__(OtelTelemetry)
        other.__dict__.update(self.__dict__)
        other._about = self._about if about is None else about
        other._may_leave = may_leave or self._may_leave
        return other


class _OtelSpan(Span):
    def __init__(self, raw: trace.Span, telemetry: OtelTelemetry) -> None:
        self._raw = raw
        self._telemetry = telemetry
        self._shows = False
        self.traceparent = _traceparent(raw)

    def set(self, **attributes: Any) -> None:
        if "data_classes" in attributes:
            self._shows = self._telemetry.shows(tuple(attributes["data_classes"]))
        for name, value in attributes.items():
            if name in CONTENT or name in OWN_CONTENT:
                raise ValueError(f"{name!r} is content: give it to show(), which asks the data policy")
            if value not in (None, ""):
                self._raw.set_attribute(attribute_name(name), value)

    def show(self, **texts: Any) -> None:
        if not self._shows:
            if self._telemetry.content:
                self._raw.set_attribute(attribute_name("content_withheld"), True)
            return
        for name, value in texts.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            self._raw.set_attribute(attribute_name(name), _sendable(text))

    def fail(self, kind: str, detail: str = "") -> None:
        self._raw.set_attribute(attribute_name("error_type"), kind)
        told = _sendable(detail) if self._shows and detail else kind
        self._raw.set_status(trace.Status(trace.StatusCode.ERROR, told))

    def link(self, traceparent: str) -> None:
        context = trace.get_current_span(_W3C.extract({"traceparent": traceparent})).get_span_context()
        if context.is_valid:
            self._raw.add_link(context)


def open_telemetry(endpoint: str, *, content: bool, locality: Locality) -> OtelTelemetry:
    """Telemetry to a collector that takes OTLP over HTTP at `endpoint`, as `http://127.0.0.1:4318`.

    One process has one pipeline to it, whoever asks. Raises `UsageError` where the exporter is not installed.
    """
    collector = _collector(endpoint.rstrip("/"), loopback=locality == "local")
    return OtelTelemetry(
        collector.tracer_provider,
        collector.meter_provider,
        content=content,
        locality=locality,
        collector=collector,
    )


@cache
def _collector(endpoint: str, *, loopback: bool) -> Collector:
    try:
        from .otlp import Collector
    except ImportError as error:
        raise UsageError(
            f"traces cannot be sent without the OTLP exporter ({error}); "
            "install it with: pip install 'pilotfish[otel]', or unset PILOTFISH_OTLP_ENDPOINT"
        ) from None
    return Collector(endpoint, loopback=loopback)


def _parent() -> Any:
    """The context to begin in: the current one, else that of the process, else none."""
    if trace.get_current_span().get_span_context().is_valid or not incoming_traceparent():
        return None
    return _W3C.extract({"traceparent": incoming_traceparent()})


def _headers() -> dict[str, str]:
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return headers


def _traceparent(span: trace.Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _sendable(text: str) -> str:
    """UTF-8 has no halves of surrogate pairs, which a model may write."""
    return text[:_MOST_CHARS].encode("utf-8", "backslashreplace").decode()
