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

from .request_text import Span, clause_end, clause_start, number, read_number

Role = Literal["ready", "arrive_by", ""]
_MONTHS = {name.lower(): index for index, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): index for index, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
_NTH = "|".join(sorted(_ORDINALS, key=len, reverse=True)).replace("-", "[-\\\\s]")
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{_NTH})"
_YEAR = r"(?:\d{4}(?!\s*(?:teu|feu|usd|dollars|m\b|box|cont))|['’]\d\d)"
_WEEKDAYS = [name.lower() for name in calendar.day_name]
_WEEKDAY = "|".join([*_WEEKDAYS, "mon", "tues?", "wed", "thurs?", "thu", "fri", "sat", "sun"])
_FORMS = re.compile(
    rf"\b(?P<iso>\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}})(?:T[\d:.]+Z?)?(?!\d)"
    rf"|\b(?P<packed>20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\b"
    rf"|(?<![\d$/.,])(?P<slash>\d{{1,2}}(?P<mark>[-/.])\d{{1,2}}(?P=mark)(?:\d{{4}}|\d{{2}}))(?![\d/])"
    rf"|(?<![\d$.,])(?P<first>{_DAY})(?:\s+(?:of\s+)?{_MONTH})?\s*(?:-|–|—|to|and|until|till|through|/)\s*(?:the\s+)?(?P<last>{_DAY})[\s-]+(?:of\s+)?(?P<rmonth>{_MONTH})(?![a-z])(?:,?[\s-]*(?P<ryear>{_YEAR}))?"
    rf"|\b(?P<edge>(?:the\s+)?(?:end|close|beginning|start|middle|mid|early|late|first\s+half|second\s+half|first\s+week|last\s+week|second\s+week|third\s+week)(?:\s+of)?[\s-]+)"
    rf"(?:(?P<emonth>{_MONTH})(?![a-z])(?:,?\s+(?P<eyear>{_YEAR}))?|(?P<erel>the\s+month|this\s+month|next\s+month|the\s+year|this\s+year|next\s+year|year|month|\d{{4}}|(?:the\s+)?(?:first|second|third|fourth)\s+quarter|q[1-4](?:\s+\d{{4}})?|(?:this|next|the)\s+week|spring|summer|autumn|winter))\b"
    rf"|\b(?P<monthend>(?:month|year)[\s-]end)\b"
    rf"|(?<![\d$.,])(?P<day>{_DAY})[\s-]*(?:day\s+)?(?:of\s+)?[\s/-]*(?P<month>{_MONTH})(?![a-z])(?:,?[\s/-]*(?:of\s+)?(?P<year>{_YEAR}|\d\d(?=[\s,.;)]|$)(?!\s*(?:teu|feu|usd|m\b|ft))))?"
    rf"|\b(?P<month2>{_MONTH})[\s-]*(?:the\s+)?(?P<day2>{_DAY})(?!\d)(?![.,]\d|\s*(?:teu|feu|m\b|ft\b|k\b|%))(?:,?[\s-]+(?:of\s+)?(?P<year2>{_YEAR}))?"
    rf"|\b(?P<month3>{_MONTH})(?![a-z])\s*,?\s*(?:of\s+)?(?P<year3>\d{{4}}|['’]\d\d)?"
    rf"|\b(?P<weekday>(?:this|next|coming|on|by|this\s+coming)\s+(?:{_WEEKDAY}))\b(?:\s+(?P<after>week))?"
    r"|\b(?P<word>the\s+day\s+after\s+tomorrow|tomorrow|today|tonight|(?<=ready )now|right\s+away|(?<=ready )immediately|immediately(?= available)|promptly|prompt|(?<=available )(?:now|immediately)|(?:load|leave|sail|depart|leaving|sailing|ship)s?\s+(?:now|immediately|at\s+once))\b"
    r"|\b(?P<feast>christmas(?:\s+(?:day|eve))?|new\s+year'?s?(?:\s+(?:day|eve))?)\b"
    r"|\b(?P<vague>(?:next|this)\s+(?:week|month|year|quarter|spring|summer|autumn|fall|winter)|(?:week|wk|cw)\s+\d{1,2}|q[1-4](?:\s+\d{4})?|easter|ramadan|chinese\s+new\s+year)\b"
    r"|(?<=\bthe )(?P<nth>\d{1,2}(?:st|nd|rd|th))\b(?!\s*(?:of|largest|\w*\s*(?:biggest|largest)))",
    re.IGNORECASE,
)
_LASTING = re.compile(
    rf"\b(?P<lead>in|within|inside|under|at\s+most|no\s+more\s+than|not\s+more\s+than|maximum(?:\s+of)?|max\.?|less\s+than|up\s+to|after|takes?|taking|over)?\s*(?:the\s+(?:next|following)\s+|exactly\s+|about\s+|around\s+)?"
    rf"{number('n', scale=False)}[\s-]*(?P<unit>days?|weeks?|wks?|months?|fortnights?|hours?|hrs?)\b(?P<tail>(?:['’]s?)?\s*(?:from\s+(?:now|today)|hence|time|of\s+(?:loading|departure|being\s+ready|readiness|sailing|leaving|ready|the\s+ready\s+date)|after\s+(?:loading|departure|it\s+is\s+ready|being\s+ready|that|sailing|leaving|readiness|ready)|later|thereafter|from\s+(?:loading|departure|sailing|readiness|then)|transit|at\s+sea|max(?:imum)?|voyage|door)?)",
    re.IGNORECASE,
)
_STRONG_READY = re.compile(
    r"\b(?:read(?:y|iness)|available|availab\w+|load(?:s|ed|ing|able)?|laycan|lay\s?days?|laydays?|depart(?:s|ed|ing|ure)?|sail(?:s|ing)?|leav(?:e|es|ing)|etd|crd|pick(?:ed)?[\s-]?up|collect\w*|set(?:s|ting)?\s+(?:off|sail|out)"
    r"|earliest|not\s+(?:be\s+)?(?:before|earlier|until)|no\s+(?:earlier|sooner)|cut[\s-]?off|embark\w*|start(?:s|ing)?(?:\s+date)?|out\s+of\s+the\s+(?:factory|plant)|can\s+go|ships?\s+out|free\s+from|begin\w*)\b",
    re.IGNORECASE,
)
_STRONG_ARRIVE = re.compile(
    r"\b(?:arriv(?:e|es|ed|al|ing)|arrive[_-]by|arr|deliver(?:s|y|ed|ies)?|eta|due|deadline|latest|discharg\w+|unload\w*|needed|required|wanted|needs?\s+(?:it|them|to\s+(?:be|arrive|get|reach))|must\s+(?:be|reach|get|land)|reach(?:es|ing)?|expected|land(?:s|ed|ing)?|no\s+later\s+than|not\s+later\s+than|(?:be|get|it|them|there)\s+(?:there|in|at|to)"
    r"|at\s+the\s+latest|in\s+time\s+for|have\s+(?:it|them)|nlt)\b",
    re.IGNORECASE,
)
_WEAK_READY = re.compile(r"\b(?:from|after|since|as\s+of|starting|any\s?time\s+from|onwards?)\b", re.IGNORECASE)
_WEAK_ARRIVE = re.compile(r"\b(?:by|before|until|till|latest|no\s+later|to)\b", re.IGNORECASE)
_FEASTS = {"christmas": (12, 25), "christmas day": (12, 25), "christmas eve": (12, 24), "new years eve": (12, 31)}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationFound:
    """A stretch of days, counted from today or from the day of readiness."""

    span: Span
    days: int
    role: Role = ""
    from_today: bool = False
    months: int = 0

    def after(self, start: date) -> date:
        """The day this long after `start`."""
        return add_months(start, self.months) if self.months else start + timedelta(days=self.days)


