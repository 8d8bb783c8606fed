"""The planner's own tools and checks: reading corrected by the request's words, routes, and the exact choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ..agents.attempt import Attempt, Verdict
from ..router.subtask import Subtask
from ..tools.errors import ToolInputError
from ..tools.sea_network import LonLat, load_ports
from .optimiser import Optimum, optimise
from .ports import Port, distance_km, find_port
from .reading import Reading
from .reading_model import check_reading
from .request import candidates
from .voyage import Voyage
from .voyage_constraints import Constraints, read_constraints
from .voyage_query import VoyageQuery

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from ..agents.verifier import CheckFunction

_SAME_PLACE_KM = 100.0
OPTION_NAMES = ("A", "B", "C", "D", "E")
READING_CHECK = "words of the request"
ROUTE_CHECK = "optimiser"


def tools() -> list[BaseTool]:
    """`read_shipping_request`, `find_routes` and `choose_route` as langchain-core tools."""
    from langchain_core.tools import StructuredTool

    here = {"pilotfish.locality": "local"}
    return [
        StructuredTool.from_function(read_shipping_request, metadata=here),
        StructuredTool.from_function(find_routes, response_format="content_and_artifact", metadata=here),
        StructuredTool.from_function(choose_route, metadata=here),
    ]


def checks() -> dict[str, CheckFunction]:
    """The planner's verifiers by name."""
    return {READING_CHECK: check_words, ROUTE_CHECK: check_choice}


def reading_of(request: str, today: str, said: Any) -> Reading:
    """The reading that `said`, a model's or a corrected one, comes to under the words of the request."""
    found = candidates(request, today=date.fromisoformat(today))
    return check_reading(found, said if isinstance(said, Mapping) else None)


def read_shipping_request(request: str, today: str, said: Any = None) -> dict[str, Any]:
    """The form of a shipping request, filled in by its words; `said` only fills what they leave open."""
    return reading_of(request, today, said).partial


def check_words(subtask: Subtask, attempt: Attempt) -> Verdict:
    """Whether a reading says what the words of the request say."""
    reading = reading_of(subtask.arguments["request"], subtask.arguments["today"], attempt.value)
    if not reading.corrections:
        return Verdict(status="pass", reason="the words of the request say the same", checked=READING_CHECK)
    said = "; ".join(
        f"{each.field} read as {_shown(each.model)}, it is {_shown(each.cue)}" for each in reading.corrections
    )
    return Verdict(status="fail", reason=said, checked=READING_CHECK)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "not said" if value is None else str(value)


def find_routes(
    request: str, today: str, said: Any, evidence: list[list[dict[str, Any]]]
) -> tuple[str, dict[str, Any]]:
    """The ways between the ports of a request, each checked against the limits that the evidence states."""
    reading = reading_of(request, today, said)
    if reading.query is None:
        raise ToolInputError(reading.message)
    constraints = _constraints(evidence)
    found = {
        "request": request,
        "today": today,
        "said": reading.partial,
        "constraints": constraints.as_json(),
    }
    options = option_table(solve(found))
    return "\n".join(f"{name}: {text}" for name, (_, text) in options.items()), found


def solve(routes: Mapping[str, Any]) -> Optimum:
    """The optimum for what `find_routes` found; the same data give the same optimum."""
    reading = reading_of(routes["request"], routes["today"], routes["said"])
    if reading.query is None:
        raise ToolInputError(reading.message)
    constraints = Constraints.from_json(routes["constraints"])
    day = date.fromisoformat(routes["today"])
    return optimise(reading.query, constraints, places(reading.query), today=day)


def places(query: VoyageQuery) -> dict[str, LonLat]:
    """Where a port lies, (lon, lat), when the sea lanes' own table lacks it or has it somewhere else."""
    ports = [find_port(code) for code in (query.origin, query.destination)]
    return {port.locode: (port.lon, port.lat) for port in ports if not _is_in_table(port)}


def _is_in_table(port: Port) -> bool:
    listed = load_ports().get(port.locode)
    return listed is not None and distance_km(listed.lat, listed.lon, port.lat, port.lon) < _SAME_PLACE_KM


def option_table(optimum: Optimum) -> dict[str, tuple[Voyage, str]]:
    """Every way shown, under a letter in order of its name, so that the place in the list tells nothing."""
    shown = [*([optimum.best] if optimum.best else []), *optimum.alternatives]
    named = zip(OPTION_NAMES, sorted(shown, key=lambda each: (each.label, each.speed_kn)), strict=False)
    return {name: (voyage, _option(voyage)) for name, voyage in named}


def choose_route(routes: dict[str, Any]) -> dict[str, str]:
    """The letter of the optimal route, by exact enumeration; `none` when nothing is feasible."""
    return {"choice": _best_letter(solve(routes))}


def check_choice(subtask: Subtask, attempt: Attempt) -> Verdict:
    """Whether the chosen option is the optimiser's."""
    optimum = solve(subtask.arguments["routes"])
    best = _best_letter(optimum)
    chosen = attempt.value.get("choice") if isinstance(attempt.value, Mapping) else None
    if chosen == best:
        why = f"{best} is the cheapest of {optimum.options} voyages that keeps every limit"
        return Verdict(
            status="pass", reason=why if optimum.best else "no way is feasible", checked=ROUTE_CHECK
        )
    options = option_table(optimum)
    fault = (options[chosen][0].rejected or "") if chosen in options else "a way is feasible"
    return Verdict(
        status="fail", reason=f"chose {chosen}, the optimum is {best}: {fault}", checked=ROUTE_CHECK
    )


def _best_letter(optimum: Optimum) -> str:
    return next(
        (name for name, (voyage, _) in option_table(optimum).items() if voyage is optimum.best), "none"
    )


def _option(voyage: Voyage) -> str:
    broken = "; ".join(check.reason for check in voyage.violations)
    arrival = f"arrives {voyage.eta.isoformat()}" if voyage.eta else f"takes {voyage.days:.1f} days"
    keeps = f"breaks a limit: {broken}" if broken else "keeps every limit"
    return f"{voyage.label}, costs ${voyage.cost_usd['total']:,.0f}, {arrival}, {keeps}"


def _constraints(evidence: Sequence[Sequence[Mapping[str, Any]] | None]) -> Constraints:
    passages = {
        passage["chunk_id"]: (passage["text"], passage["source"], passage["heading"] or "")
        for found in evidence
        for passage in found or ()
    }
    return read_constraints(passages.values())
