"""A collector for tests: an HTTP server on the loopback that takes OTLP, and keeps spans and measurements decoded."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """One span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    kind: int
    """As OTLP numbers them: 1 internal, 3 client."""
    attributes: Mapping[str, Any]
    status: int
    """0 unset, 1 ok, 2 error."""
    status_message: str
    events: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    """(trace id, span id) of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMeasure:
    """One data point of a histogram as it arrived."""

    name: str
    unit: str
    count: int
    total: float
    attributes: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class OtlpReceiver:
    """What arrived. Spans are kept in the order of arrival, which is that of their ends."""

    endpoint: str
    spans: list[ReceivedSpan] = field(default_factory=list[ReceivedSpan])
    measures: list[ReceivedMeasure] = field(default_factory=list[ReceivedMeasure])
    """Of the latest request: totals since the sender began."""
    bodies: list[bytes] = field(default_factory=list[bytes])
    """Every request's body as sent, to search for what must not be there."""
    resource: dict[str, Any] = field(default_factory=dict[str, Any])
    status: dict[str, int] = field(default_factory=dict[str, int])
    """What `traces` or `metrics` are answered with, instead of 200 and being kept."""
    location: str = ""
    """Sent along as `Location`, for a status that redirects."""

    def named(self, start: str) -> list[ReceivedSpan]:
        """The spans whose name begins with this."""
        return [span for span in self.spans if span.name.startswith(start)]

    def one(self, start: str) -> ReceivedSpan:
        """The one span whose name begins with this; any other number is an error that lists what there is."""
        found = self.named(start)
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans begin with {start!r}: {[s.name for s in self.spans]}")
        return found[0]

    def parent(self, span: ReceivedSpan) -> ReceivedSpan | None:
        """The span it was made in, if that arrived."""
        return next((each for each in self.spans if each.span_id == span.parent_id), None)

    def take(self, path: str, body: bytes) -> None:
        """Take one request."""
        self.bodies.append(body)
        if path.endswith("/v1/traces"):
            self._take_spans(ExportTraceServiceRequest.FromString(body))
        elif path.endswith("/v1/metrics"):
            self._take_measures(ExportMetricsServiceRequest.FromString(body))

    def _take_spans(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            self.resource = _plain(group.resource.attributes)
            self.spans += [_span(span) for scope in group.scope_spans for span in scope.spans]

    def _take_measures(self, request: ExportMetricsServiceRequest) -> None:
        metrics = [m for g in request.resource_metrics for s in g.scope_metrics for m in s.metrics]
        self.measures = [
            ReceivedMeasure(
                name=metric.name,
                unit=metric.unit,
                count=point.count,
                total=point.sum,
                attributes=_plain(point.attributes),
            )
            for metric in metrics
            for point in metric.histogram.data_points
        ]


@contextmanager
def otlp_receiver() -> Generator[OtlpReceiver]:
    """A receiver that listens until the block is left; its `endpoint` is what `PILOTFISH_OTLP_ENDPOINT` wants."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.status.get(self.path.rpartition("/")[2], 200)
            if status == 200:
                receiver.take(self.path, body)
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", f"{receiver.location}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's names
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = OtlpReceiver(endpoint=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _span(span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        attributes=_plain(span.attributes),
        status=span.status.code,
        status_message=span.status.message,
        events=tuple(event.name for event in span.events),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)