def find_dates(text: str, *, today: date) -> list[DateFound]:
    """Every date in the order of the text, with its role where the words give one."""
    found: list[DateFound] = []
    day_first = _day_first(text)
    for match in _FORMS.finditer(text):
        found += _read(match, text, today, day_first)
    return _give_roles(text, found)


def find_durations(text: str) -> list[DurationFound]:
    """Every stretch of days that counts towards readiness or arrival."""
    found: list[DurationFound] = []
    for match in _LASTING.finditer(text):
        previous = max(found[-1].span.end if found else 0, text.rfind("·", 0, match.start()) + 1)
        role, amount = _role_at(text, match.start(), match.end(), previous, len(text)), read_number(match, "n")
        unit, tail = match["unit"].lower(), (match["tail"] or "").strip().lower()
        near = " ".join(text[previous : match.start()].split()[-4:])
        if role == "ready" and not (_STRONG_READY.search(near) and not re.search(r"\bto\b", near)):
            role = ""
        if unit.startswith(("hour", "hr")) or not (match["lead"] or tail or role) or amount <= 0:
            continue
        if re.match(r"(?:in|after|over)$", (match["lead"] or "").lower()) and not tail and not role:
            role = ""
        scale = 7 if unit.startswith("w") else 14 if unit.startswith("f") else 1
        found.append(
            DurationFound(
                span=Span(start=match.start(), end=match.end(), text=match[0].strip()),
                days=round(amount * scale), role=role,
                from_today=bool(re.search(r"now|today|hence|time", tail)),
                months=round(amount) if unit.startswith("month") else 0,
            )
        )  # fmt: skip
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
    if groups["rmonth"]:
        return _range(match, span, today)
    if groups["edge"] or groups["monthend"]:
        return [_edge(match, span, today)]
    if groups["day"] or groups["day2"]:
        suffix = "" if groups["day"] else "2"
        return [_exact(span, groups["year" + suffix], _month(groups["month" + suffix]), _day(groups["day" + suffix]), today)]
    if groups["month3"]:
        return _bare_month(match, span, text)
    if groups["vague"]:
        return [DateFound(span=span, question=f"{span.text!r} is not one day: which date do you mean?")]
    return [_relative(match, span, today)]


