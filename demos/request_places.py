"""Names of places in a request, each with the ports it may mean.

Every stretch of words is compared with the whole port table; a country, state or district beside a name narrows it
down, a misspelt name is read as the nearest one with a note, and a name of no port is kept so that it can be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .ports import City, Gazetteer, distance_km, fold, load_gazetteer
from .request_text import Span
from .request_words import COMMON_WORDS

Kind = Literal["port", "city", "area", "unknown"]
_ONE_HARBOUR_KM = 60.0
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LOCODE = re.compile(r"\b([A-Z]{2})[ -]?([A-Z2-9]{3})\b")
_LOWER_CODE = re.compile(r"\b(?:from|to|ex|into|pol|pod)\s+([a-z]{5})\b")
_GAP = re.compile(r"[ \t]*[-–.'’/]?[ \t]*")
_OWN_COUNTRY = frozenset(
    (
        "singapore", "hong kong", "djibouti", "gibraltar", "malta", "bahrain", "kuwait", "monaco", "macau",
        "macao", "aruba", "panama", "guam", "curacao", "reunion",
    )
)  # fmt: skip
_PLACE_CUE = re.compile(
    r"(?:\b(?:from|to|ex|into|between|and|at|in|out\s+of|for|towards?|leaving|reach(?:ing)?"
    r"|port\s+of|city\s+of|harbou?r\s+of|via|loading|discharging|origin|destination|pol|pod"
    r"|near)\b[\s:=]*(?:the\s+)?(?:(?:port|city|harbou?r)\s+of\s+)?|(?:→|->|=>|>|–|—|-|/)\s*)$",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"\s*(?:→|->|=>|–|—|\bto\b(?!\s+(?:be|go|arrive|ship|sail|send|move|reach|deliver|get|take)\b)|\binto\b)",
    re.IGNORECASE,
)
_PORT_WORDS = frozenset(("hull", "split", "mobile", "male", "bar", "nice", "rio", "bath", "tema"))
_BARE_END = re.compile(r"\b(?:from|to|ex|into)\s+$", re.IGNORECASE)
_STOPS = re.compile(
    r"\s*(?:$|[,.;:!?·()]|\d|(?:from|to|with|by|in|on|ready|and|before|via|for|not|avoiding)\b)",
    re.IGNORECASE,
)
_ONWARD_NAME = re.compile(r"\s*(?:to|→|->|-|–)\s*(?:the\s+)?[A-Z]")
_ONWARD_CODE = re.compile(r"\s*(?:→|->|=>|>|–|—|[-/](?=\s|\w{3,}\b)|to\b)", re.IGNORECASE)
_HARD_CUE = re.compile(
    r"\b(?P<cue>from|to|ex|into|out\s+of|bound\s+for|destined\s+for|headed\s+(?:for|to)"
    r"|heading\s+for|for|towards?|pol|pod|origin|destination|between|loading\s+(?:at|in)"
    r"|discharg(?:e|ing)\s+(?:at|in)|unload(?:ing)?\s+(?:at|in)|arriv(?:e|ing|al)\s+(?:at|in)|and"
    r"|via)\b\s*(?:port)?\s*[:=]?\s*(?:is\s+)?(?:the\s+(?:port|city|town|harbou?r)\s+of\s+"
    r"|port\s+of\s+|the\s+(?=(?-i:[A-Z])))?(?P<name>[^\W\d_][\w'’]*(?:[ -](?-i:[A-Z])[\w'’]*){0,3})",
    re.IGNORECASE,
)
_SHORT_WORDS = (
    "or in me de la al hi ok pa ma oh id no is it at be so to by my as am us co "
    "mo ca on es pt ga ct va il wa vi sa"
)
_UPPER_ONLY = frozenset(_SHORT_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One mention of a place."""

    span: Span
    kind: Kind
    name: str
    """The name as the request writes it."""
    locodes: tuple[str, ...] = ()
    """The ports it may mean: one when it is clear."""
    city: City | None = None
    qualifier: str = ""
    """What narrowed it down, or failed to."""
    note: str = ""
    elsewhere: bool = False
    """No port of that name is where the request puts it."""


