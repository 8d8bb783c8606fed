"""A request in plain English taken apart: every place, date, quantity and passage it may mean, and what stays open.

This is the deterministic half of the reading. It chooses nothing that the words leave open; `reading` does that,
with the small model's help where there is a real choice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date

from .request_amounts import Amounts, read_amounts
from .request_avoid import Avoidance, not_a_passage, read_avoid
from .request_date_roles import DurationFound, find_durations, give_roles
from .request_dates import DateFound, find_dates
from .request_places import Place, find_places
from .request_roles import Cast, cast_places
from .request_text import Span, blank

_SHIPPING = re.compile(
    r"\b(?:ship(?:s|ped|ping|ment|ments|per)?|sail(?:s|ing|ed)?|vessels?|cargo(?:es)?|container(?:s"
    r"|ship)?|box(?:es)?|teus?|feus?|freight|ports?|voyage|route|routing|sea|ocean|maritime"
    r"|loads?|loading|discharg\w+|draft|draught|laycan|charter\w*|fixture|fcl|lcl|bulk\w*|tanker"
    r"|feeder|boat|barge|deliver\w*|transport\w*|move|moving|send|sending|haul|consignment|reefers?"
    r"|tonn\w*"
    r"|goods|export\w*|import\w*|bound\s+for|pol|pod|eta|etd|suez|panama|transit|schedule|origin"
    r"|destination|passages?|cruise|steam\w*|bring|carry\w*)\b",
    re.IGNORECASE,
)
_OTHER_MODE = re.compile(
    r"\b(?:fly|flying|flights?|airfreight|air[\s-]freight|by\s+(?:air|plane|train|rail|truck|road"
    r"|car|bus|bike)|airline|train\s+ticket|(?:the|a)\s+train|drive|driving|hotel|airport|taxi"
    r"|bus\s+ticket|on\s+(?:a\s+)?(?:lorr(?:y|ies)|trucks?)|truck(?:ing|ed)|by\s+lorry|helicopter"
    r"|drone|rocket|walk|cycle)\b",
    re.IGNORECASE,
)
_BY_SEA = re.compile(
    r"\b(?:ships?|shipped|sea|ocean|vessels?|sail\w*|boats?|voyage|draft|draught|ports?)\b", re.IGNORECASE
)
_CHAT = re.compile(
    r"\b(?:weather|temperature|forecast|joke|poem|recipe|capital\s+of|population|who\s+(?:is|was"
    r"|are)|restaurants?|president|song|story|translate|movie|film|football|score|museum|tourist"
    r"|history\s+of|what\s+time|write\s+(?:me\s+)?(?:a|an|some)|sing|python|code|essay"
    r"|stock\s+price|password|system\s+prompt|pizza|mars|moon|jupiter|meaning\s+of)\b",
    re.IGNORECASE,
)
_NOT_TERMS = re.compile(
    r"\b(?:payment|pay|demurrage|detention|free\s+time|credit|quote|reply|answer|respond|response"
    r"|old|laytime|valid\w*|insurance)\b[^.;,]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a request may mean, part by part."""

    request: str
    today: date
    cast: Cast
    dates: tuple[DateFound, ...] = ()
    durations: tuple[DurationFound, ...] = ()
    amounts: Amounts = field(default_factory=Amounts)
    avoidance: Avoidance = field(default_factory=Avoidance)
    unused: tuple[str, ...] = ()
    """Numbers that belong to no field of the query."""
    off_topic: str = ""
    """Why this is no request for a sea voyage, or empty."""

    def places(self) -> tuple[Place, ...]:
        """Every place that may be an end of the voyage."""
        return (*self.cast.origin, *self.cast.destination, *self.cast.loose)


