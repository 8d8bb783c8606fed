"""A shipping request read into a typed query: settled where the words settle it, asked about where they do not.

The outcome is `ok`; `needs_input` when an end of the voyage is missing, is no sea port (inland, unknown, a country)
or may be several, when a date or number has two readings, or when the thing to avoid is no known passage; `refused`
when the request is not for a sea voyage, contradicts itself, gives a budget in another currency than US dollars or a
number that cannot be. Only the two ports are required; the rest stays empty where the request is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from .reading_dates import Schedule, settle_dates
from .reading_ends import End, settle_end
from .request import Candidates, candidates
from .voyage_query import VoyageQuery

Status = Literal["ok", "needs_input", "refused"]
FIELDS = ("origin", "destination", "teu", "draft_m", "ready", "arrive_by", "max_cost_usd", "avoid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A field where the words of the request overrule the model."""

    field: str
    model: Any
    cue: Any
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was understood, and what the user should see or answer."""

    status: Status
    query: VoyageQuery | None
    """The whole query when the status is `ok`."""
    partial: dict[str, Any]
    """Every field as far as it is understood, JSON values, None where open or silent."""
    message: str
    """Why it is refused, what is asked, or what was assumed."""
    corrections: tuple[Correction, ...] = ()
    missing: tuple[str, ...] = ()
    """Required fields that the request does not give."""
    ambiguous: tuple[str, ...] = ()
    """Fields with more than one reading."""
    notes: tuple[str, ...] = ()
    """Assumptions, such as a misspelt name read as a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Every field settled as far as the words and the given choices go."""

    values: dict[str, Any]
    questions: tuple[tuple[str, str], ...] = ()
    """(field, question)."""
    refusals: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    open_fields: tuple[str, ...] = field(default=())
    """Fields that only a choice between candidates can fill."""


def read_request(request: str, *, today: date) -> Reading:
    """Read a request by its words alone, with no model."""
    return as_reading(settle(candidates(request, today=today)))


def settle(found: Candidates, *, chosen: Mapping[str, Any] | None = None) -> Settled:
    """Put the candidates together; `chosen` gives values for fields that the words leave open."""
    chosen = chosen or {}
    ends = _settle_ends(found, chosen)
    schedule = settle_dates(found, chosen)
    values: dict[str, Any] = {"origin": ends[0].locode, "destination": ends[1].locode}
    for name in ("teu", "draft_m", "max_cost_usd"):
        amounts = found.amounts.values(name)
        values[name] = amounts[0] if len(amounts) == 1 else None
    values["teu"] = None if values["teu"] is None else int(values["teu"])
    values |= {"ready": schedule.ready, "arrive_by": schedule.arrive_by, "avoid": list(found.avoidance.avoid)}
    questions = [(end.name, end.question) for end in ends if end.question]
    return Settled(
        values={name: values[name] for name in FIELDS},
        questions=(*questions, *schedule.questions, *found.amounts.ambiguous, *found.avoidance.ambiguous),
        refusals=tuple(_refusals(found, ends, schedule)),
        missing=tuple(end.name for end in ends if end.missing),
        notes=tuple(_notes(found, ends, schedule)),
        open_fields=(*(end.name for end in ends if end.open), *schedule.open_fields),
    )


def _settle_ends(found: Candidates, chosen: Mapping[str, Any]) -> tuple[End, End]:
    return (
        settle_end("origin", found.cast, chosen.get("origin")),
        settle_end("destination", found.cast, chosen.get("destination")),
    )


def _refusals(found: Candidates, ends: tuple[End, End], schedule: Schedule) -> list[str]:
    refusals = [found.off_topic] if found.off_topic else []
    origin, destination = ends
    if origin.locode and origin.locode == destination.locode:
        refusals.append(f"origin and destination are the same port ({origin.locode}); name two")
    return [*refusals, *found.amounts.refusals, *schedule.refusals, *found.avoidance.refusals]


def _notes(found: Candidates, ends: tuple[End, End], schedule: Schedule) -> list[str]:
    notes = [*found.cast.notes, *(note for end in ends for note in end.notes), *schedule.notes]
    notes += [f"{amount.span.text.strip()!r}: {amount.note}" for amount in found.amounts.found if amount.note]
    notes += found.avoidance.notes
    notes += [
        f"the query cannot require {name!r}; routes by it are not ruled out"
        for name in found.avoidance.wanted
    ]
    notes += [
        f"a call at {place.name} is not part of the query" for place in found.cast.via if place.kind == "port"
    ]
    if all(ends_at := {end.locode for end in ends}):
        notes += [
            f"{place.name} is neither end of the voyage and was left out"
            for place in found.cast.loose
            if not ends_at & set(place.locodes)
        ]
    notes += [f"{text!r} belongs to no field of the query and was left out" for text in found.unused]
    return list(dict.fromkeys(notes))


def as_reading(settled: Settled, *, corrections: tuple[Correction, ...] = ()) -> Reading:
    """The outcome: refused before asked before ok."""
    status: Status = "refused" if settled.refusals else "needs_input" if settled.questions else "ok"
    reasons = settled.refusals or tuple(question for _, question in settled.questions)
    sentences = reasons if status != "ok" else settled.notes
    asked = dict.fromkeys(name for name, _ in settled.questions if name not in settled.missing)
    return Reading(
        status=status,
        query=_query(settled.values) if status == "ok" else None,
        partial={name: _plain(value) for name, value in settled.values.items()},
        message=" ".join(_sentence(text) for text in sentences),
        corrections=corrections,
        missing=settled.missing,
        ambiguous=tuple(asked),
        notes=settled.notes,
    )


def _query(values: Mapping[str, Any]) -> VoyageQuery:
    fields: dict[str, Any] = {**values, "avoid": tuple(values["avoid"])}
    return VoyageQuery(**fields)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _sentence(text: str) -> str:
    end = "" if text.endswith(("?", ".", "!")) else "."
    return text[0].upper() + text[1:] + end
