"""The exact optimiser: every corridor at every speed, checked against every limit; the cheapest to keep all wins.

It sees the query, the retrieved constraints and the sea lanes, nothing else. It explains itself: why each other way was
rejected, what binds, and, when nothing is feasible, the smallest relaxation that would do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ..tools.sea_network import PASSAGES, LonLat
from .costs import (
    VesselClass,
    area_miles,
    bill_voyage,
    choose_class,
    figures_used,
    missing_prices,
    vessel_classes,
)
from .limits import Limit
from .voyage import Voyage
from .voyage_checks import Passing, check_voyage, departure, sail
from .voyage_constraints import Constraints
from .voyage_corridors import GATES, Corridor, find_corridors
from .voyage_query import VoyageQuery
from .voyage_relaxation import explain_infeasible

SPEEDS_KN = tuple(12.0 + step / 2 for step in range(21))
"""Speeds tried, 12 to 22 knots, as far as the vessel goes."""
MIN_ALTERNATIVES, MAX_ALTERNATIVES = 2, 3
"""Ways shown beside the chosen one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """What the optimiser found."""

    best: Voyage | None
    """The cheapest feasible voyage; None if there is none."""
    alternatives: tuple[Voyage, ...]
    """Other ways, each at its own best speed and with the reason why it was rejected, the nearest miss first."""
    relaxation: str | None
    """When infeasible: the smallest change of the request that would do."""
    assumptions: tuple[str, ...]
    """What the request left open and how it was filled in."""
    limits: tuple[Limit, ...]
    """The figures behind the checks and costs of every voyage shown: what there is to cite."""
    options: int
    """Voyages enumerated."""

    @property
    def shown(self) -> Voyage | None:
        """The best voyage or, when nothing is feasible, the nearest miss."""
        return self.best or next(iter(self.alternatives), None)


def optimise(
    query: VoyageQuery, constraints: Constraints, ports: Mapping[str, LonLat] | None = None, *, today: date
) -> Optimum:
    """The cheapest voyage that keeps every limit; ties go to the shorter time, then to the label.

    `ports` gives (lon, lat) of LOCODEs where searoute's own are not wanted. `today` decides which emission areas are in
    force and which passages are closed when the query names no ready date. `ToolInputError` for a port that is unknown
    or inland.
    """
    vessel = choose_class(query, constraints)
    missing = missing_prices(query, constraints)
    if vessel is None or missing:
        return _no_options(query, constraints, missing)
    voyages = enumerate_voyages(query, constraints, vessel, ports, today=today)
    feasible = sorted((each for each in voyages if each.feasible), key=_cost_key)
    best = feasible[0] if feasible else None
    alternatives = _choose_alternatives(voyages, best)
    relaxation = None if best else explain_infeasible(query, voyages)
    return Optimum(
        best=best,
        alternatives=tuple(alternatives),
        relaxation=relaxation,
        assumptions=tuple(_assumptions(query, constraints, vessel, today)),
        limits=_cited(query, constraints, vessel, [*([best] if best else []), *alternatives]),
        options=len(voyages),
    )


def enumerate_voyages(
    query: VoyageQuery,
    constraints: Constraints,
    vessel: VesselClass,
    ports: Mapping[str, LonLat] | None = None,
    *,
    today: date,
) -> list[Voyage]:
    """Every corridor at every speed of the vessel, lightened where she is too deep and that is offered."""
    places = [(ports or {}).get(place, place) for place in (query.origin, query.destination)]
    shut = [
        each for each in PASSAGES if (status := constraints.find(each, "status")) and status.unit != "open"
    ]
    speeds = [speed for speed in SPEEDS_KN if speed <= vessel.max_kn] or [SPEEDS_KN[0]]
    return [
        _voyage(
            query,
            constraints,
            vessel,
            corridor,
            sail(query, constraints, vessel, corridor, speed, today=today),
        )
        for corridor in find_corridors(*places, avoid=[*query.avoid, *shut])
        for speed in speeds
    ]


def _voyage(
    query: VoyageQuery, constraints: Constraints, vessel: VesselClass, corridor: Corridor, passing: Passing
) -> Voyage:
    bill = bill_voyage(
        query,
        corridor,
        vessel,
        constraints,
        speed_kn=passing.speed_kn,
        idle_days=passing.idle_days,
        transfer_teu=passing.transfer_teu,
        day=passing.start,
    )
    eta = passing.start + timedelta(days=math.ceil(passing.days - 1e-9)) if query.ready else None
    lightened = f" with {math.ceil(passing.transfer_teu):,} TEU by rail" if passing.transfer_teu else ""
    return Voyage(
        label=corridor.label + lightened,
        passages=corridor.route.passages,
        distance_nm=corridor.route.distance_nm,
        speed_kn=passing.speed_kn,
        days=passing.days,
        waiting_days=passing.waiting_days,
        eta=eta,
        vessel_class=vessel.name,
        fuel_t=bill.fuel_t,
        areas=tuple(area for area in corridor.area_nm if area in constraints.areas_in_force(passing.start)),
        area_nm=area_miles(corridor, constraints, passing.start),
        transfer_teu=passing.transfer_teu,
        co2_t=bill.co2_t,
        cost_usd=bill.cost_usd,
        checks=tuple(check_voyage(query, constraints, vessel, corridor, passing, bill.cost_usd["total"])),
        coordinates=corridor.route.coordinates,
    )


def _cost_key(voyage: Voyage) -> tuple[float, float, str, float]:
    return (voyage.cost_usd["total"], voyage.days, voyage.label, voyage.speed_kn)


