"""The planner's answer: the route, its alternatives and its sources, or what is missing, wrong or impossible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..agents.plan import Plan
from ..agents.result import Answer, Result, RunStatus, SubtaskResult
from ..tools.sea_network import LonLat
from .limits import Limit
from .optimiser import Optimum
from .ports import find_port
from .reading import FIELDS, Reading
from .shipping_tools import reading_of, solve
from .voyage import Voyage

_MOST_FACTS = 60


def answer_shipping(task: str, plan: Plan, results: Mapping[str, SubtaskResult], /) -> Answer:
    """The synthesis of a shipping run; `extra` holds the JSON of the public contract."""
    (read,) = (subtask for subtask in plan if subtask.id == "read")
    said = results["read"].value
    reading = reading_of(task, str(read.arguments["today"]), said)
    if reading.query is None:
        return _unread(reading)
    routes = results.get("routes")
    if routes is None or routes.value is None:
        reason = "the plan has no routes" if routes is None else routes.verdict.reason
        return _without_route(reading, "failed", f"No route could be computed: {reason}.")
    optimum = solve(routes.value)
    message = _message(reading, optimum)
    status: RunStatus = "answered" if optimum.best else "infeasible"
    return Answer(text=message, status=status, extra=_extra(reading, optimum, message, overruled(results)))


def overruled(results: Mapping[str, SubtaskResult]) -> list[str]:
    """What the small model said where a tool took over, and why."""
    return [
        f"{result.id}: {step.detail}"
        for result in results.values()
        for step in result.escalations
        if step.target == "tool"
    ]


def voyages_of(result: Result) -> tuple[list[Voyage], dict[str, LonLat]] | None:
    """The ways shown, the best first, with their coordinates, and the two ports by name; None without a route."""
    routes = next((subtask for subtask in result.subtasks if subtask.id == "routes"), None)
    if routes is None or routes.value is None:
        return None
    optimum = solve(routes.value)
    voyages = [*([optimum.best] if optimum.best else []), *optimum.alternatives]
    ends = [find_port(result.extra["query"][end]) for end in ("origin", "destination")]
    return (voyages, {port.name: (port.lon, port.lat) for port in ends}) if voyages else None


def _unread(reading: Reading) -> Answer:
    status: RunStatus = "needs_input" if reading.status == "needs_input" else "refused"
    return _without_route(reading, status, reading.message)


def _without_route(reading: Reading, status: RunStatus, message: str) -> Answer:
    extra = {
        "message": message,
        "query": _query(reading),
        "route": None,
        "alternatives": [],
        "missing": list(reading.missing),
        "ambiguous": list(reading.ambiguous),
    }
    return Answer(text=message, status=status, extra=extra)


def _extra(reading: Reading, optimum: Optimum, message: str, notes: list[str]) -> dict[str, Any]:
    shown = optimum.shown
    return {
        "message": message,
        "query": _query(reading),
        # When nothing is feasible this is the nearest miss, and says so in `feasible` and `rejected`.
        "route": shown.as_json() if shown else None,
        "alternatives": [voyage.as_json() for voyage in optimum.alternatives if voyage is not shown],
        "relaxation": optimum.relaxation,
        "assumptions": [*reading.notes, *optimum.assumptions],
        "overruled": notes,
        "options": optimum.options,
        "facts": [_fact(limit) for limit in optimum.limits[:_MOST_FACTS]],
    }


def _query(reading: Reading) -> dict[str, Any]:
    return {name: reading.partial.get(name) for name in FIELDS}


def _fact(limit: Limit) -> dict[str, Any]:
    keys = ("subject", "name", "value", "unit", "date", "source", "simulated", "quote", "document")
    data = limit.as_json()
    return {key: data[key] for key in keys}


def _message(reading: Reading, optimum: Optimum) -> str:
    assert reading.query is not None  # noqa: S101 - the caller has checked it
    ends = f"{_name(reading.query.origin)} to {_name(reading.query.destination)}"
    best = optimum.best
    if best is None:
        return f"Infeasible: no way from {ends} keeps every limit. {_sentence(optimum.relaxation or '')}"
    return (
        f"Given these constraints, the optimal route from {ends} is by the {_way(best)} at {best.speed_kn:g} knots: "
        f"{best.distance_nm:,.0f} nm, {best.days:.1f} days{_arrival(best.eta)}, ${best.cost_usd['total']:,.0f}, "
        f"{best.co2_t:,.0f} t CO2.{_binding(best)}"
    )


def _binding(voyage: Voyage) -> str:
    binding = voyage.binding
    if binding is None or binding.limit is None:
        return ""
    return (
        f" The binding constraint is the {binding.name}, with {binding.slack:,.2f} {binding.unit} to spare."
    )


def _arrival(eta: date | None) -> str:
    return f", arriving {eta.isoformat()}" if eta else ""


def _way(voyage: Voyage) -> str:
    return "direct way" if voyage.label == "direct" else voyage.label


def _name(locode: str) -> str:
    return find_port(locode).label()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")
