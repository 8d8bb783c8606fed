"""The day of readiness and the latest arrival settled from the dates and durations of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from .request import Candidates
from .request_dates import DateFound, Role, add_months


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Both dates as far as they are settled."""

    ready: date | None = None
    arrive_by: date | None = None
    questions: tuple[tuple[str, str], ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    open_fields: tuple[str, ...] = ()


def settle_dates(found: Candidates, chosen: Mapping[str, Any]) -> Schedule:
    """Settle both dates; `chosen` may say what a date without a role is for."""
    dates, notes = _hand_out(found, chosen)
    questions = [(item.role or "ready", item.question) for item in dates if item.question]
    ready, refused_ready = _only("ready", dates)
    arrive, refused_arrive = _only("arrive_by", dates)
    idle = [item for item in dates if not item.role and item.day is not None]
    if idle and not (ready and arrive):
        day = idle[0].day.isoformat() if idle[0].day else ""
        questions.append(
            ("ready", f"is {day} the day it is ready ('ready') or the latest arrival ('arrive_by')?")
        )
    ready_day, arrive_day = _agree_on_years(ready, arrive, found.today)
    ready_day, arrive_day, counted = _count_days(found, ready_day, arrive_day)
    refusals = [*refused_ready, *refused_arrive]
    if ready_day and arrive_day and arrive_day < ready_day:
        refusals.append(
            f"the request contradicts itself: it must arrive by {arrive_day.isoformat()} "
            f"but is ready only on {ready_day.isoformat()}"
        )
    notes += [item.note for item in dates if item.note and not item.loose_year] + counted
    notes += [
        f"{day.isoformat()} is before today" for day in (ready_day, arrive_day) if day and day < found.today
    ]
    settled = {"ready": ready, "arrive_by": arrive}
    return Schedule(
        ready=ready_day,
        arrive_by=arrive_day,
        questions=tuple(questions),
        refusals=tuple(refusals),
        notes=tuple(notes),
        open_fields=tuple(name for name, value in settled.items() if idle and value is None),
    )


def _hand_out(found: Candidates, chosen: Mapping[str, Any]) -> tuple[list[DateFound], list[str]]:
    """Give dates without a role the role that is left, where only one is."""
    dates = list(found.dates)
    loose = [item for item in dates if not item.role and item.day is not None]
    taken = {item.role for item in dates if item.role} | {item.role for item in found.durations if item.role}
    roles: dict[int, Role] = {}
    notes: list[str] = []
    if len(loose) == 2 and not taken and loose[0].day and loose[1].day and loose[0].day <= loose[1].day:
        roles = {id(loose[0]): "ready", id(loose[1]): "arrive_by"}
        notes.append("took the earlier date as the day it is ready and the later one as the latest arrival")
    elif len(loose) == 1 and len(taken) == 1:
        left: Role = "arrive_by" if "ready" in taken else "ready"
        roles = {id(loose[0]): left}
        notes.append(f"took {loose[0].span.text!r} as {left!r}, the date still open")
    else:
        for item in loose:
            fitting: list[Role] = [
                name
                for name in ("ready", "arrive_by")
                if item.day and chosen.get(name) == item.day.isoformat()
            ]
            if len(fitting) == 1 and fitting[0] not in taken:
                roles[id(item)] = fitting[0]
                notes.append(f"{item.span.text!r} was taken as {fitting[0]!r} by the model")
    return [replace(item, role=roles.get(id(item), item.role)) for item in dates], notes


def _only(role: Role, dates: list[DateFound]) -> tuple[DateFound | None, list[str]]:
    fitting = [item for item in dates if item.role == role and item.day is not None]
    if len({item.day for item in fitting}) > 1:
        days = " and ".join(item.day.isoformat() for item in fitting if item.day)
        return None, [f"the request contradicts itself: {role!r} is given as {days}"]
    return (fitting[0] if fitting else None), []


def _agree_on_years(
    ready: DateFound | None, arrive: DateFound | None, today: date
) -> tuple[date | None, date | None]:
    """A year that is not written is the one that puts readiness before arrival and neither in the past."""
    first, last = (ready.day if ready else None), (arrive.day if arrive else None)
    if ready and arrive and first and last:
        if arrive.loose_year and last < first:
            last = add_months(last, 12)
        elif arrive.loose_year and not ready.loose_year and last > add_months(first, 12):
            last = last.replace(year=first.year)
        if arrive.loose_year and not ready.loose_year and last < first:
            last = add_months(last, 12 * (first.year - last.year + (last.replace(year=first.year) < first)))
        if ready.loose_year and not arrive.loose_year:
            years = [add_months(first, 12 * ahead) for ahead in range(-1, 10)]
            first = max((day for day in years if today <= day <= last), default=first)
    return first, last


def _count_days(
    found: Candidates, ready: date | None, arrive: date | None
) -> tuple[date | None, date | None, list[str]]:
    """Durations: `ready in 10 days` counts from today, `within 35 days` from readiness where there is one."""
    notes: list[str] = []
    for item in found.durations:
        if item.role == "ready" and ready is None:
            start = item.start or found.today
            ready = item.after(start)
            notes.append(f"{item.span.text!r} counts from {start.isoformat()}: ready {ready.isoformat()}")
    for item in found.durations:
        if item.role != "ready" and arrive is None:
            start = item.start or (found.today if item.from_today or ready is None else ready)
            arrive = item.after(start)
            notes.append(
                f"{item.span.text!r} counts from {start.isoformat()}: arrive by {arrive.isoformat()}"
            )
    return ready, arrive, notes
