"""Dates of a request: many ways of writing one, read against the day it is today, and whether each is a day of
readiness or a deadline.

A date that two readings fit (`3/4/2027`), a month without a day and a day that does not exist are asked about.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from .request_text import Span

Role = Literal["ready", "arrive_by", ""]
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_MONTHS = {
    name.lower(): index
    for names in (calendar.month_name, calendar.month_abbr)
    for index, name in enumerate(names)
    if name
} | {"sept": 9}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DAY_NAMES: str = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
_ORDINALS = [str(name) for name in _DAY_NAMES.split()]
_NTH = "|".join(sorted(_ORDINALS, key=len, reverse=True)).replace("-", "[-\\\\s]")
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{_NTH})"
_YEAR = r"(?:\d{4}(?!\s*(?:teu|feu|usd|dollars|m\b|box|cont))|['’]\d\d)"
_WEEKDAYS = [name.lower() for name in calendar.day_name]
_WEEKDAY = "|".join([*_WEEKDAYS, "mon", "tues?", "wed", "thurs?", "thu", "fri", "sat", "sun"])
_FORMS = re.compile(
    rf"\b(?P<iso>\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}})(?:T[\d:.]+Z?)?(?!\d)"
    rf"|\b(?P<packed>20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\b"
    rf"|(?<![\d$/.,])(?P<slash>\d{{1,2}}(?P<mark>[-/.])\d{{1,2}}(?P=mark)(?:\d{{4}}|\d{{2}}))(?![\d/])"
    r"|(?<![\d$.,/])(?P<short>\d{1,2}/\d{1,2})(?![\d/]|\s*-?(?:%|m\b|ft|inch|\"|'|[A-Za-z]))"
    rf"|(?<![\d$.,])(?P<first>{_DAY})(?:[\s-]+(?:of\s+)?{_MONTH})?\s*(?:-|–|—|to|and|until|till"
    rf"|through"
    rf"|/)\s*(?:the\s+)?(?P<last>{_DAY})[\s-]+(?:of\s+)?(?P<rmonth>{_MONTH})(?![a-z])(?:,?[\s-]*(?P<ryear>{_YEAR}))?"
    r"|\b(?P<mday>\d{1,2}(?:st|nd|rd|th)?)\s+of\s+(?P<mrel>this|the|next)\s+month\b"
    rf"|\b(?P<edge>(?:the\s+)?(?:end|close|beginning|start|middle|mid|early|late|first\s+half"
    rf"|second\s+half|(?:first|last|second|third|fourth|1st|2nd|3rd|4th)\s+(?:week|half"
    rf"|days?))(?:\s+of)?[\s-]+)"
    rf"(?:(?P<emonth>{_MONTH})(?![a-z])(?:,?\s+(?P<eyear>{_YEAR}))?|(?P<erel>the\s+month"
    rf"|this\s+month|next\s+month|the\s+year|this\s+year|next\s+year|year|month|\d{{4}}"
    rf"|(?:the\s+)?(?:first|second|third|fourth)\s+quarter|q[1-4](?:\s+\d{{4}})?|(?:this|next"
    rf"|the)\s+week|spring|summer|autumn|winter))\b"
    rf"|\b(?P<monthend>(?:month|year)[\s-]end)\b"
    rf"|(?<![\d$.,])(?P<day>{_DAY})[\s-]*(?:day\s+)?(?:of\s+)?[\s/-]*(?P<month>{_MONTH})(?![a-z])(?:,?[\s/-]*(?:of\s+)?(?P<year>{_YEAR}"
    rf"|\d\d(?=[\s,.;)]|$)(?!\s*(?:teu|feu|usd|m\b|ft))))?"
    rf"|\b(?P<month2>{_MONTH})[\s-]*(?:the\s+)?(?P<day2>{_DAY})(?!\d)(?![.,]\d|\s*(?:teu|feu|m\b"
    rf"|ft\b|k\b|%))(?:,?[\s-]+(?:of\s+)?(?P<year2>{_YEAR}))?"
    rf"|\b(?P<month3>{_MONTH})(?![a-z])\s*,?\s*(?:of\s+)?(?P<year3>\d{{4}}|['’]\d\d)?"
    rf"|\b(?P<weekday>(?:this|next|coming|on|by"
    rf"|this\s+coming)\s+(?:{_WEEKDAY}))\b(?!,?\s+(?:the\s+)?(?:{_DAY}\s+(?:of\s+)?{_MONTH}"
    rf"|{_MONTH}\s+{_DAY}|\d{{4}}-|\d{{1,2}}[/.]))(?:\s+(?P<after>week))?"
    r"|\b(?P<word>the\s+day\s+after\s+tomorrow|tomorrow|tmrw|tmw|2moro|today|tonight|(?<=ready )now|right\s+away"
    r"|(?<=ready )immediately|immediately(?= available)|promptly|prompt|(?<=available )(?:now"
    r"|immediately)|(?:load|leave|sail|depart|leaving|sailing|ship)s?\s+(?:now|immediately"
    r"|at\s+once))\b"
    r"|\b(?P<feast>(?:christmas|xmas)(?:\s+(?:day|eve))?|new\s+year'?s?(?:\s+(?:day|eve))?)\b"
    r"|\b(?P<vague>(?:next|this)\s+(?:week|month|year|quarter|spring|summer|autumn|fall|winter)"
    r"|(?:week|wk|cw)\s+\d{1,2}|q[1-4](?:\s+\d{4})?|easter|ramadan|chinese\s+new\s+year)\b"
    r"|(?<=\bthe )(?P<nth>\d{1,2}(?:st|nd|rd|th))\b(?!\s*(?:of|largest|\w*\s*(?:biggest|largest)))",
    re.IGNORECASE,
)
_FEASTS = {
    "christmas": (12, 25),
    "christmas day": (12, 25),
    "christmas eve": (12, 24),
    "new years eve": (12, 31),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DateFound:
    """One date of the request."""

    span: Span
    day: date | None = None
    """None when it has to be asked about."""
    question: str = ""
    role: Role = ""
    """`` when no word of the request says what the date is for."""
    loose_year: bool = False
    """The year was not written."""
    note: str = ""
    window_end: Span | None = None


def find_dates(text: str, *, today: date) -> list[DateFound]:
    """Every date in the order of the text, with its role where the words give one."""
    found: list[DateFound] = []
    day_first = _day_first(text)
    for match in _FORMS.finditer(text):
        found += _read(match, text, today, day_first)
    return found


def add_months(start: date, months: int) -> date:
    """The same day so many months on, or the month's last day."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def _day_first(text: str) -> bool | None:
    """Whether the text's own unambiguous dates put the day first."""
    hints: set[bool] = set()
    for first, second in re.findall(r"\b(\d{1,2})[-/](\d{1,2})[-/](?:\d{4}|\d\d)\b", text):
        if int(first) > 12 >= int(second):
            hints.add(True)
        if int(second) > 12 >= int(first):
            hints.add(False)
    return hints.pop() if len(hints) == 1 else None


