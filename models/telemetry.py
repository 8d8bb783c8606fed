"""Where an agent's spans go, by what it was given or the settings say, and what of its text may go with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..tracing.telemetry import OFF, Locality, Telemetry
from .data_policy import DataPolicy
from .load import is_loopback
from .settings import Settings


def telemetry_of(settings: Settings, given: Telemetry | None, data_policy: DataPolicy) -> Telemetry:
    """The telemetry given, else to the collector in the settings, else none; under the data policy.

    Raises `UsageError` where the settings name a collector and OpenTelemetry is not installed.
    """
    telemetry = given or OFF
    if given is None and settings.otlp_endpoint is not None:
        from ..tracing.otel import open_telemetry

        telemetry = open_telemetry(
            settings.otlp_endpoint,
            content=settings.trace_content,
            locality="local" if is_loopback(settings.otlp_endpoint) else "remote",
        )
    return telemetry.under(partial(_may_leave, data_policy))


def _may_leave(data_policy: DataPolicy, data_classes: Sequence[str], where: Locality) -> bool:
    """A collector keeps what it is sent, so what the ledger may not keep is not sent either."""
    return data_policy.keeps_content(data_classes) and not data_policy.refusal(data_classes, locality=where)
