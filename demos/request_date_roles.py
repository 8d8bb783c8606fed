"""What the dates and durations of a request are for: the day of readiness, the latest arrival, or a window of both.

The nearest word decides: before the date in its part of the sentence, after it there, then further back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .request_dates import DateFound, Role, add_months
from .request_text import Span, clause_end, clause_start, number, read_number

_MOST_DAYS = 1000
"""No voyage is planned over more days, weeks or months than this: such a number is something else."""
_LASTING = re.compile(
    rf"\b(?P<lead>in|within|inside|under|at\s+most|no\s+more\s+than|not\s+more\s+than"
    rf"|maximum(?:\s+of)?|max\.?|less\s+than|up\s+to|after|takes?|taking|over)?\s*(?:the\s+(?:next"
    rf"|following)\s+|exactly\s+|about\s+|around\s+)?"
    rf"{number('n', scale=False)}[\s-]*(?P<unit>days?|weeks?|wks?|months?|fortnights?|hours?"
    rf"|hrs?)\b(?P<tail>(?:['’]s?)?\s*(?:from\s+(?:now|today)|hence|time|of\s+(?:loading|departure"
    rf"|being\s+ready|readiness|sailing|leaving|ready|the\s+ready\s+date)|after\s+(?:loading"
    rf"|departure|it\s+is\s+ready|being\s+ready|that|sailing|leaving|readiness|ready)|later"
    rf"|thereafter|from\s+(?:loading|departure|sailing|readiness|then)|transit|at\s+sea"
    rf"|max(?:imum)?|at\s+(?:the\s+)?most|tops|or\s+less|to\s+(?:get|move|ship|deliver|bring|reach|make|carry|transport|complete)\b|voyage|door)?)",
    re.IGNORECASE,
)
_STRONG_READY = re.compile(
    r"\b(?:read(?:y|iness)|rdy|available|availab\w+|load(?:s|ed|ing|able)?|laycan|window|lay\s?days?|laydays?"
    r"|depart(?:s|ed|ing|ure)?|sail(?:s|ing)?|leav(?:e|es|ing)|etd|crd|pick(?:ed)?[\s-]?up"
    r"|collect\w*|set(?:s|ting)?\s+(?:off|sail|out)"
    r"|(?:be|is|are|lie|lies|sit|sits)\s+(?:at|on)\s+the\s+(?:quay|dock|pier|wharf|yard|warehouse|factory|terminal)"
    r"|packed|stuffed|produced|prepared|manufactured|earliest|not\s+(?:be\s+)?(?:before|earlier|until)|no\s+(?:earlier|sooner)|cut[\s-]?off"
    r"|embark\w*|start(?:s|ing)?(?:\s+date)?|out\s+of\s+the\s+(?:factory|plant)|can\s+go"
    r"|ships?\s+out|free\s+from|begin\w*)\b",
    re.IGNORECASE,
)
_STRONG_ARRIVE = re.compile(
    r"\b(?:arriv(?:e|es|ed|al|ing)|arrive[_-]by|arr|deliver(?:s|y|ed|ies)?|eta|due|deadline|latest"
    r"|discharg\w+|unload\w*|needed|required|wanted|needs?\s+(?:it|them|to\s+(?:be|arrive|get"
    r"|reach))|must\s+(?:be|reach|get|land)|reach(?:es|ing)?|expected|land(?:s|ed|ing)?"
    r"|no\s+later\s+than|not\s+later\s+than|(?:be|get|it|them|there)\s+(?:there|in|at|to)"
    r"|at\s+the\s+latest|in\s+time\s+for|have\s+(?:it|them)|nlt)\b",
    re.IGNORECASE,
)
_WEAK_READY = re.compile(
    r"\b(?:from|after|since|as\s+of|starting|any\s?time\s+from|onwards?)\b", re.IGNORECASE
)
_WEAK_ARRIVE = re.compile(r"\b(?:by|before|b4|until|till|latest|no\s+later)\b|\bto\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationFound:
    """A stretch of days, counted from today or from the day of readiness."""

    span: Span
    days: int
    role: Role = ""
    from_today: bool = False
    start: date | None = None
    """The day it counts from, where the request names one."""
    months: int = 0

    def after(self, start: date) -> date:
        """The day this long after `start`."""
        return add_months(start, self.months) if self.months else start + timedelta(days=self.days)


def find_durations(text: str) -> list[DurationFound]:
    """Every stretch of days that counts towards readiness or arrival."""
    found: list[DurationFound] = []
    for match in _LASTING.finditer(text):
        previous = max(found[-1].span.end if found else 0, text.rfind("·", 0, match.start()) + 1)
        role, amount = (
            _role_at(text, match.start(), match.end(), previous, len(text)),
            read_number(match, "n"),
        )
        unit, tail = match["unit"].lower(), (match["tail"] or "").strip().lower()
        near = " ".join(text[previous : match.start()].split()[-4:])
        cues = list(_STRONG_READY.finditer(near))
        if role == "ready" and (not cues or re.search(r"\bto\b", near[cues[-1].end() :])):
            role = ""
        if (
            unit.startswith(("hour", "hr"))
            or not (match["lead"] or tail or role)
            or not 0 < amount < _MOST_DAYS
        ):
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


def give_roles(text: str, found: list[DateFound]) -> list[DateFound]:
    """Each date with its role; the second day of a loading window is dropped."""
    given: list[DateFound] = []
    previous = 0
    for position, item in enumerate(found):
        following = found[position + 1].span.start if position + 1 < len(found) else len(text)
        role = _role_at(text, item.span.start, item.span.end, previous, following)
        if not role and "/" in item.span.text and item.loose_year:
            continue
        if (
            given
            and given[-1].day
            and item.day
            and re.fullmatch(r"\s*,?\s*or\s+", text[given[-1].span.end : item.span.start])
        ):
            either = f"{given[-1].day.isoformat()} or {item.day.isoformat()}"
            given[-1] = replace(
                given[-1], day=None, question=f"the request gives {either}: which one?", window_end=item.span
            )
            previous = item.span.end
            continue
        if given and found[position - 1].window_end is None and _is_pair(text, given[-1].span, item.span):
            window = _is_window(text, given[-1].span.start)
            given[-1] = _with_role(given[-1], "ready")
            previous = item.span.end
            if window:
                given[-1] = replace(given[-1], window_end=item.span)
            else:
                given.append(_with_role(item, "arrive_by"))
            continue
        if not role and re.match(
            r"today|tomorrow|tmrw|tmw|now|prompt|immediately|right|the day after",
            item.span.text,
            re.IGNORECASE,
        ):
            role = "ready"
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


def _is_pair(text: str, first: Span, second: Span) -> bool:
    """`between 1 March and 15 April`, `2027-03-01 to 2027-04-15`: one stretch of time."""
    gap = re.fullmatch(
        r"\s*(-|–|to|and|until|till|through)\s*(?:the\s+)?", text[first.end : second.start], re.IGNORECASE
    )
    between = re.search(r"\bbetween\s+(?:the\s+)?$", text[: first.start], re.IGNORECASE)
    return bool(gap and (gap[1].lower() != "and" or between))


def _is_window(text: str, start: int) -> bool:
    """A laycan or loading window: its second date is no deadline of arrival."""
    before = text[max(clause_start(text, start), start - 60) : start]
    return bool(_STRONG_READY.search(before) or re.search(r"\bdates?[\s:=]*$", before, re.IGNORECASE))


def _with_role(item: DateFound, role: Role) -> DateFound:
    return replace(item, role=role)


def _role_at(text: str, start: int, end: int, previous: int, following: int) -> Role:
    """Nearest word of readiness or arrival: before the date in its comma part, after it there, then further back."""
    opening = max(previous, clause_start(text, start))
    closing = min(following, clause_end(text, end))
    before, after = text[opening:start], text[end:closing]
    near_before, near_after = (
        re.split(r",\s|\band\b(?=[^,]*$)|\bbut\b", before)[-1],
        re.split(r",\s|\band\b|\bbut\b|\bwith\b", after)[0],
    )
    near_after = (
        ""
        if following < clause_end(text, end)
        and "," not in after
        and " and " not in after
        and near_before.strip()
        else near_after
    )
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