def find_places(text: str) -> list[Place]:
    """Every place of a request whose other parts are blanked out, in the order of the text."""
    gazetteer = load_gazetteer()
    found = list(_exact(text, gazetteer))
    found = [_qualify(text, place, gazetteer) for place in found]
    found = _merge_areas(text, found, gazetteer)
    taken = [place.span for place in found]
    found += _unmatched(text, taken, gazetteer)
    return sorted(found, key=lambda place: place.span.start)


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span shares a letter with any other."""
    return any(span.start < other.end and other.start < span.end for other in others)


def _exact(text: str, gazetteer: Gazetteer) -> Iterator[Place]:
    tokens = list(_TOKEN.finditer(text))
    codes = _codes(text, gazetteer)
    yield from codes
    cased = not (text.isupper() or text.islower())
    position = 0
    while position < len(tokens):
        place, used = _longest(text, tokens, position, gazetteer, cased=cased)
        if place is not None and not overlaps(place.span, [code.span for code in codes]):
            yield place
        position += used


def _codes(text: str, gazetteer: Gazetteer) -> list[Place]:
    found: list[Place] = []
    for match in _LOCODE.finditer(text):
        code = match[1] + match[2]
        shouted = text.isupper() and len(match[0]) > 5 and not _PLACE_CUE.search(text[: match.start()])
        if code in gazetteer.ports and not shouted and fold(match[0]) not in gazetteer.names:
            span = Span(start=match.start(), end=match.end(), text=match[0])
            found.append(Place(span=span, kind="port", name=match[0], locodes=(code,)))
    for match in _LOWER_CODE.finditer(text):
        code = match[1].upper()
        if code in gazetteer.ports and match[1] not in gazetteer.names and match[1] not in COMMON_WORDS:
            span = Span(start=match.start(1), end=match.end(1), text=match[1])
            found.append(Place(span=span, kind="port", name=match[1], locodes=(code,)))
    return found + _short_codes(text, gazetteer)


def _short_codes(text: str, gazetteer: Gazetteer) -> list[Place]:
    """`from LAX to HKG`: the last three letters of a LOCODE where a port is named, if not all is in capitals."""
    found: list[Place] = []
    letters = r"[a-z]{3}" if text.islower() else r"[A-Z]{3}"
    for match in [] if text.isupper() else re.finditer(rf"(?<![\w·]){letters}(?!\w)", text):
        opens = not text[: match.start()].strip() and _ONWARD_CODE.match(text, match.end())
        if (
            fold(match[0]) in gazetteer.names
            or fold(match[0]) in COMMON_WORDS
            or not (opens or _PLACE_CUE.search(text[: match.start()]))
        ):
            continue
        codes = tuple(
            code for code, port in gazetteer.ports.items() if code[2:] == match[0].upper() and port.size == 2
        )
        if codes and fold(match[0]) not in gazetteer.places:
            span = Span(start=match.start(), end=match.end(), text=match[0])
            shown = " or ".join(gazetteer.ports[code].label() for code in codes)
            found.append(
                Place(
                    span=span, kind="port", name=match[0], locodes=codes, note=f"read {match[0]!r} as {shown}"
                )
            )
    return found


def _longest(
    text: str, tokens: list[re.Match[str]], start: int, gazetteer: Gazetteer, *, cased: bool
) -> tuple[Place | None, int]:
    stop = start
    while (
        stop + 1 < len(tokens)
        and stop - start < 4
        and _GAP.fullmatch(text[tokens[stop].end() : tokens[stop + 1].start()])
    ):
        stop += 1
    for last in range(stop, start - 1, -1):
        span = Span(
            start=tokens[start].start(),
            end=tokens[last].end(),
            text=text[tokens[start].start() : tokens[last].end()],
        )
        place = _look_up(span, gazetteer)
        if place is not None and _believable(text, span, last - start + 1, place, gazetteer, cased=cased):
            return place, last - start + 1
    return None, 1


def _look_up(span: Span, gazetteer: Gazetteer) -> Place | None:
    name = fold(span.text)
    bare = (
        re.sub(r"^(?:the )?port (?:of )?|(?: sea)? (?:port|harbour|harbor|terminal)$", "", name)
        if name not in gazetteer.names
        else name
    )
    if bare in gazetteer.areas and bare not in _OWN_COUNTRY and bare != "georgetown":
        return Place(span=span, kind="area", name=span.text) if bare == name else None
    if bare in gazetteer.names:
        return Place(span=span, kind="port", name=span.text, locodes=gazetteer.names[bare])
    if name in gazetteer.cities:
        return Place(span=span, kind="city", name=span.text, city=gazetteer.cities[name])
    return None


def _believable(
    text: str, span: Span, words: int, place: Place, gazetteer: Gazetteer, *, cased: bool
) -> bool:
    """Whether a match is a name here, and not a common word that some place happens to share."""
    name, capital = fold(span.text), span.text[0].isupper()
    cue = _PLACE_CUE.search(text[: span.start]) is not None or _LEADS_ON.match(text[span.end :]) is not None
    if name in ("la", "ny", "us", "uk", "hk", "nz", "ptp", "nyc", "uae", "usa"):
        return (span.text.isupper() and (cased or cue)) or (cue and name in ("nyc", "uk", "usa", "uae", "hk"))
    if len(name) <= 2 or (len(name) == 3 and not capital):
        return cue and capital
    if words == 1 and name in COMMON_WORDS:
        if name in _PORT_WORDS and _BARE_END.search(text[: span.start]) and _STOPS.match(text, span.end):
            return True
        opening = not re.search(r"[\w·]", text[: span.start].split(".")[-1])
        return cue and capital and cased and (not opening or _ONWARD_NAME.match(text, span.end) is not None)
    if cased and not capital:
        return (cue and (place.kind != "city")) or _is_big(place, gazetteer)
    if not cased and place.kind == "city":
        return cue
    return cased or cue or words > 1 or _is_big(place, gazetteer) or place.kind == "area"


def _is_big(place: Place, gazetteer: Gazetteer) -> bool:
    return any(gazetteer.ports[code].size == 2 for code in place.locodes)


def _qualify(text: str, place: Place, gazetteer: Gazetteer) -> Place:
    """Narrow a place by the country, state or district beside it."""
    if place.kind == "area":
        return place
    place = _qualify_after(text, _qualify_before(text, place, gazetteer), gazetteer)
    return _qualify_after(text, place, gazetteer) if place.qualifier else place


def _qualify_after(text: str, place: Place, gazetteer: Gazetteer) -> Place:
    rest = text[place.span.end :]
    lead = re.match(
        r"(?:\s*,\s*|\s*\(\s*(?:in\s+|the\s+)?|\s+in\s+(?:the\s+)?|\s+|\s*[-–/]\s*)(?:the\s+)?", rest
    )
    if lead is None:
        return place
    tokens = list(re.finditer(r"[^\W\d_](?:[\w'’]|\.(?=\w))*\.?", rest[lead.end() : lead.end() + 60]))[:4]
    for count in range(len(tokens), 0, -1):
        if count == 0 or tokens[0].start() != 0:
            break
        words = rest[lead.end() : lead.end() + tokens[count - 1].end()].rstrip(".")
        narrowed = _narrow(place, words, lead[0], gazetteer)
        if narrowed is not None:
            end = place.span.end + lead.end() + len(words)
            end += 1 if "(" in lead[0] and text[end : end + 1] == ")" else 0
            span = Span(start=place.span.start, end=end, text=text[place.span.start : end])
            return replace(narrowed, span=span, qualifier=f"{place.qualifier} {words}".strip())
    return place


def _narrow(place: Place, words: str, lead: str, gazetteer: Gazetteer) -> Place | None:
    name = fold(words)
    where = gazetteer.places.get(name, frozenset[str]())
    if len(name) == 2:
        if not words.isupper() or (
            name in _UPPER_ONLY
            and not re.search(r"[,(]", lead)
            and name not in ("or", "me", "us", "ca", "va", "sa", "wa")
        ):
            return None
        where = where | {name.upper()}
    if not where:
        return None
    codes = gazetteer.namesakes.get(_bare(place.name), place.locodes)
    inside = _apart(tuple(code for code in codes if lies_in(code, where, gazetteer)), gazetteer)
    if inside:
        return replace(place, kind="port", locodes=inside, elsewhere=False)
    if place.kind == "city":
        countries = {code[:2] for code in where}
        there = [
            city for city in gazetteer.other_cities.get(fold(place.name), ()) if city.country in countries
        ]
        return replace(place, city=there[0]) if there else place
    if (len(name) > 2 and name in gazetteer.names and name not in gazetteer.areas) or not re.search(
        r"[,(]|in\b", lead
    ):
        return None
    if name in _OWN_COUNTRY or place.qualifier or (len(name) == 2 and name not in gazetteer.places):
        return None
    return replace(place, elsewhere=True)


def _apart(codes: tuple[str, ...], gazetteer: Gazetteer) -> tuple[str, ...]:
    """Of several entries for one harbour, the first."""
    kept: list[str] = []
    for code in codes:
        port = gazetteer.ports[code]
        if all(
            distance_km(port.lat, port.lon, gazetteer.ports[other].lat, gazetteer.ports[other].lon)
            > _ONE_HARBOUR_KM
            for other in kept
        ):
            kept.append(code)
    return tuple(kept)


def _bare(name: str) -> str:
    folded = fold(name)
    return re.sub(r"^(?:the )?port (?:of )?", "", folded)


def lies_in(locode: str, where: frozenset[str], gazetteer: Gazetteer) -> bool:
    """Whether a port is in one of some countries, states or districts."""
    port = gazetteer.ports[locode]
    return bool({locode, port.country, f"{port.country}-{port.region}"} & where)


def _qualify_before(text: str, place: Place, gazetteer: Gazetteer) -> Place:
    """`Libyan Tripoli`, `Colombia's Cartagena`, `the Australian port of Newcastle`."""
    if len(place.locodes) < 2 and place.kind == "port":
        return place
    before = re.sub(
        r"(?:['’]s)?\s+(?:(?:port|city|harbou?r)\s+of\s+)?$",
        "",
        text[max(0, place.span.start - 40) : place.span.start],
    )
    words = before.split()
    for count in (3, 2, 1):
        where = (
            gazetteer.places.get(fold(" ".join(words[-count:])), frozenset[str]())
            if len(words) >= count
            else frozenset[str]()
        )
        inside = tuple(
            code for code in gazetteer.namesakes.get(_bare(place.name), ()) if lies_in(code, where, gazetteer)
        )
        if inside:
            return replace(place, kind="port", locodes=inside, qualifier=" ".join(words[-count:]))
    return place


def _merge_areas(text: str, found: list[Place], gazetteer: Gazetteer) -> list[Place]:
    """Drop an area that only says where the port beside it is (`China, Shanghai`, `Shanghai in China`)."""
    kept: list[Place] = []
    for place in sorted(found, key=lambda item: item.span.start):
        if kept and overlaps(place.span, [kept[-1].span]):
            continue
        if kept and kept[-1].kind == "area" and place.kind == "port":
            where = gazetteer.places.get(fold(kept[-1].name), frozenset[str]())
            gap = text[kept[-1].span.end : place.span.start]
            inside = tuple(code for code in place.locodes if lies_in(code, where, gazetteer))
            if inside and re.fullmatch(r"(?:['’]s)?[\s,(:-]*(?:(?:port|city)\s+of\s+)?", gap):
                start = kept.pop().span.start
                span = Span(start=start, end=place.span.end, text=text[start : place.span.end])
                place = replace(place, locodes=inside, span=span)
        kept.append(place)
    return kept


def _unmatched(text: str, taken: list[Span], gazetteer: Gazetteer) -> Iterator[Place]:
    """Names that stand where a port should and are in no table."""
    seen: list[Span] = []
    for match in _HARD_CUE.finditer(text):
        the = text[: match.start("name")].rstrip().lower().endswith(" the")
        if the and match["cue"].lower() not in ("from", "to", "ex", "into"):
            continue
        yield from _guess(
            text, match.start("name"), match["name"], match["cue"].lower(), [*taken, *seen], gazetteer
        )
        seen.append(Span(start=match.start("name"), end=match.end("name"), text=match["name"]))
    if not (text.isupper() or text.islower()):
        for match in re.finditer(r"\b[A-Z][\w'’]{3,}(?:[ -][A-Z][\w'’]+){0,2}", text):
            yield from _guess(text, match.start(), match[0], "", [*taken, *seen], gazetteer)


def _guess(
    text: str, start: int, name: str, cue: str, taken: list[Span], gazetteer: Gazetteer
) -> Iterator[Place]:
    words = name.split()
    while words and fold(words[-1]) in COMMON_WORDS and not words[-1][0].isupper():
        words.pop()
    name = " ".join(words)
    span = Span(start=start, end=start + len(name), text=text[start : start + len(name)])
    folded = fold(name)
    if not name or overlaps(span, taken) or fold(words[0]) in COMMON_WORDS or len(folded) < 3:
        return
    from .request_spelling import nearest_names

    codes, near_city = nearest_names(folded)
    if codes:
        shown = " or ".join(gazetteer.ports[code].label() for code in codes)
        note = f"read {name!r} as {shown}"
        yield _qualify(text, Place(span=span, kind="port", name=name, locodes=codes, note=note), gazetteer)
    elif near_city:
        city = gazetteer.cities[near_city]
        yield Place(span=span, kind="city", name=city.name, city=city, note=f"read {name!r} as {city.name}")
    elif (cue and _names_a_place(name, cue, text)) or (
        name[0].isupper() and _ONWARD_NAME.match(text, span.end)
    ):
        yield Place(span=span, kind="unknown", name=name)


def _names_a_place(name: str, cue: str, text: str) -> bool:
    """An unknown word after a cue is a place when it is written as a name, or when the cue leaves no other reading."""
    cased = not (text.isupper() or text.islower())
    if cased:
        return name[0].isupper()
    return cue in ("from", "ex", "to", "into") and not re.search(r"(?:ing|ed|ly|er|est)$", name.lower())