def _miss_key(voyage: Voyage) -> tuple[int, float, float, tuple[float, float, str, float]]:
    """Feasible first, then by how many limits are broken, then by how far the dates are missed, then by cost."""
    late = sum(-check.slack for check in voyage.violations if check.kind == "arrive_by")
    broken = sum(-check.tightness for check in voyage.violations)
    return (len(voyage.violations), late, broken if voyage.violations else 0.0, _cost_key(voyage))


def _choose_alternatives(voyages: Sequence[Voyage], best: Voyage | None) -> list[Voyage]:
    """The best voyage of each other corridor, great corridors first; other speeds if there is but one corridor."""
    by_label: dict[str, Voyage] = {}
    for voyage in sorted(voyages, key=_miss_key):
        by_label.setdefault(voyage.label, voyage)
    others = [voyage for label, voyage in by_label.items() if best is None or label != best.label]
    leaders: dict[tuple[str, ...], Voyage] = {} if best is None else {_gates(best): best}
    for voyage in others:
        leaders.setdefault(_gates(voyage), voyage)
    chosen = [voyage for voyage in others if voyage in leaders.values()]
    chosen += [voyage for voyage in others if voyage not in chosen]
    if len(chosen) < MIN_ALTERNATIVES:
        chosen += (
            _other_speeds(voyages, best or chosen[0])[: MIN_ALTERNATIVES - len(chosen)] if voyages else []
        )
    picked = sorted(chosen[:MAX_ALTERNATIVES], key=_miss_key)
    return [replace(voyage, rejected=_why(voyage, best)) for voyage in picked]


def _gates(voyage: Voyage) -> tuple[str, ...]:
    return tuple(name for name in voyage.passages if name in GATES)


def _other_speeds(voyages: Iterable[Voyage], shown: Voyage) -> list[Voyage]:
    """The fastest, the slowest and the middle voyage by the same way, under names of their own."""
    same = sorted((each for each in voyages if each.label == shown.label), key=lambda each: each.speed_kn)
    others = [each for each in same if each.speed_kn != shown.speed_kn]
    picked = dict.fromkeys(others[index].speed_kn for index in (-1, 0, len(others) // 2)) if others else {}
    return [
        replace(voyage, label=f"{voyage.label} at {speed:g} kn")
        for speed in picked
        for voyage in others
        if voyage.speed_kn == speed
    ]


def _why(voyage: Voyage, best: Voyage | None) -> str:
    """Why a voyage was rejected."""
    if voyage.violations:
        return "; ".join(check.reason for check in voyage.violations)
    if best is None:
        return "no way is feasible"
    dearer = voyage.cost_usd["total"] - best.cost_usd["total"]
    later = voyage.days - best.days
    time = f"{abs(later):.1f} days {'later' if later > 0 else 'sooner'}" if abs(later) >= 0.05 else "as soon"
    return f"costs ${dearer:,.0f} more and arrives {time}"


def _cited(
    query: VoyageQuery, constraints: Constraints, vessel: VesselClass, voyages: Sequence[Voyage]
) -> tuple[Limit, ...]:
    """The figures behind their checks and costs, each once, with the emission areas in force that they cross."""
    checks = [check.source for each in voyages for check in each.checks if check.source]
    passages = list(dict.fromkeys(passage for each in voyages for passage in each.passages))
    areas = [f"eca {area}" for area in sorted({area for each in voyages for area in each.areas})]
    found = [limit for area in areas if (limit := constraints.find(area, "sulphur_percent"))]
    return tuple(dict.fromkeys([*checks, *figures_used(query, passages, vessel, constraints), *found]))


def _assumptions(
    query: VoyageQuery, constraints: Constraints, vessel: VesselClass, today: date
) -> Iterable[str]:
    complete = {f"class {each.name}" for each in vessel_classes(constraints)}
    if partial := [each for each in constraints.subjects("class") if each not in complete]:
        yield f"left out for want of figures: {', '.join(partial)}"
    if query.teu is None:
        yield f"no container count given: a ship of the {vessel.name} class, {vessel.capacity_teu:,.0f} TEU, is assumed"
    if query.draft_m is None:
        yield f"no draft given: the design draft of the {vessel.name} class, {vessel.design_draft_m:g} m, is assumed"
    elif query.draft_m > vessel.design_draft_m:
        yield f"{query.draft_m:g} m is deeper than the {vessel.name} class is designed for, whose costs are taken"
    if query.ready is None:
        yield f"no ready date given: days are relative, closures and emission areas are those of {today.isoformat()}"
        if query.arrive_by is not None:
            yield f"no ready date given: for the latest arrival, departure on {today.isoformat()} is assumed"
    elif (start := departure(query, today)) != query.ready:
        yield f"the ready date {query.ready.isoformat()} has gone by: departure on {start.isoformat()} is assumed"


def _no_options(query: VoyageQuery, constraints: Constraints, missing: Sequence[str]) -> Optimum:
    classes = vessel_classes(constraints)
    if missing or not classes:
        lacking = ", ".join([*missing, *([] if classes else ["vessel classes"])])
        relaxation = f"nothing can be costed: the corpus gives no {lacking}; add a dated figure for it"
    else:
        most = classes[-1].capacity_teu
        relaxation = f"no ship carries {query.teu:,} TEU: send {most:,.0f} TEU or fewer in one voyage"
    return Optimum(best=None, alternatives=(), relaxation=relaxation, assumptions=(), limits=(), options=0)
