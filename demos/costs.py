"""What a voyage burns, emits and costs: pure functions of a corridor, a speed, a vessel class and the
constraints.

Fuel follows the propeller law, the cube of the speed (Fourth IMO GHG Study 2020, main engine). Every price, factor and
vessel figure comes from the constraints; only the list of states in the EU ETS is law and stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .limits import Limit
from .voyage_constraints import Constraints
from .voyage_corridors import Corridor
from .voyage_query import VoyageQuery

ETS_STATES = frozenset(
    "BE BG CY DE DK EE ES FI FR GR HR IE IS IT LT LV MT NL NO PL PT RO SE SI".split()  # noqa: SIM905  # reads as the list it is
)
"""Coastal states whose ports fall under the EU ETS: the European Union, Norway and Iceland (Directive (EU)
2023/959)."""
DEFAULT_CLASS = "post-panamax"
"""Vessel class of a request that gives neither containers nor draft."""
PARTS = ("fuel", "canal", "port", "charter", "risk", "ets", "transhipment")
"""What `total` adds up."""

_CLASS_FIGURES = (
    "capacity_teu",
    "design_draft_m",
    "tonnes_per_cm",
    "fuel_t_day",
    "service_kn",
    "auxiliary_t_day",
    "max_kn",
    "charter_usd_day",
    "hull_usd",
)
_PASSAGE_COSTS = ("toll_usd", "toll_usd_per_teu", "transit_hours", "war_risk_percent")
_PRICES = (
    ("vlsfo", "usd_per_tonne"),
    ("mgo", "usd_per_tonne"),
    ("vlsfo", "co2_per_tonne"),
    ("mgo", "co2_per_tonne"),
    ("ports", "call_usd"),
    ("ports", "call_usd_per_teu"),
)
_CARBON = tuple(
    ("eu_ets", name)
    for name in ("one_port_percent", "two_ports_percent", "phase_in_percent", "usd_per_tonne_co2")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselClass:
    """A class of container ship, as the corpus gives it."""

    name: str
    capacity_teu: float
    design_draft_m: float
    tonnes_per_cm: float
    """Tonnes that change the draft by a centimetre."""
    fuel_t_day: float
    """Main engine at service speed."""
    service_kn: float
    auxiliary_t_day: float
    max_kn: float
    charter_usd_day: float
    hull_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a voyage burns, emits and costs."""

    fuel_t: float
    co2_t: float
    cost_usd: Mapping[str, float]
    """By part (`PARTS`), and their `total`."""


def vessel_classes(constraints: Constraints) -> list[VesselClass]:
    """The classes all of whose figures are known, smallest first."""
    found: list[VesselClass] = []
    for subject in constraints.subjects("class"):
        if all(constraints.find(subject, name) for name in _CLASS_FIGURES):
            figures = {name: constraints.value(subject, name) for name in _CLASS_FIGURES}
            found.append(VesselClass(name=subject.removeprefix("class "), **figures))
    return sorted(found, key=lambda each: each.capacity_teu)


def choose_class(query: VoyageQuery, constraints: Constraints) -> VesselClass | None:
    """The smallest class that carries the containers; None if none does.

    Without a container count, the smallest one built for the draft, or the largest if none is; a request silent on both
    takes `DEFAULT_CLASS`.
    """
    classes = vessel_classes(constraints)
    if query.teu is not None:
        return next((each for each in classes if each.capacity_teu >= (query.teu or 0)), None)
    if query.draft_m is not None:
        fitting = (each for each in classes if each.design_draft_m >= (query.draft_m or 0.0))
        return next(fitting, classes[-1] if classes else None)
    return next((each for each in classes if each.name == DEFAULT_CLASS), classes[-1] if classes else None)


