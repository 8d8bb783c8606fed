"""Which place of a request is the port of loading and which the port of discharge.

Words beside a name decide ("from", "ex", "bound for", "discharging at"); what they leave open is left to the last
place without a role, to the order of the names, or to a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .request_places import Place

End = Literal["origin", "destination", "via", ""]
_FILL = (
    r"(?:(?:the|our|my|your|a|port|ports|city|town|harbou?r|terminal|of|at|in|is|will\s+be|be"
    r"|should\s+be|would\s+be|located|area|near|around|sunny|either|say|warehouse|plant|factory|client"
    r"|customer|yard|depot|berth|on|up|over|down|alongside|here|currently|now|good|old)\b[\s:=,-]*)*"
)
_ORIGIN = re.compile(

        rf"(?:\b(?:from|ex|out\s+of|origin(?:\s+port|ating)?|origin\s*[:=]|pol|load(?:s|ed"
        rf"|ing)?(?:\s+port)?|loadport|leav(?:e|es|ing)|left|depart(?:s|ed|ing|ure)?(?:\s+port)?"
        rf"|pick(?:ed)?\s*(?:it|them)?\s*up|collect(?:ed|ing)?"

        rf"|start(?:s|ing)?|begin(?:s|ning)?|sitting|sits?|lying|lies|stuck|waiting|stored|ready"
        rf"|available|situated|stand(?:s|ing)?|fob|fca|sail(?:s|ing)?\s+from|export(?:ed|ing)?|source"
        rf"|embark\w*|between|based|berthed|docked|moored|port\s+of\s+loading|we\s+have\b[^.;]*)"
    rf"|←|<-+|<)\s*(?:port|the\s+voyage|cargo)?\s*[:=]?\s*{_FILL}$",
    re.IGNORECASE,
)  # fmt: skip
_DESTINATION = re.compile(

        rf"(?:\b(?:to|into|toward|towards|onto|for|destination(?:\s+port)?|dest|destined(?:\s+for)?|pod"
        rf"|discharg(?:e|es|ed|ing)(?:\s+port)?|disport|unload(?:s|ed|ing)?|arriv(?:e|es|ed|ing|al)"
        rf"|reach(?:es|ing)?|deliver(?:s|y|ed|ing)?|drop(?:s|ped)?(?:\s+(?:it|them))?(?:\s+off)?|due"
        rf"|needed|required|wanted|expected|consignee|end(?:s|ing)?|finish(?:es|ing)?"

        rf"|cif|cfr|dap|ddp|dpu|until|must\s+be|get\s+(?:it|them)|have\s+(?:it|them)|land(?:s|ed|ing)?"
        rf"|port\s+of\s+discharge|import(?:ed|ing)?|buyers?|head(?:ed|ing)?|make|call(?:s|ing)?\s+at"
        rf"|goes|bound|target)"
    rf"|→|[-=—–]+>|>|»|➡️?|⇒|->)\s*(?:port|them|it)?\s*[:=]?\s*{_FILL}$",
    re.IGNORECASE,
)  # fmt: skip
_VIA = re.compile(
    r"\b(?:via|through|calling\s+at|stop(?:ping|over)?\s+(?:at|in)|transshipp?(?:ing|ment)?\s+(?:at"
    r"|in)|by\s+way\s+of|touching|past|bunker(?:ing)?\s+(?:at|in))\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|avoid(?:ing)?|except|instead\s+of|rather\s+than|isn'?t)\s+(?:to|from|via|through)?\s*$",
    re.IGNORECASE,
)
_AFTER_ORIGIN = re.compile(
    r"^\s*[\w\s]{0,12}?(?:\(\s*(?:pol|origin|load(?:ing)?(?:\s+port)?|from)\s*\)|(?:is|as|being"
    r"|will\s+be)\s+(?:the\s+|our\s+|my\s+)?(?:origin|load(?:ing)?\s*port|port\s+of\s+(?:loading"
    r"|origin|departure)|pol|start(?:ing)?(?:\s+(?:point|port))?|where\s+(?:it|they|we)\s+(?:load"
    r"|start|leave)\w*)|origin\b|pol\b|load\s*port\b)",
    re.IGNORECASE,
)
_AFTER_DESTINATION = re.compile(
    r"^\s*[\w\s]{0,12}?(?:\(\s*(?:pod|destination|discharge(?:\s+port)?|to)\s*\)|(?:is|as|being"
    r"|will\s+be)\s+(?:the\s+|our\s+|my\s+)?(?:final\s+)?(?:destination|discharge\s*port"
    r"|port\s+of\s+(?:discharge|destination|arrival)|pod|where\s+(?:it|they|we)\s+(?:goes|go|need"
    r"|unload|discharge|end)\w*)|destination\b|pod\b|disport\b)|^\s*(?:←|<-+|<)",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"\b(?:this\s+is|my\s+name\s+is|regards|greetings|hello|hi|writing|calling|yours)\b[^.;\n]{0,30}\b(?:from|in)\s+$",
    re.IGNORECASE,
)
_REDELIVERY = re.compile(r"\bre-?del(?:ivery|iver(?:ed|ing)?)?\b", re.IGNORECASE)
_CHARTER_END = re.compile(
    rf"\b(?P<re>re-?)?del(?:ivery|iver(?:ed|ing)?)?\s*[:=]?\s*(?:(?:dop|aps|arrival|passing)\s+)?{_FILL}$",
    re.IGNORECASE,
)
"""A charterer takes a ship over where she is delivered and gives her back where she is redelivered."""
_AT = r"s?\b(?:(?!\bfrom\b|\bto\b)[^.;,]){0,25}\b(?:in|at|near)\s+(?:the\s+)?(?:port\s+of\s+)?$"
_WISH = re.compile(
    r"\b(?:have|has|had|need|needs|want|wants|like|wish|try|going|got|able|plan|planning)\s+to\b",
    re.IGNORECASE,
)
"""A `to` that leads to a verb and not to a place."""
_RECEIVER = re.compile(
    rf"\b(?:consignee|buyer|customer|client|receiver|importer|end\s+user){_AT}", re.IGNORECASE
)
_SUPPLIER = re.compile(
    rf"\b(?:shipper|supplier|seller|exporter|factory|warehouse|plant|mill|mine){_AT}", re.IGNORECASE
)
_ONWARD = re.compile(
    r"^\s*(?:[-=–—]+>|→|>|»|\bto\b|\binto\b|\btowards?\b)\s*(?:the\s+)?(?:port\s+of\s+)?$", re.IGNORECASE
)
_OR = re.compile(
    r"^\s*(?:,\s*)?(?:\(?\s*(?:or|and|&|/|and/or)\b\s*|[&/,]\s*)(?:(?:to|from|else|maybe|possibly"
    r"|also|perhaps|alternatively|even)\s+)*\(?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The places of a request by the part they play."""

    origin: tuple[Place, ...] = ()
    destination: tuple[Place, ...] = ()
    loose: tuple[Place, ...] = ()
    """Places that no word of the request gives a part."""
    via: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()