def candidates(request: str, *, today: date) -> Candidates:
    """Take a request apart; relative dates count from `today`."""
    text = _plain(request)
    avoidance = read_avoid(text)
    rest = blank(text, avoidance.spans)
    dates = give_roles(rest, find_dates(rest, today=today))
    rest = blank(rest, [_own_span(found) for found in dates])
    durations = [found for found in find_durations(rest) if not _NOT_TERMS.search(rest[: found.span.start])]
    dates, durations = _anchor(rest, dates, durations)
    rest = blank(rest, [found.span for found in durations])
    amounts = read_amounts(rest)
    rest = blank(rest, [amount.span for amount in amounts.found])
    places, unknown = _not_avoided(rest, find_places(rest), avoidance)
    avoidance = replace(avoidance, ambiguous=(*avoidance.ambiguous, *unknown))
    cast = cast_places(rest, places)
    return Candidates(
        request=request, today=today, cast=cast, dates=tuple(dates), durations=tuple(durations), amounts=amounts,
        avoidance=avoidance, unused=_unused(rest), off_topic=_off_topic(text, cast, amounts),
    )  # fmt: skip


def _plain(request: str) -> str:
    """The request on one kind of space and quote, every character still in its place."""
    text = re.sub(r"[\u00a0\u202f\t\r]", " ", request).replace("’", "'").replace("‘", "'").replace("_", " ")
    return re.sub(r"""(["'])([\w ]+)\1(?=\s*:)""", r" \2 ", text)


def _own_span(found: DateFound) -> Span:
    end = found.window_end.end if found.window_end is not None else found.span.end
    return Span(start=found.span.start, end=end, text=found.span.text)


def _anchor(
    text: str, dates: list[DateFound], durations: list[DurationFound]
) -> tuple[list[DateFound], list[DurationFound]]:
    """`40 days after 1 March`: the date is where the days count from, and no date of its own."""
    anchored: list[DurationFound] = []
    for item in durations:
        gap = re.match(
            r"\s*(?:after|from|following|of|counted from)\s+(?:the\s+)?(?=·)",
            text[item.span.end :],
            re.IGNORECASE,
        )
        start = next(
            (found for found in dates if gap and found.day and found.span.start == item.span.end + gap.end()),
            None,
        )
        if start is not None:
            dates = [found for found in dates if found is not start]
        anchored.append(item if start is None else replace(item, start=start.day))
    return dates, anchored


def _not_avoided(
    text: str, places: list[Place], avoidance: Avoidance
) -> tuple[list[Place], list[tuple[str, str]]]:
    """A place listed after an avoided passage is avoided too, and no passage has its name."""
    ends = {span.end for span in avoidance.spans}
    kept: list[Place] = []
    questions: list[tuple[str, str]] = []
    for place in places:
        listed = re.search(r"\s*(?:,|\band|\bor|\bnor|&|/)\s+(?:the\s+)$", text[: place.span.start])
        if listed and listed.start() in ends and avoidance.avoid:
            questions.append(("avoid", not_a_passage(place.name)))
        else:
            kept.append(place)
    return kept, questions


def _unused(rest: str) -> tuple[str, ...]:
    found = re.finditer(r"(?<![\w·])\d+(?:[,.]\d+)*(?:\s?-?[a-zA-Z%'\"]{1,8}\b)?", rest)
    return tuple(dict.fromkeys(match[0].strip(" .,-") for match in found))


def _off_topic(text: str, cast: Cast, amounts: Amounts) -> str:
    known = [place for place in (*cast.origin, *cast.destination, *cast.loose) if place.kind != "unknown"]
    if _OTHER_MODE.search(text) and not _BY_SEA.search(text):
        return "this is not a voyage by sea, and only sea routes are planned here"
    if not text.strip() or (_SHIPPING.search(text) and not _CHAT.search(text)) or amounts.found:
        return ""
    voyage = bool(cast.origin and cast.destination and known)
    short = len(re.findall(r"\w+", text)) <= 4
    if _CHAT.search(text) and not voyage:
        return "this is no request for a sea voyage"
    named = [place for place in (*cast.origin, *cast.destination) if place.name[:1].isupper()]
    if (
        voyage
        or (cast.origin and cast.destination and len(named) > 1)
        or (known and (short or cast.origin or cast.destination))
    ):
        return ""
    return "this is no request for a sea voyage"
