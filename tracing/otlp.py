"""A collector at an address, by OTLP over HTTP: the OpenTelemetry SDK's own exporters, kept from disturbing a run.

What goes wrong on the way is said once, as a warning, and never raised. The environment variables that OpenTelemetry
defines for its exporters (`OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT`, `…_CERTIFICATE`) and resources hold.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

logger = logging.getLogger(__name__)

_EVERY_MS = 1000
"""How often spans are sent: a viewer follows a run, and trouble is known before the run ends."""
_NO_METRICS = (404, 405, 415, 501)
"""What a viewer of traces only answers to metrics; that is no trouble."""
_TROUBLED_WAIT_S = 0.2


class Collector:
    """One collector: the providers that send to it, and whether it was reached."""

    def __init__(self, endpoint: str, *, loopback: bool) -> None:
        self.endpoint = endpoint
        self._warned = False
        self._troubled = False
        self._takes_metrics = True
        self._settled = threading.Event()
        service = {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "pilotfish"),
            "service.version": version("pilotfish"),
        }
        resource = Resource.create(service)
        spans = _Spans(self, endpoint=f"{endpoint}/v1/traces", session=_session(loopback=loopback))
        # Their own way of stopping at exit may wait half a minute for a collector that is not there.
        self.tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=_EVERY_MS))
        measures = _Measures(self, endpoint=f"{endpoint}/v1/metrics", session=_session(loopback=loopback))
        self.meter_provider = MeterProvider(
            [PeriodicExportingMetricReader(measures)], resource=resource, shutdown_on_exit=False
        )
        atexit.register(self.flush)

    def flush(self, *, timeout_s: float = 2.0) -> bool:
        """Send what is waiting. It returns at the first sign of trouble, and after `timeout_s` at the latest."""
        limit = min(timeout_s, _TROUBLED_WAIT_S) if self._troubled else timeout_s
        self._settled.clear()
        sent = threading.Event()

        def send() -> None:
            self.tracer_provider.force_flush()
            if self._takes_metrics and not self._troubled:
                self.meter_provider.force_flush()
            sent.set()
            self._settled.set()

        threading.Thread(target=send, name="pilotfish-flush", daemon=True).start()
        self._settled.wait(limit)
        return sent.is_set() and not self._troubled

    def close(self) -> None:
        """Send what is waiting and stop its threads; nothing is sent any more."""
        self.flush()
        atexit.unregister(self.flush)
        for provider in (self.tracer_provider, self.meter_provider):
            threading.Thread(target=provider.shutdown, daemon=True).start()

    @contextmanager
    def sending(self) -> Generator[None]:
        """Around one export: what the exporter logs meanwhile is heard here, and by nobody else."""
        token = _sending.set(self)
        try:
            yield
        finally:
            _sending.reset(token)

    def delivered(self) -> None:
        """It was reached."""
        self._troubled = False

    def hear(self, record: logging.LogRecord) -> None:
        """The exporter complains. The first time that is told; a viewer without metrics is no trouble."""
        code = next((arg for arg in record.args or () if isinstance(arg, int)), None)
        if "metric" in record.name and code in _NO_METRICS:
            self._takes_metrics = False
            return
        self._troubled = True
        if not self._warned:
            self._warned = True
            fault = next((arg for arg in record.args or () if isinstance(arg, BaseException)), None)
            why = type(fault).__name__ if fault else f"HTTP {code}" if code else "it did not answer"
            logger.warning(
                "traces do not reach %r (%s); runs go on without them. Check that a collector takes OTLP over HTTP "
                "there, or unset PILOTFISH_OTLP_ENDPOINT",
                self.endpoint,
                why,
            )
        self._settled.set()  # last: who waits may end the process, and this thread with it


_sending: ContextVar[Collector | None] = ContextVar("pilotfish_sending", default=None)


class _Ear(logging.Filter):
    """Takes what an exporter's logger says while it sends for us; what it says for others goes where it would have."""

    def __init__(self, ours: logging.Logger) -> None:
        super().__init__()
        self._logger = ours
        self._level = ours.level
        # The first sign of trouble is a warning, which a process that shows errors only would not even make.
        ours.setLevel(min(ours.level or logging.WARNING, logging.WARNING))

    def filter(self, record: logging.LogRecord) -> bool:
        collector = _sending.get()
        if collector is not None:
            collector.hear(record)
            return False
        above = self._logger.parent or self._logger
        return record.levelno >= (self._level or above.getEffectiveLevel())


class _Spans(OTLPSpanExporter):
    def __init__(self, collector: Collector, **options: Any) -> None:
        super().__init__(**options)
        self._collector = collector

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._collector.sending():
            result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._collector.delivered()
        return result


class _Measures(OTLPMetricExporter):
    def __init__(self, collector: Collector, **options: Any) -> None:
        super().__init__(**options)
        self._collector = collector

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        with self._collector.sending():
            return super().export(metrics_data, timeout_millis, **kwargs)


def _session(*, loopback: bool) -> requests.Session:
    """A session that goes where it is told: not on to where it is redirected, nor past the loopback by a proxy."""
    session = requests.Session()
    session.max_redirects = 0
    session.trust_env = not loopback
    return session


for _exporter in (OTLPSpanExporter, OTLPMetricExporter):
    _logger = logging.getLogger(_exporter.__module__)
    _logger.addFilter(_Ear(_logger))