def _read(match: re.Match[str], text: str, today: date, day_first: bool | None) -> list[DateFound]:
    span = Span(start=match.start(), end=match.end(), text=match[0].strip())
    groups = match.groupdict()
    if groups["iso"]:
        year, month, day = (int(part) for part in re.split(r"[-/.]", groups["iso"]))
        return [_exact(span, year, month, day, today)]
    if packed := groups["packed"]:
        return [_exact(span, int(packed[:4]), int(packed[4:6]), int(packed[6:]), today)]
    if groups["slash"]:
        return [_slashed(span, groups["slash"], groups["mark"], today, day_first)]
    if groups["short"]:
        return _short(span, groups["short"], today, day_first)
    if groups["rmonth"]:
        return _range(match, today)
    if groups["edge"] or groups["monthend"]:
        return [_edge(match, span, today)]
    if groups["day"] or groups["day2"]:
        suffix = "" if groups["day"] else "2"
        return [
            _exact(
                span,
                groups["year" + suffix],
                _month(groups["month" + suffix]),
                _day(groups["day" + suffix]),
                today,
            )
        ]
    if groups["month3"]:
        return _bare_month(match, span, text)
    if groups["vague"]:
        return [DateFound(span=span, question=f"{span.text!r} is not one day: which date do you mean?")]
    return [_relative(match, span, today)]