def cast_places(text: str, places: Sequence[Place]) -> Cast:
    """Give every place its part by the words beside it, then fill what one place can fill."""
    ends: list[End] = [_end_of(text, places, position) for position in range(len(places))]
    ends = _spread(text, places, ends)
    parts: dict[End, list[Place]] = {"origin": [], "destination": [], "via": [], "": []}
    for place, end in zip(places, ends, strict=True):
        parts[end].append(place)
    for end in ("origin", "destination"):
        parts[end] = _drop_vaguer(parts[end])
    origin, destination, loose, notes = _fill(text, parts["origin"], parts["destination"], parts[""])
    return Cast(
        origin=tuple(origin),
        destination=tuple(destination),
        loose=tuple(loose),
        via=tuple(parts["via"]),
        notes=tuple(notes),
    )


def _end_of(text: str, places: Sequence[Place], position: int) -> End:
    place = places[position]
    start = places[position - 1].span.end if position else 0
    before = text[start : place.span.start]
    stop = places[position + 1].span.start if position + 1 < len(places) else len(text)
    after = text[place.span.end : stop]
    if _REDELIVERY.search(text) and (charter := _CHARTER_END.search(before)):
        return "destination" if charter["re"] else "origin"
    if _NOT.search(before) or _VIA.search(before):
        return "via"
    if _SENDER.search(before):
        return "via"
    end = _party(before) or _before(before)
    if not end and _AFTER_DESTINATION.match(after):
        return "destination"
    if not end and _AFTER_ORIGIN.match(after):
        return "origin"
    end = end or _loosely(before)
    if not end and position + 1 < len(places) and _ONWARD.match(after):
        return "origin"
    return end


def _party(before: str) -> End:
    """`the consignee sits in`, `our supplier in`: who is there says which end it is."""
    if _RECEIVER.search(before):
        return "destination"
    return "origin" if _SUPPLIER.search(before) else ""


def _before(before: str) -> End:
    """The last cue before a name, at most a short stretch of words back in the same sentence."""
    before = re.split(r"(?<=[a-z·]{2})[.!?;]\s", before)[-1]
    origin, destination = _ORIGIN.search(before), _DESTINATION.search(before)
    if origin and destination:
        later = _last_word(_ORIGIN, before) > _last_word(_DESTINATION, before)
        return "origin" if later else "destination"
    if origin or destination:
        return "origin" if origin else "destination"
    return ""


def _last_word(pattern: re.Pattern[str], before: str) -> int:
    """Where the last cue begins that still reaches the end of the stretch."""
    starts = [
        start
        for start in range(len(before))
        if pattern.match(before, start) and (start == 0 or not before[start - 1].isalnum())
    ]
    return starts[-1] if starts else -1