def _bare_month(match: re.Match[str], span: Span, text: str) -> list[DateFound]:
    name = match["month3"].rstrip(".")
    if name.lower() in ("may", "march", "mar", "dec", "sat", "sun", "jan") and not match["year3"]:
        before = text[: match.start()].rstrip().lower()
        if not name[0].isupper() or (name.lower() != "march" and not re.search(r"\b(?:in|by|of|until|before|during|for|from|ready|late|early|this|next|end)$", before)):
            return []
    return [DateFound(span=span, question=f"which day of {span.text.rstrip(',')}? {span.text!r} is a whole month")]


def _month(text: str) -> int:
    return _MONTHS[text.lower().rstrip(".")]


def _day(text: str) -> int:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else _ORDINALS.index(re.sub(r"\s", "-", text.lower())) + 1


def _exact(span: Span, year: str | int | None, month: int, day: int, today: date) -> DateFound:
    written = None if year is None else int(str(year).strip("'’"))
    if written is not None and written < 100:
        written += 2000
    try:
        if written is not None:
            return DateFound(span=span, day=date(written, month, day))
        this_year = date(today.year, month, day)
    except ValueError:
        if written is None and (month, day) == (2, 29):
            leap = next(y for y in range(today.year, today.year + 9) if calendar.isleap(y))
            return DateFound(span=span, day=date(leap, 2, 29), note=f"read {span.text!r} as {leap}-02-29")
        return DateFound(span=span, question=f"{span.text!r} is not a day of the calendar: which date do you mean?")
    if this_year < today:
        this_year = date(today.year + 1, month, day)
    return DateFound(span=span, day=this_year, loose_year=True, note=f"read {span.text!r} as {this_year.isoformat()}")


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


def _range(match: re.Match[str], span: Span, today: date) -> list[DateFound]:
    month, year = _month(match["rmonth"]), match["ryear"]
    first_month = re.search(rf"({_MONTH})", match[0][: match.start("last") - match.start()], re.IGNORECASE)
    head = Span(start=match.start("first"), end=match.start("last"), text=match[0][: match.start("last") - match.start()].strip())
    tail = Span(start=match.start("last"), end=match.end(), text=match[0][match.start("last") - match.start() :].strip())
    last = _exact(tail, year, month, _day(match["last"]), today)
    own_month = _month(first_month[1]) if first_month else month
    own_year = last.day.year - (own_month > month) if last.day else year
    first = _exact(head, own_year, own_month, _day(match["first"]), today)
    return [
        DateFound(span=head, day=first.day, question=first.question, note=first.note, loose_year=year is None, window_end=tail),
        DateFound(span=tail, day=last.day, question=last.question, note=last.note, loose_year=year is None),
    ]


