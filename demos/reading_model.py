"""The small model's part of a reading: a grammar of what the request may mean, and the check on its answer.

The model chooses among spans that are in the request, so it cannot misspell a port or invent a date. Where the words
of the request settle a field, they win over the model, and the difference is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .ports import find_port
from .reading import FIELDS, Correction, Reading, Settled, as_reading, settle
from .request import Candidates

PROMPT = "demo_read_request"
"""Name of the prompt that goes with the schema; its values are `prompt_values`."""


def schema_for(found: Candidates) -> dict[str, Any]:
    """JSON schema of the model's answer: every field, its enum the candidates of this request and null."""
    places = _place_labels(found)
    days = _days(found)
    avoid = [
        *found.avoidance.avoid,
        *(name for name in found.avoidance.wanted if name not in found.avoidance.avoid),
    ]
    properties: dict[str, Any] = {"origin": _choice(places), "destination": _choice(places)}
    for name in ("teu", "draft_m"):
        properties[name] = _choice(_numbers(found, name))
    properties |= {"ready": _choice(days), "arrive_by": _choice(days)}
    properties["max_cost_usd"] = _choice(_numbers(found, "max_cost_usd"))
    properties["avoid"] = {
        "type": "array",
        "maxItems": len(avoid),
        "items": {"enum": avoid} if avoid else {"type": "string"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(FIELDS),
        "additionalProperties": False,
    }


def prompt_values(found: Candidates) -> dict[str, str]:
    """Values of the prompt `demo_read_request`: the request and the candidates of every kind."""
    amounts = [
        f"{amount.field} {amount.value:g} ({amount.span.text.strip()})" for amount in found.amounts.found
    ]
    return {
        "request": found.request.strip(),
        "today": found.today.isoformat(),
        "places": "; ".join(_place_labels(found)) or "none",
        "dates": "; ".join(_days(found)) or "none",
        "amounts": "; ".join(amounts) or "none",
        "passages": "; ".join([*found.avoidance.avoid, *found.avoidance.wanted]) or "none",
    }


def check_reading(found: Candidates, model_reading: Mapping[str, Any] | None) -> Reading:
    """The reading of the request with the model's answer checked against the request's own words.

    The model fills only what the words leave open (`settle(found).open_fields`); anything else it says differently
    becomes a `Correction`. With None, when the model gave no answer, the words stand alone.
    """
    by_words = settle(found)
    if model_reading is None:
        return as_reading(by_words)
    said = {name: _value(name, model_reading.get(name)) for name in FIELDS}
    chosen = {name: said[name] for name in by_words.open_fields if said[name] is not None}
    if chosen.get("origin") == chosen.get("destination"):
        chosen = {name: value for name, value in chosen.items() if name not in ("origin", "destination")}
    settled = settle(found, chosen=chosen)
    return as_reading(settled, corrections=tuple(_corrections(settled, said)))


def _corrections(settled: Settled, said: Mapping[str, Any]) -> list[Correction]:
    asked = {name for name, _ in settled.questions}
    found: list[Correction] = []
    for name in FIELDS:
        cue = settled.values[name]
        cue = cue.isoformat() if name in ("ready", "arrive_by") and cue is not None else cue
        if _same(said[name], cue):
            continue
        if cue in (None, []):
            why = (
                "the request leaves it open, so it is asked"
                if name in asked
                else "the request does not say it"
            )
        else:
            why = "the words of the request say so"
        found.append(Correction(field=name, model=said[name], cue=cue, why=why))
    return found


def _same(said: Any, cue: Any) -> bool:
    if isinstance(said, list) and isinstance(cue, list):
        return sorted(map(str, said)) == sorted(map(str, cue))
    return said == cue


def _value(name: str, said: Any) -> Any:
    if name == "avoid":
        return said if isinstance(said, list) else []
    if name in ("origin", "destination") and isinstance(said, str):
        code = re.search(r"\(?([A-Z]{2}[A-Z0-9]{3})\)?$", said)
        return code[1] if code else said
    return said


def _choice(values: list[Any]) -> dict[str, Any]:
    return {"enum": [*values, None]}


def _place_labels(found: Candidates) -> list[str]:
    codes = dict.fromkeys(code for place in found.places() for code in place.locodes)
    return [find_port(code).label() for code in codes]


def _numbers(found: Candidates, name: str) -> list[float]:
    return [int(value) if value == int(value) else value for value in found.amounts.values(name)]


def _days(found: Candidates) -> list[str]:
    settled = settle(found)
    days = [item.day for item in found.dates] + [settled.values["ready"], settled.values["arrive_by"]]
    return list(dict.fromkeys(day.isoformat() for day in days if day is not None))