def _loosely(before: str) -> End:
    """`from our friends in`, `arriving safely in`, `ready 3 March in`: a cue a few words back."""
    before = _WISH.sub(lambda match: "-" * len(match[0]), before)
    tail = re.search(
        r"\b(?P<cue>from|to|into|ready|available|loading|loaded|load|discharging|discharged"
        r"|discharge|arrive|arrives|arriving|arrival|delivered|delivery|deliver|needed|due|unload"
        r"|unloaded|unloading|lying|sits?|sitting|waiting|leaving|departing|be|is|are"
        r"|there)\b(?P<gap>[^.;]{0,45}?)\b(?:in|at|near|of|from)\s+(?:the\s+)?(?:port\s+of\s+)?$",
        before,
        re.IGNORECASE,
    )
    if tail is None:
        return ""
    cues = list(
        re.finditer(
            r"\b(from|to|into|ready|available|loading|loaded|load|discharging|discharged|discharge"
            r"|arrive|arrives|arriving|arrival|delivered|delivery|deliver|needed|due|unload"
            r"|unloaded|unloading|lying|sits?|sitting|waiting|leaving|departing|be|is|are)\b",
            before,
            re.IGNORECASE,
        )
    )
    word = cues[-1][1].lower() if cues else ""
    if word in ("is", "are"):
        return "origin"
    return (
        "origin"
        if word
        in (
            "from",
            "ready",
            "available",
            "loading",
            "loaded",
            "load",
            "lying",
            "sit",
            "sits",
            "sitting",
            "waiting",
            "leaving",
            "departing",
        )
        else "destination"
    )


def _spread(text: str, places: Sequence[Place], ends: list[End]) -> list[End]:
    """`between A and B`, `from A and B`, `A to B or C`: a part that carries over to the next name."""
    spread = list(ends)
    for position in range(1, len(places)):
        gap = text[places[position - 1].span.end : places[position].span.start]
        start = places[position - 2].span.end if position > 1 else 0
        lead = text[start : places[position - 1].span.start]
        if re.search(r"\bbetween\s+(?:the\s+)?(?:ports?\s+of\s+)?$", lead, re.IGNORECASE) and re.match(
            r"\s*,?\s*(?:and|&)\b", gap, re.IGNORECASE
        ):
            spread[position - 1], spread[position] = "origin", "destination"
        elif (
            not spread[position]
            and spread[position - 1] in ("origin", "destination")
            and _OR.match(gap)
            and not re.fullmatch(r"\s*[/,]\s*", gap)
        ):
            spread[position] = spread[position - 1]
    for position in range(len(places) - 1, 0, -1):
        gap = text[places[position - 1].span.end : places[position].span.start]
        if (
            not spread[position - 1]
            and spread[position]
            and re.fullmatch(r"\s*,?\s*(?:or|and|/)\s*", gap, re.IGNORECASE)
        ):
            spread[position - 1] = spread[position]
    return spread


def _drop_vaguer(places: list[Place]) -> list[Place]:
    """A port beats the country or city it was mentioned with; the same port twice is one."""
    ports = [place for place in places if place.kind == "port"]
    kept: list[Place] = []
    for place in ports or places:
        if not any(
            (place.locodes == other.locodes and place.name.lower() == other.name.lower())
            or (place.locodes and place.locodes == other.locodes)
            or set(place.locodes) > set(other.locodes) != set()
            for other in kept
        ):
            kept = [other for other in kept if not (set(other.locodes) > set(place.locodes) != set())]
            kept.append(place)
    return kept


def _fill(
    text: str, origin: list[Place], destination: list[Place], loose: list[Place]
) -> tuple[list[Place], list[Place], list[Place], list[str]]:
    given = [*origin, *destination]
    loose = [place for place in loose if not any(set(place.locodes) & set(other.locodes) for other in given)]
    pair = len(loose) == 2 and {place.kind for place in loose} == {"port", "city"} and not given
    loose = loose if pair else _drop_vaguer(loose)
    notes: list[str] = []
    for held in (origin, destination):
        if held and loose and all(place.kind in ("city", "area") for place in held):
            ports = [place for place in loose if place.kind == "port" and place.city is None]
            if len(ports) == 1 and len(loose) == 1 and bool(origin) and bool(destination):
                held[:] = ports
                loose = []
    if len(loose) == 1 and bool(origin) != bool(destination):
        part = "destination" if origin else "origin"
        (destination if origin else origin).append(loose.pop())
        held = (destination if part == "destination" else origin)[0]
        notes.append(f"took {held.name} as the {part}, the only place left")
    elif len(loose) == 2 and not origin and not destination and not _either(text, loose):
        origin, destination, loose = loose[:1], loose[1:], []
        notes.append(
            f"took {origin[0].name} as the origin and {destination[0].name} as the destination, in that order"
        )
    return origin, destination, loose, notes


def _either(text: str, pair: Sequence[Place]) -> bool:
    gap = text[pair[0].span.end : pair[1].span.start]
    return bool(re.match(r"\s*,?\s*or\b", gap, re.IGNORECASE))
