"""Sailing a corridor through the limits: where she waits or is lightened, and what she breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .costs import VesselClass
from .limits import Limit
from .voyage import Check
from .voyage_constraints import Constraints
from .voyage_corridors import Corridor, passage_name
from .voyage_query import VoyageQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The timing of one corridor at one speed."""

    speed_kn: float
    start: date
    """Day of departure."""
    days: float
    idle_days: float
    """In canals, at the railway and waiting; part of `days`."""
    waiting_days: float
    """Waiting for closed passages to open; part of `idle_days`."""
    transfer_teu: float
    """Containers carried past the Panama Canal to lighten the ship."""
    draft_m: float
    """Draft of the ship as she leaves."""


def sail(
    query: VoyageQuery,
    constraints: Constraints,
    vessel: VesselClass,
    corridor: Corridor,
    speed_kn: float,
    *,
    today: date,
) -> Passing:
    """Time a corridor at a steady speed. A passage that reopens on a known day is waited for."""
    start = departure(query, today)
    draft = vessel.design_draft_m if query.draft_m is None else query.draft_m
    transfer = lightening_teu(constraints, vessel, draft) if "panama" in corridor.route.passages else 0.0
    idle = waiting = 0.0
    for passage, miles in zip(corridor.route.passages, corridor.route.passage_nm, strict=True):
        reached = start + timedelta(days=math.floor(miles / speed_kn / 24 + idle))
        wait = _wait_days(constraints.find(passage, "status"), reached)
        idle += wait + constraints.value(passage, "transit_hours") / 24
        waiting += wait
        if passage == "panama" and transfer:
            idle += constraints.value("panama", "transfer_hours") / 24
    return Passing(
        speed_kn=speed_kn,
        start=start,
        days=corridor.route.distance_nm / speed_kn / 24 + idle,
        idle_days=idle,
        waiting_days=waiting,
        transfer_teu=transfer,
        draft_m=draft,
    )


def departure(query: VoyageQuery, today: date) -> date:
    """The ready date; today when it is open or gone by, unless the whole request lies in the past."""
    if query.ready is None:
        return today
    looks_back = query.arrive_by is not None and query.arrive_by < today
    return query.ready if looks_back else max(query.ready, today)


def lightening_teu(constraints: Constraints, vessel: VesselClass, draft_m: float) -> float:
    """Containers to land at Panama so that the ship floats through; 0 if she does anyway or cannot land enough."""
    limit = constraints.draft_limit("panama")
    weight = constraints.value("cargo", "tonnes_per_teu")
    if limit is None or limit.value is None or draft_m <= limit.value or not weight:
        return 0.0
    needed = (draft_m - limit.value) * 100 * vessel.tonnes_per_cm / weight
    most = min(constraints.value("panama", "transfer_max_teu"), vessel.capacity_teu)
    return needed if needed <= most else 0.0


def check_voyage(
    query: VoyageQuery,
    constraints: Constraints,
    vessel: VesselClass,
    corridor: Corridor,
    passing: Passing,
    total_usd: float,
) -> Iterator[Check]:
    """Every limit the voyage meets, kept or broken."""
    for passage in corridor.route.passages:
        yield from _check_passage(query, constraints, vessel, passage, passing)
    if query.arrive_by is not None:
        yield _check_arrival(query.arrive_by, passing.start, passing.days)
    if query.max_cost_usd is not None:
        over = total_usd - query.max_cost_usd
        yield Check(
            kind="max_cost",
            name="budget",
            limit=query.max_cost_usd,
            value=total_usd,
            slack=-over,
            unit="USD",
            reason=f"costs ${total_usd:,.0f}, ${over:,.0f} over the budget" if over > 0 else "",
        )


def _check_passage(
    query: VoyageQuery, constraints: Constraints, vessel: VesselClass, passage: str, passing: Passing
) -> Iterator[Check]:
    name = passage_name(passage)
    if passage in query.avoid:
        yield _forbidden("avoid", name, f"uses the {name}, which the request avoids")
    if missing := constraints.missing(passage):
        figures = ", ".join(missing)
        yield _forbidden("verified", name, f"the {name} is not verified: the corpus gives no {figures}")
    status = constraints.find(passage, "status")
    if status is not None:
        yield from _check_status(name, status, passing)
    draft = constraints.draft_limit(passage)
    if draft is not None and draft.value is not None:
        yield _check_draft(
            name, passing.draft_m, draft, lightened=passage == "panama" and passing.transfer_teu > 0
        )
    largest = constraints.find(passage, "max_teu")
    if largest is not None and largest.value is not None:
        yield _check_size(name, vessel, largest, largest.value)


def _check_status(name: str, status: Limit, passing: Passing) -> Iterator[Check]:
    if (
        status.unit == "open"
        or status.end is not None
        or (status.start and _ends_before(status.start, passing))
    ):
        yield Check(
            kind="status",
            name=f"status of the {name}",
            limit=None,
            value=None,
            slack=0.0,
            unit="",
            source=status,
        )
    else:
        since = f" from {status.start.isoformat()}" if status.start else ""
        reason = f"the {name} is {status.unit}{since} with no day of opening (notice of {status.date})"
        yield _forbidden("status", name, reason, source=status)


def _ends_before(day: date, passing: Passing) -> bool:
    return passing.start + timedelta(days=math.ceil(passing.days)) < day


def _check_draft(name: str, draft_m: float, limit: Limit, *, lightened: bool) -> Check:
    allowed = limit.value or 0.0
    value = min(draft_m, allowed) if lightened else draft_m
    over = value - allowed
    notice = f"{limit.source}, {limit.date}" if limit.date else limit.source
    return Check(
        kind="draft",
        name=f"draft in the {name}",
        limit=allowed,
        value=value,
        slack=-over,
        unit="m",
        reason=f"draws {value:g} m, {over:.2f} m over the {allowed:g} m of the {name} ({notice})"
        if over > 0
        else "",
        source=limit,
    )


def _check_size(name: str, vessel: VesselClass, limit: Limit, largest: float) -> Check:
    over = vessel.capacity_teu - largest
    return Check(
        kind="size",
        name=f"size in the {name}",
        limit=largest,
        value=vessel.capacity_teu,
        slack=-over,
        unit="TEU",
        reason=f"a ship of {vessel.capacity_teu:,.0f} TEU is too large for the {name}" if over > 0 else "",
        source=limit,
    )


def _check_arrival(arrive_by: date, start: date, days: float) -> Check:
    allowed = float((arrive_by - start).days)
    late = days - allowed
    return Check(
        kind="arrive_by",
        name="latest arrival",
        limit=allowed,
        value=days,
        slack=-late,
        unit="days",
        reason=f"arrives {late:.1f} days after {arrive_by.isoformat()}" if late > 0 else "",
    )


def _forbidden(kind: str, name: str, reason: str, *, source: Limit | None = None) -> Check:
    return Check(
        kind=kind,  # pyright: ignore[reportArgumentType]  # callers pass members of Kind
        name=f"{kind} {name}",
        limit=None,
        value=None,
        slack=-1.0,
        unit="",
        reason=reason,
        source=source,
    )


def _wait_days(status: Limit | None, reached: date) -> float:
    """Days until a passage that is closed when the ship arrives opens again; 0 if it is open or never opens."""
    if status is None or status.unit == "open" or status.end is None:
        return 0.0
    if status.start is not None and reached < status.start:
        return 0.0
    return max(0.0, float((status.end - reached).days + 1))
