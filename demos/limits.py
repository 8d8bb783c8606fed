"""Reading dated figures out of the text of a retrieved passage: limits, status, tolls, premiums, prices.

Each statement names its subject, a figure, its date and its source; wording around them may vary. Nothing
is looked up elsewhere, so what the planner knows is what was retrieved, and a changed notice changes the
plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

FEET_M = 0.3048
"""Metres in an international foot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One figure, as a document states it."""

    subject: str
    """A passage under its searoute name, or `vlsfo`, `eu_ets`, `eca mediterranean_sea`, `class feeder`, …"""
    name: str
    """What of the subject, such as `max_draft_m` or `status`."""
    value: float | None
    """None where there is no number: a status, or a draft that is not limited."""
    unit: str
    """Unit of the value, or the status in words: `open`, `closed`, `not limited`."""
    date: date | None
    """Day of the notice. Of two figures for one thing the newer counts."""
    source: str
    """Who published it."""
    simulated: bool
    """Whether it was invented for the planner."""
    quote: str
    """The statement it was read from."""
    document: str = ""
    """File of the corpus."""
    start: date | None = None
    """First day it applies, for a closure or an area."""
    end: date | None = None
    """Last day it applies."""

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; `from_json` reads it."""
        dates = {key: None if (day := getattr(self, key)) is None else day.isoformat() for key in _DATES}
        return {**asdict(self), **dates}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Limit:
        """The limit of `as_json`."""
        fields: dict[str, Any] = {**row, **{key: _day(row.get(key)) for key in _DATES}}
        return cls(**fields)


_DATES = ("date", "start", "end")

_SUBJECTS: tuple[tuple[str, str], ...] = (
    ("eca {}", r"(?P<eca>[A-Z][\w ]+?) emission control area"),
    ("class {}", r"(?P<vessel>Feeder|Panamax|Post-Panamax|Neo-Panamax|Ultra-large) class"),
    ("suez", r"Suez"),
    ("panama", r"Panama|Neopanamax locks"),
    ("babalmandab", r"Bab[- ]?[ae]l[- ]?Mand[ae]b|southern Red Sea"),
    ("south_africa", r"Cape of Good Hope"),
    ("chili", r"Strait of Magellan|Magellan Strait|Cape Horn"),
    ("malacca", r"(?:Straits? of )?Malacca"),
    ("sunda", r"Sunda"),
    ("gibraltar", r"Gibraltar"),
    ("bosporus", r"Bosp(?:h)?orus"),
    ("ormuz", r"Hormuz"),
    ("northwest", r"Northwest Passage"),
    ("bering", r"Bering"),
    ("vlsfo", r"VLSFO"),
    ("mgo", r"MGO"),
    ("eu_ets", r"EU ETS"),
    ("ports", r"Port call"),
    ("cargo", r"Laden container"),
)
_NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
_MONEY = r"(?:\$|USD ?)" + _NUMBER + r"( ?million)?"
_FIGURES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        r"(?:max\w*|authori[sz]ed|permi\w+|greatest)[^.\d]*?dra(?:ft|ught)[^\d.]{0,60}?"
        + _NUMBER
        + r" ?(?:m|metres?|meters?)\b",
        (("max_draft_m", "m"),),
    ),
    (
        r"(?:max\w*|authori[sz]ed|permi\w+|greatest)[^.\d]*?dra(?:ft|ught)[^\d.]{0,60}?" + _NUMBER + r" ?(?:ft|feet)\b",
        (("max_draft_m", "ft"),),
    ),
    (r"locks? design draft[^\d.]{0,20}" + _NUMBER + r" m\b", (("lock_draft_m", "m"),)),
    (r"largest container ship[^\d]{0,20}" + _NUMBER + r" TEU", (("max_teu", "TEU"),)),
    (r"transit time[^\d]{0,60}" + _NUMBER + r" hours", (("transit_hours", "h"),)),
    (
        r"toll[^\d$]{0,20}" + _MONEY + r" plus " + _MONEY + r" per TEU",
        (("toll_usd", "USD"), ("toll_usd_per_teu", "USD/TEU")),
    ),
    (r"war[- ]risk premium[^\d]{0,20}" + _NUMBER + r" ?% of hull", (("war_risk_percent", "% of hull value"),)),
    (
        r"rail transfer[^\d$]{0,20}" + _MONEY + r" per TEU with " + _NUMBER + r" hours[^\d]{0,30}" + _NUMBER + r" TEU",
        (("transfer_usd_per_teu", "USD/TEU"), ("transfer_hours", "h"), ("transfer_max_teu", "TEU")),
    ),
    (r"container weight[^\d]{0,20}" + _NUMBER + r" t per TEU", (("tonnes_per_teu", "t/TEU"),)),
    (r"sulphur limit[^\d]{0,20}" + _NUMBER + r" ?%", (("sulphur_percent", "% S"),)),
    (r"(?:VLSFO|MGO) price[^\d$]{0,20}" + _MONEY + r" per tonne", (("usd_per_tonne", "USD/t"),)),
    (r"carbon factor[^\d]{0,20}" + _NUMBER + r" t CO2", (("co2_per_tonne", "t CO2/t"),)),
    (r"allowance price[^\d$]{0,20}" + _MONEY + r" per tonne", (("usd_per_tonne_co2", "USD/t CO2"),)),
    (r"with one EU port[^\d]{0,20}" + _NUMBER + r" ?%", (("one_port_percent", "%"),)),
    (r"with two EU ports[^\d]{0,20}" + _NUMBER + r" ?%", (("two_ports_percent", "%"),)),
    (r"phase-in[^\d]{0,20}" + _NUMBER + r" ?%", (("phase_in_percent", "%"),)),
    (
        r"call cost[^\d$]{0,20}" + _MONEY + r" plus " + _MONEY + r" per TEU",
        (("call_usd", "USD"), ("call_usd_per_teu", "USD/TEU")),
    ),
    (
        r"class size[^\d]{0,20}" + _NUMBER + r" TEU with " + _NUMBER + r" m design draft and " + _NUMBER + " t per cm",
        (("capacity_teu", "TEU"), ("design_draft_m", "m"), ("tonnes_per_cm", "t/cm")),
    ),
    (
        r"class fuel[^\d]{0,20}" + _NUMBER + r" t a day at " + _NUMBER + r" kn with " + _NUMBER
        + r" t a day auxiliary and " + _NUMBER + r" kn at most",
        (("fuel_t_day", "t/day"), ("service_kn", "kn"), ("auxiliary_t_day", "t/day"), ("max_kn", "kn")),
    ),
    (
        r"class charter[^\d$]{0,20}" + _MONEY + r" a day with a hull value of " + _MONEY,
        (("charter_usd_day", "USD/day"), ("hull_usd", "USD")),
    ),
)  # fmt: skip
_UNLIMITED = re.compile(r"dra(?:ft|ught)[^\d.]{0,20}(?:not limited|unlimited|no limit)", re.IGNORECASE)
_STATUS = re.compile(
    r"status\W+(?P<state>open|closed|suspended|not offered)|"
    r"\b(?P<shut>closed|suspended|blocked) (?:to|for) (?:all |commercial )*(?:traffic|shipping|navigation)",
    re.IGNORECASE,
)
_ISO = r"(\d{4}-\d{2}-\d{2})"
_DATED = re.compile(r"dated " + _ISO)
_ANY_DATE = re.compile(_ISO)
_FROM = re.compile(r"\b(?:from|since) " + _ISO)
_UNTIL = re.compile(r"\b(?:to|until|till|through) " + _ISO)
_SOURCE = re.compile(r"\bsource:? (?P<source>.+?)\.?\s*(?:\[simulated\])?\.?\s*$", re.IGNORECASE)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), names) for pattern, names in _FIGURES)
_COMPILED_SUBJECTS = tuple((name, re.compile(pattern)) for name, pattern in _SUBJECTS)


