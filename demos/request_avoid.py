"""What a request wants to avoid: its words for straits, canals and capes as searoute's passage names.

Only negated mentions count ("not through Suez", "the Red Sea is off limits"); a passage that the request wants to
use is reported beside them, because the query cannot ask for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .request_text import Span, clause_end, clause_start

PASSAGES = (
    "babalmandab", "bosporus", "gibraltar", "suez", "panama", "ormuz",
    "northwest", "malacca", "sunda", "chili", "south_africa", "bering",
)  # fmt: skip
"""The passages of searoute 1.6 that a route can be kept out of."""
_STRAIT = r"(?:the\s+)?(?:straits?\s+of\s+|passage\s+of\s+|gulf\s+of\s+)?(?:the\s+)?"
_SPOKEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"bab[\s-]?(?:el|al|ul)?[\s-]?mand[ae]b|babalmandab|mandeb|red\s+sea|gulf\s+of\s+aden|houthis?"
        r"|horn\s+of\s+africa|gate\s+of\s+tears", ("babalmandab",)),
    (r"bosph?orus(?:\s+strait)?|dardanelles|turkish\s+straits?|black\s+sea", ("bosporus",)),
    (r"(?:straits?\s+of\s+)?gibraltar(?:\s+straits?)?", ("gibraltar",)),
    (
        r"(?:the\s+)?(?:two|both)\s+(?:ship\s+|big\s+|great\s+)?canals|(?:suez\s+(?:and|or|nor"
        r"|&)\s+panama|panama\s+(?:and|or|nor|&)\s+suez)\s+canals?"

         r"|either\s+(?:of\s+the\s+)?canals?|any\s+canals?|all\s+(?:the\s+)?canals|canals(?!\s*:)"
         r"|canal\s+(?:transits?|tolls?|fees|dues)", ("suez", "panama")),
    (r"suez(?:\s*-?\s*canal)?(?:\s+route)?", ("suez",)),
    (r"panama(?:\s*-?\s*canal)?(?!\s+city|x)(?:\s+route)?", ("panama",)),
    (r"(?:straits?\s+of\s+)?h?ormuz(?:\s+straits?)?|persian\s+gulf|arabian\s+gulf", ("ormuz",)),
    (r"north[\s-]?west\s+passage|northwest\b(?=\s*[,.]|$)", ("northwest",)),
    (r"the\s+arctic|arctic(?:\s+(?:route|ocean|waters|passage))?", ("northwest", "bering")),
    (r"bering(?:\s+straits?|\s+sea)?|northern\s+sea\s+route|north[\s-]?east(?:ern)?\s+passage", ("bering",)),
    (r"malacca(?:\s+straits?)?|singapore\s+straits?|straits?\s+of\s+singapore", ("malacca",)),
    (r"sunda(?:\s+straits?)?", ("sunda",)),
    (
        r"cape\s+horn|(?:straits?\s+of\s+)?magellan(?:\s+straits?|\s+route)?|drake\s+passage"
        r"|tierra\s+del\s+fuego|\bthe\s+horn\b|\bchili\b"
     r"|(?:tip|south)\s+of\s+(?:south\s+america|chile)", ("chili",)),
    (
        r"cape\s+of\s+good\s+hopes?|good\s+hope|cape\s+agulhas|cape\s+route|south_africa"
        r"|south(?:ern)?\s+(?:tip\s+)?of\s+africa|southern\s+africa"

         r"|(?:the\s+)?cape(?!\s+(?:town|verde|horn|haitien|\w*\s*coast))\b(?=[\s,.;:!?)]|$)"
         r"|south\s+africa|(?:a)?round\s+africa|africa", ("south_africa",)),
)  # fmt: skip
_MENTION = re.compile(
    rf"\b{_STRAIT}(?:" + "|".join(f"(?P<p{i}>{words})" for i, (words, _) in enumerate(_SPOKEN)) + r")(?!\w)",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:avoid(?:s|ed|ing|ance)?|bypass(?:es|ed|ing)?|skip(?:s|ped|ping)?|without"
    r"|not(?!\s+(?:later|more|before|after|exceed\w*|earlier|less|over|above|only))"
    r"|no(?!\s+(?:later|more|earlier|less|sooner|longer|deeper|matter|rush|hurry|limit|budget))|non"
    r"|never|nor|neither|don'?t|dont|do\s+not"
    r"|mustn'?t|can'?t|cannot|won'?t|shouldn'?t|refuse|refrain|(?:keep|stay|steer|sail|remain"
    r"|be)(?:s|ing)?\s+(?:well\s+)?(?:clear|away|out|off)"
    r"|clear\s+of|away\s+from|(?:keep|stay|steer|leave|hold|remain)\w*\b[^.;]{0,25}\bout\s+of|exclusions?|no[\s-]go(?:es|s)?"
    r"|off[\s-]limits|exclud(?:e|es|ed|ing)|except(?:ing)?|instead\s+of"
    r"|rather\s+than|other\s+than|anything\s+but|any\s+way\s+but"
    r"|forbid(?:s|den)?|ban(?:s|ned)?|minus|shun|omit(?:ting)?|free\s+of|sans|rule\s+out"
    r"|leave\s+out|ignore|circumvent(?:ing)?|dodge|eschew|miss\s+out)\b"
    r"|non-",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:(?<!anything )(?<!way )(?<!route )but(?!\s+(?:not|no|avoid|never|without))|instead(?!\s+of)"
    r"|and\s+(?:then\s+)?(?:go|goes|going|sail|route|routing|take|use|using|come|proceed)(?:ing|s)?\b"
    r"|prefer(?:s|ably)?|only\s+(?:via|through|by|use)|is\s+(?:fine|ok|okay|allowed|acceptable"
    r"|open)|are\s+(?:fine|ok))"
    r"|[,:–—]\s*(?:go|sail|route|take|use|via|through|please\s+(?:go|use|take|route))\b|,\s*(?:from|to"
    r"|ready|budget|arriv\w+|deliver\w*|draft|departing|leaving)\b",
    re.IGNORECASE,
)
_BARRED = re.compile(
    r"^\s*(?:canal\s+|route\s+|passage\s+|strait\s+|[\w\s,]{0,25}?\s+)?(?:is|are|being|remains?"
    r"|stays|must\s+be|should\s+be|to\s+be|needs\s+to\s+be)?\s*"
    r"(?:closed|shut(?:\s+down)?|jammed|inaccessible|blocked|forbidden|banned|excluded|avoided|off[\s-]limits|off\s+the\s+table"
    r"|out\s+of\s+the\s+question|not\s+(?:an\s+option|allowed|permitted|acceptable|ok|okay|possible"
    r"|wanted|on|safe)"
    r"|unsafe|too\s+(?:risky|dangerous|expensive|costly)|prohibited|ruled\s+out|unacceptable"
    r"|a\s+no[\s-]go|no[\s-]go|impassable|barred|unavailable|isn'?t\s+(?:an\s+option|allowed"
    r"|acceptable|possible))\b"
    r"|^\s*-\s*free\b|^\s+free\b|^\s*(?:is\s+)?out\b(?!\s+of)|^\s*[:=]\s*(?:no|avoid|excluded)\b",
    re.IGNORECASE,
)
_USE = re.compile(
    r"\b(?:via|through|thru|using|use|take|transit(?:s|ing)?|by\s+way\s+of|past|round|around|by"
    r"|over|go|passing|across)\s+(?:only\s+)?(?:the\s+)?$",
    re.IGNORECASE,
)
_PORT_CUE = re.compile(
    r"\b(?:from|to|into|ex|at|out\s+of|for|between|and|port\s+of|near|in|leaving|→|->)\s*$", re.IGNORECASE
)
_EVERYTHING = re.compile(
    r"\b(?:avoid(?:ing)?|without(?:\s+using)?|not?\s+(?:use|through|via)?|exclude"
    r"|bypass)\s+(?:absolutely\s+)?"
    r"(?:everything|everywhere|anything|(?:all|any|every|each)(?:\s+of)?(?:\s+the)?\s+(?:known\s+"
    r"|possible\s+|sea\s+)?(?:passages?|routes?|chokepoints?|choke\s+points?|straits?|seas?|oceans?"
    r"|water(?:s|ways?)?)(?:\s+and\s+\w+)?)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"\b(?:[Aa]void(?:ing)?|AVOID(?:ING)?|(?:[Ss]tay|[Ss]teer|[Kk]eep)\s+(?:well\s+)?(?:clear\s+of"
    r"|away\s+from|out\s+of)|[Nn]ot\s+(?:through|via)|[Bb]ypass(?:ing)?|without\s+transiting)\s+"
    r"(?:the\s+|any\s+)?(?P<name>(?:[A-Z][\w'-]+|[A-Z]\b)(?:\s+(?:of\s+|the\s+)*[A-Z][\w'-]+)*)"
)
_LISTED_ON = re.compile(r"\s*(?:[;,/&+]|and|or)\s*(?:the\s+)?")
_ONE_WORD = {
    "suez": "suez", "panama": "panama", "malacca": "malacca", "gibraltar": "gibraltar", "bosphorus": "bosporus",
    "hormuz": "ormuz", "magellan": "chili", "mandeb": "babalmandab",
}  # fmt: skip
_AVOIDED_WORD = re.compile(
    r"\b(?:avoid(?:ing)?|not\s+(?:through|via)|without|no|skip|bypass|clear\s+of)\s+(?:the\s+)?(\w{4,})",
    re.IGNORECASE,
)
_RISK = re.compile(
    r"\bavoid(?:ing)?\s+(?:the\s+|any\s+|all\s+)?(?P<name>(?:\w+[\s-]){0,3}?(?:war|risk|conflict"
    r"|danger\w*|pira\w+|choke\s?points?|sanction\w*|hostil\w+)\b[\s-]?(?:zones?|areas?|waters"
    r"|regions?|activity)?)",
    re.IGNORECASE,
)
_THE_CANAL = re.compile(r"\bthe\s+canal\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoidance:
    """Passages of a request, in the order of mention."""

    avoid: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    """Passages that the request says to use."""
    spans: tuple[Span, ...] = ()
    """Where they stand, so that nothing there is read as a port."""
    refusals: tuple[str, ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read_avoid(text: str) -> Avoidance:
    """Find every passage that the text names and say which of them it rules out."""
    if everything := _EVERYTHING.search(text):
        return Avoidance(
            refusals=(f"{everything[0]!r} leaves no sea route; say which of {', '.join(PASSAGES)} to avoid",)
        )
    mended = _misspelt(text)
    avoid = [_ONE_WORD[word] for _, word in mended]
    wanted: list[str] = []
    spans = [span for span, _ in mended]
    for match in _MENTION.finditer(text):
        stance = _stance(text, match)
        gap = text[spans[-1].end : match.start()] if spans else ""
        if stance == "port" and avoid and _LISTED_ON.fullmatch(gap):
            stance = "avoid"
        if stance == "port":
            continue
        names = next(_SPOKEN[i][1] for i in range(len(_SPOKEN)) if match[f"p{i}"] is not None)
        (avoid if stance == "avoid" else wanted).extend(names)
        spans.append(Span(start=match.start(), end=match.end(), text=match[0]))
    both = [name for name in dict.fromkeys(avoid) if name in wanted]
    return Avoidance(
        avoid=tuple(dict.fromkeys(avoid)),
        wanted=tuple(dict.fromkeys(wanted)),
        spans=tuple(spans),
        refusals=tuple(
            f"the request contradicts itself: it wants {name!r} both used and avoided" for name in both
        ),
        ambiguous=tuple(_unclear(text, spans)),
        notes=tuple(f"read {span.text!r} as {word.capitalize()}" for span, word in mended),
    )


def _stance(text: str, match: re.Match[str]) -> str:
    """`avoid`, `use` or `port` for one mention."""
    before = text[clause_start(text, match.start()) : match.start()]
    after = text[match.end() : clause_end(text, match.end())]
    if _BARRED.match(after.split(",")[0]):
        return "avoid"
    negations = list(_NEGATION.finditer(before))
    turns = list(_TURN.finditer(before))
    if negations and not any(turn.start() >= negations[-1].start() for turn in turns):
        return "port" if _is_port_after(before[negations[-1].end() :], match) else "avoid"
    is_waterway = re.search(
        r"canal|route|strait|cape|passage|hope|sea|arctic|horn|magellan", match[0], re.IGNORECASE
    )
    if _USE.search(before) or re.match(
        r"\s+(?:only|route|routing|canal|please|is\s+(?:fine|ok))", after, re.IGNORECASE
    ):
        return "use"
    return "use" if is_waterway and not _PORT_CUE.search(before) else "port"


def _is_port_after(between: str, match: re.Match[str]) -> bool:
    """A negation far back, and since then a cue that makes the mention an end of the voyage."""
    far = re.search(r"\b(?:from|to|into|for|ex)\s*$", between, re.IGNORECASE)
    waterway = re.search(r"canal|strait|cape|passage|sea\b|arctic|horn", match[0], re.IGNORECASE)
    return bool(far and len(between.split()) > 2 and not waterway)


def _misspelt(text: str) -> list[tuple[Span, str]]:
    """Passages written nearly right straight after a word of avoidance."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found: list[tuple[Span, str]] = []
    for match in _AVOIDED_WORD.finditer(text):
        if match[1].lower() in _ONE_WORD or _MENTION.match(text, match.start(1)):
            continue
        best = process.extractOne(
            match[1].lower(), list(_ONE_WORD), scorer=OSA.normalized_similarity, score_cutoff=0.74
        )
        if best is not None:
            found.append((Span(start=match.start(1), end=match.end(1), text=match[1]), best[0]))
    return found


def _unclear(text: str, spans: list[Span]) -> list[tuple[str, str]]:
    questions: list[tuple[str, str]] = []
    if not spans and (canal := _THE_CANAL.search(text)) and _NEGATION.search(text[: canal.start()]):
        questions.append(("avoid", "which canal should it avoid: 'suez' or 'panama'?"))
    unknown = [
        ("avoid", not_a_passage(match["name"]))
        for match in [*_UNKNOWN.finditer(text), *_RISK.finditer(text)]
        if not any(span.start < match.end() and match.start("name") < span.end for span in spans)
    ]
    return [*questions, *unknown]


def not_a_passage(name: str) -> str:
    """The question about something to avoid that is no passage."""
    return f"{name!r} is no passage that a route can avoid; there are: {', '.join(PASSAGES)}"