def _edge(match: re.Match[str], span: Span, today: date) -> DateFound:
    edge = (match["edge"] or "end").lower()
    relative = (match["erel"] or match["monthend"] or "").lower()
    year, month = _edge_month(match, relative, today)
    if month == 0 or re.search(r"early|late|half|week", edge + relative):
        return DateFound(span=span, question=f"{span.text!r} is not one day: which date do you mean?")
    if "year" in relative or re.fullmatch(r"\d{4}", relative):
        month = 12 if "end" in edge or "close" in edge else 1 if re.search("start|begin", edge) else 6
    last = calendar.monthrange(year, month)[1]
    day = last if re.search("end|close", edge) else 1 if re.search("start|begin", edge) else 15
    found = date(year, month, day)
    return DateFound(span=span, day=found, loose_year=match["eyear"] is None, note=f"read {span.text!r} as {found.isoformat()}")


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
        return DateFound(span=span, question=f"{span.text!r} is not a day of the calendar: which date do you mean?")
    return DateFound(span=span, day=day, note=f"read {span.text!r} as {day.isoformat()}", loose_year=match["nth"] is not None)


def _relative_day(match: re.Match[str], today: date) -> date | None:
    if match["nth"]:
        wanted = _day(match["nth"])
        months = (add_months(today.replace(day=1), ahead) for ahead in range(13))
        fitting = [m.replace(day=wanted) for m in months if 0 < wanted <= calendar.monthrange(m.year, m.month)[1]]
        return next((day for day in fitting if day >= today), None)
    if match["feast"]:
        name = re.sub(r"\s+", " ", match["feast"].lower().replace("'", ""))
        month, day = _FEASTS.get(name, (1, 1))
        this_year = date(today.year, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)
    if match["weekday"]:
        name = match["weekday"].lower().split()[-1]
        index = next(i for i, weekday in enumerate(_WEEKDAYS) if weekday.startswith(name[:3]))
        return today + timedelta(days=(index - today.weekday() - 1) % 7 + 1 + (7 if match["after"] else 0))
    word = match["word"].lower()
    return today + timedelta(days=2 if "after" in word else 1 if "tomorrow" in word else 0)


def _give_roles(text: str, found: list[DateFound]) -> list[DateFound]:
    given: list[DateFound] = []
    previous = 0
    for position, item in enumerate(found):
        following = found[position + 1].span.start if position + 1 < len(found) else len(text)
        role = _role_at(text, item.span.start, item.span.end, previous, following)
        if position and found[position - 1].window_end is not None and given:
            before = given[-1].role
            if before == "ready" and _is_window(text, found[position - 1].span.start):
                previous = item.span.end
                continue
            role = "arrive_by"
        given.append(_with_role(item, role))
        if item.window_end is not None and not role:
            given[-1] = _with_role(item, "ready")
        previous = item.span.end
    return given


def _is_window(text: str, start: int) -> bool:
    """A laycan or loading window: its second date is no deadline of arrival."""
    return bool(_STRONG_READY.search(text[max(clause_start(text, start), start - 60) : start]))


def _with_role(item: DateFound, role: Role) -> DateFound:
    return DateFound(
        span=item.span, day=item.day, question=item.question, role=role, loose_year=item.loose_year,
        note=item.note, window_end=item.window_end,
    )  # fmt: skip


def _role_at(text: str, start: int, end: int, previous: int, following: int) -> Role:
    """Nearest word of readiness or arrival: before the date in its comma part, after it there, then further back."""
    opening = max(previous, clause_start(text, start))
    closing = min(following, clause_end(text, end))
    before, after = text[opening:start], text[end:closing]
    near_before, near_after = re.split(r",\s|\band\b(?=[^,]*$)|\bbut\b", before)[-1], re.split(r",\s|\band\b|\bbut\b|\bwith\b", after)[0]
    near_after = "" if following < clause_end(text, end) and "," not in after and " and " not in after and near_before.strip() else near_after
    for stretch, last in ((near_before, True), (near_after, False), (before, True)):
        role = _nearest(stretch, last=last)
        if role:
            return role
    return _weak(near_before) or _weak(before)


def _nearest(stretch: str, *, last: bool) -> Role:
    cues = [(match.start(), match.end(), "ready") for match in _STRONG_READY.finditer(stretch)]
    cues += [(match.start(), match.end(), "arrive_by") for match in _STRONG_ARRIVE.finditer(stretch)]
    if not cues:
        return ""
    chosen = max(cues, key=lambda cue: cue[1]) if last else min(cues)
    return "ready" if chosen[2] == "ready" else "arrive_by"


def _weak(stretch: str) -> Role:
    tail = " ".join(stretch.split()[-3:])
    if _WEAK_ARRIVE.search(tail):
        return "arrive_by"
    return "ready" if _WEAK_READY.search(tail) else ""