def read_limits(text: str, *, document: str = "", heading: str = "") -> list[Limit]:
    """Every figure stated in `text`. A statement without a subject of its own takes that of the heading."""
    return [
        limit
        for statement in _statements(text)
        if (subject := _subject(statement) or _subject(heading))
        for limit in _figures(statement, subject, document)
    ]


def newest(limits: list[Limit]) -> Limit:
    """The one that counts: the latest by date, and of one day the strictest."""
    return max(limits, key=lambda each: (each.date or date.min, _strictness(each)))


def _strictness(limit: Limit) -> float:
    if limit.value is None:
        return float(limit.unit in ("closed", "not offered"))
    return -limit.value if limit.name.startswith("max_") else limit.value


def _statements(text: str) -> Iterator[str]:
    """Sentences and list items, each on one line whatever the line breaks of the file."""
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•#]|\d+\.)\s)", text):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(block.split())):
            yield sentence.lstrip("-*•# ")


def _subject(statement: str) -> str | None:
    """The subject named first; a longer name beats the shorter one it starts with."""
    hits = [
        (match.start(), order, name.format("_".join(str(match[match.lastgroup or 0]).lower().split())))
        for order, (name, pattern) in enumerate(_COMPILED_SUBJECTS)
        if (match := pattern.search(statement))
    ]
    return min(hits)[2] if hits else None


def _figures(statement: str, subject: str, document: str) -> Iterator[Limit]:
    found: dict[str, tuple[float | None, str]] = {}
    for pattern, names in _COMPILED:
        if match := pattern.search(statement):
            for (name, unit), number in zip(names, _numbers(match), strict=True):
                found.setdefault(name, (number * FEET_M, "m") if unit == "ft" else (number, unit))
    if _UNLIMITED.search(statement):
        found["max_draft_m"] = (None, "not limited")
    if match := _STATUS.search(statement):
        word = (match["state"] or match["shut"]).lower()
        found["status"] = (None, word if word in ("open", "not offered") else "closed")
    for name, (value, unit) in found.items():
        yield Limit(
            subject=subject, name=name, value=value, unit=unit, document=document, **_origin(statement)
        )


def _numbers(match: re.Match[str]) -> list[float]:
    """The numbers of a match; ` million` after one multiplies it."""
    numbers: list[float] = []
    for group in match.groups():
        if group and group.strip() == "million":
            numbers[-1] *= 1e6
        elif group:
            numbers.append(float(group.replace(",", "")))
    return numbers


def _origin(statement: str) -> dict[str, Any]:
    """Date, source, window and mark of a statement."""
    dated = _DATED.search(statement) or _ANY_DATE.search(statement)
    source = _SOURCE.search(statement)
    start, end = _FROM.search(statement), _UNTIL.search(statement)
    return {
        "date": _day(dated[1]) if dated else None,
        "source": source["source"] if source else statement.rpartition("—")[2].strip(" ."),
        "simulated": "simulated" in statement.lower(),
        "quote": statement,
        "start": _day(start[1]) if start else None,
        "end": _day(end[1]) if end else None,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