def _bare_month(match: re.Match[str], span: Span, text: str) -> list[DateFound]:
    name = match["month3"].rstrip(".")
    if name.lower() in ("may", "march", "mar", "dec", "sat", "sun", "jan") and not match["year3"]:
        before = text[: match.start()].rstrip().lower()
        if not name[0].isupper() or (
            name.lower() != "march"
            and not re.search(
                r"\b(?:in|by|of|until|before|during|for|from|ready|late|early|this|next|end)$", before
            )
        ):
            return []
    return [
        DateFound(span=span, question=f"which day of {span.text.rstrip(',')}? {span.text!r} is a whole month")
    ]


def _month(text: str) -> int:
    return _MONTHS[text.lower().rstrip(".")]


def _day(text: str) -> int:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else _ORDINALS.index(re.sub(r"\s", "-", text.lower())) + 1


def _exact(span: Span, year: str | int | None, month: int, day: int, today: date) -> DateFound:
    written = None if year is None else int(str(year).strip("'’"))
    if written is not None and written < 100:
        written += 2000
    if written is not None and not _FIRST_YEAR <= written <= _LAST_YEAR:
        return DateFound(
            span=span, question=f"{span.text!r} is not a day of the calendar: which date do you mean?"
        )
    try:
        if written is not None:
            return DateFound(span=span, day=date(written, month, day))
        this_year = date(today.year, month, day)
    except ValueError:
        if written is None and (month, day) == (2, 29):
            leap = next(y for y in range(today.year, today.year + 9) if calendar.isleap(y))
            return DateFound(span=span, day=date(leap, 2, 29), note=f"read {span.text!r} as {leap}-02-29")
        return DateFound(
            span=span, question=f"{span.text!r} is not a day of the calendar: which date do you mean?"
        )
    if this_year < today:
        this_year = date(today.year + 1, month, day)
    return DateFound(
        span=span, day=this_year, loose_year=True, note=f"read {span.text!r} as {this_year.isoformat()}"
    )


def _slashed(span: Span, text: str, mark: str, today: date, day_first: bool | None) -> DateFound:
    first, second, year = (int(part) for part in text.split(mark))
    year += 2000 if year < 100 else 0
    if mark == "." or first > 12 or first == second or (day_first is True and second <= 12):
        return _exact(span, year, second, first, today)
    if second > 12 or day_first is False:
        return _exact(span, year, first, second, today)
    readings = [date(year, second, first), date(year, first, second)]
    either = " or ".join(f"{day.isoformat()} ({day:%-d %B})" for day in readings)
    return DateFound(span=span, question=f"{span.text!r} may be {either}: which one?")


def _short(span: Span, text: str, today: date, day_first: bool | None) -> list[DateFound]:
    """`25/4`, without a year."""
    first, second = (int(part) for part in text.split("/"))
    if max(first, second) > 31 or min(first, second) > 12 or not min(first, second) or text == "24/7":
        return []
    if first > 12 or first == second or day_first is True:
        return [_exact(span, None, second, first, today)]
    if second > 12 or day_first is False:
        return [_exact(span, None, first, second, today)]
    months = f"{first} {calendar.month_name[second]} or {second} {calendar.month_name[first]}"
    return [DateFound(span=span, question=f"{text!r} may be {months}: which one?", loose_year=True)]