def figures_used(
    query: VoyageQuery, passages: Sequence[str], vessel: VesselClass, constraints: Constraints
) -> list[Limit]:
    """The figures a bill rests on: tolls, times and premiums of the passages, the vessel class, prices and factors."""
    keys = [(passage, name) for passage in passages for name in _PASSAGE_COSTS]
    keys += [(f"class {vessel.name}", name) for name in _CLASS_FIGURES]
    keys += [*_PRICES, *(_CARBON if ets_ports(query) else ())]
    return [limit for key in keys if (limit := constraints.find(*key)) is not None]


def ets_ports(query: VoyageQuery) -> int:
    """How many of the two ports fall under the EU ETS."""
    return sum(place[:2] in ETS_STATES for place in (query.origin, query.destination))


def missing_prices(query: VoyageQuery, constraints: Constraints) -> list[str]:
    """Prices and factors without which this voyage cannot be costed, such as `mgo usd_per_tonne`."""
    needed = _PRICES + (_CARBON if ets_ports(query) else ())
    return [f"{subject} {name}" for subject, name in needed if constraints.find(subject, name) is None]


def area_miles(corridor: Corridor, constraints: Constraints, day: date) -> float:
    """Nautical miles inside the emission areas in force on `day`."""
    in_force = constraints.areas_in_force(day)
    return sum(miles for area, miles in corridor.area_nm.items() if area in in_force)


def canal_tolls(passages: Sequence[str], vessel: VesselClass, constraints: Constraints) -> float:
    """Tolls and dues of the passages, in dollars."""
    return sum(
        constraints.value(each, "toll_usd")
        + constraints.value(each, "toll_usd_per_teu") * vessel.capacity_teu
        for each in passages
    )


def bill_voyage(
    query: VoyageQuery,
    corridor: Corridor,
    vessel: VesselClass,
    constraints: Constraints,
    *,
    speed_kn: float,
    idle_days: float,
    transfer_teu: float,
    day: date,
) -> Bill:
    """Fuel, CO2 and cost at a steady speed, with `idle_days` in canals and waiting, from `day` on."""
    miles = corridor.route.distance_nm
    sea_days = miles / speed_kn / 24
    main = vessel.fuel_t_day * (speed_kn / vessel.service_kn) ** 3 * sea_days
    low_sulphur = area_miles(corridor, constraints, day) / miles * (main + vessel.auxiliary_t_day * sea_days)
    standard = main + vessel.auxiliary_t_day * (sea_days + idle_days) - low_sulphur
    value = constraints.value
    co2 = standard * value("vlsfo", "co2_per_tonne") + low_sulphur * value("mgo", "co2_per_tonne")
    passages = corridor.route.passages
    cost = {
        "fuel": standard * value("vlsfo", "usd_per_tonne") + low_sulphur * value("mgo", "usd_per_tonne"),
        "canal": canal_tolls(passages, vessel, constraints),
        "port": 2 * (value("ports", "call_usd") + value("ports", "call_usd_per_teu") * vessel.capacity_teu),
        "charter": vessel.charter_usd_day * (sea_days + idle_days),
        "risk": sum(value(each, "war_risk_percent") for each in passages) / 100 * vessel.hull_usd,
        "ets": co2 * _ets_usd_per_tonne(query, constraints),
        "transhipment": transfer_teu * value("panama", "transfer_usd_per_teu"),
    }
    rounded = {part: round(cost[part], 2) for part in PARTS}
    return Bill(
        fuel_t=standard + low_sulphur,
        co2_t=co2,
        cost_usd={**rounded, "total": round(sum(rounded.values()), 2)},
    )


def _ets_usd_per_tonne(query: VoyageQuery, constraints: Constraints) -> float:
    name = {0: None, 1: "one_port_percent", 2: "two_ports_percent"}[ets_ports(query)]
    if name is None:
        return 0.0
    share = constraints.value("eu_ets", name) * constraints.value("eu_ets", "phase_in_percent") / 1e4
    return share * constraints.value("eu_ets", "usd_per_tonne_co2")