def _range(match: re.Match[str], today: date) -> list[DateFound]:
    month, year = _month(match["rmonth"]), match["ryear"]
    first_month = re.search(rf"({_MONTH})", match[0][: match.start("last") - match.start()], re.IGNORECASE)
    head = Span(
        start=match.start("first"),
        end=match.start("last"),
        text=match[0][: match.start("last") - match.start()].strip(),
    )
    tail = Span(
        start=match.start("last"),
        end=match.end(),
        text=match[0][match.start("last") - match.start() :].strip(),
    )
    last = _exact(tail, year, month, _day(match["last"]), today)
    own_month = _month(first_month[1]) if first_month else month
    own_year = last.day.year - (own_month > month) if last.day else year
    first = _exact(head, own_year, own_month, _day(match["first"]), today)
    return [
        DateFound(
            span=head,
            day=first.day,
            question=first.question,
            note=first.note,
            loose_year=year is None,
            window_end=tail,
        ),
        DateFound(span=tail, day=last.day, question=last.question, note=last.note, loose_year=year is None),
    ]


def _edge(match: re.Match[str], span: Span, today: date) -> DateFound:
    edge = (match["edge"] or "end").lower()
    relative = (match["erel"] or match["monthend"] or "").lower()
    year, month = _edge_month(match, relative, today)
    if (
        month == 0
        or not _FIRST_YEAR <= year <= _LAST_YEAR
        or re.search(r"early|late|half|week", edge + relative)
    ):
        return DateFound(span=span, question=f"{span.text!r} is not one day: which date do you mean?")
    if "year" in relative or re.fullmatch(r"\d{4}", relative):
        month = 12 if "end" in edge or "close" in edge else 1 if re.search("start|begin", edge) else 6
    last = calendar.monthrange(year, month)[1]
    day = last if re.search("end|close", edge) else 1 if re.search("start|begin", edge) else 15
    found = date(year, month, day)
    return DateFound(
        span=span,
        day=found,
        loose_year=match["eyear"] is None,
        note=f"read {span.text!r} as {found.isoformat()}",
    )


def _edge_month(match: re.Match[str], relative: str, today: date) -> tuple[int, int]:
    if match["emonth"]:
        month = _month(match["emonth"])
        written = match["eyear"]
        year = int(written.strip("'’")) if written else today.year + (month < today.month)
        return (year + 2000 if year < 100 else year), month
    if re.fullmatch(r"\d{4}", relative):
        return int(relative), 12
    if "year" in relative:
        return today.year + ("next" in relative), 12
    if "month" in relative:
        moved = add_months(today.replace(day=1), int("next" in relative))
        return moved.year, moved.month
    return today.year, 0


def _relative(match: re.Match[str], span: Span, today: date) -> DateFound:
    day = _relative_day(match, today)
    if day is None:
        return DateFound(
            span=span, question=f"{span.text!r} is not a day of the calendar: which date do you mean?"
        )
    return DateFound(
        span=span,
        day=day,
        note=f"read {span.text!r} as {day.isoformat()}",
        loose_year=match["nth"] is not None,
    )


def _relative_day(match: re.Match[str], today: date) -> date | None:
    if match["nth"]:
        wanted = _day(match["nth"])
        months = (add_months(today.replace(day=1), ahead) for ahead in range(13))
        fitting = [
            m.replace(day=wanted) for m in months if 0 < wanted <= calendar.monthrange(m.year, m.month)[1]
        ]
        return next((day for day in fitting if day >= today), None)
    if match["mday"]:
        month, wanted = (
            add_months(today.replace(day=1), int(match["mrel"].lower() == "next")),
            _day(match["mday"]),
        )
        return (
            month.replace(day=wanted)
            if 0 < wanted <= calendar.monthrange(month.year, month.month)[1]
            else None
        )
    if match["feast"]:
        name = re.sub(r"\s+", " ", match["feast"].lower().replace("'", "")).replace("xmas", "christmas")
        month, day = _FEASTS.get(name, (1, 1))
        this_year = date(today.year, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)
    if match["weekday"]:
        name = match["weekday"].lower().split()[-1]
        index = next(i for i, weekday in enumerate(_WEEKDAYS) if weekday.startswith(name[:3]))
        return today + timedelta(days=(index - today.weekday() - 1) % 7 + 1 + (7 if match["after"] else 0))
    word = match["word"].lower()
    return today + timedelta(
        days=2 if "after" in word else 1 if re.search("tomorrow|tmr?w|moro", word) else 0
    )
