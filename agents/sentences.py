"""Sentences with their offsets, and the words of a text that carry meaning, reduced to stems.

Stemming is a short list of English endings: enough to match `interceptions` with `intercepted`, no more.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from .numerals import WORDS, listed

_END = re.compile(
    r"(?<=[.!?])[\"'”’)\]]*(?:\[\d+\])*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n\s*(?:\n|(?=[-*•|#]|\d+[.)]\s))|\s*;\s+"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Sr|Jr|Gen|Col|Lt|Capt|Rev|No|Nos|vs|Fig|Eq|cf|e\.g|i\.e|approx|ca|Inc|Ltd|Co|Mt)"
    r"|\b[A-Z](?:\.[A-Z])*)\.$"
)
_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_ENDINGS = listed(
    "izations isations ization isation ational ations ation itions ition ments ment ingly edly ities ity "
    "ions ion ings ing ives ive ers ors ier er or ed ies es ly al ance ence ous s y e"
)
STOPWORDS = frozenset(
    listed(
        "a an the and or but if of in on at by for with to from as into than then that this these those it "
        "its he she they them his her their him we us our you your i my me is are was were be been being am "
        "do does did done has have had having will would can could shall should may might must what which who "
        "whom whose when where why how many much there here also not no nor so such some any all each both "
        "more most other another same own very just about up out over under again only between during before "
        "after above below because while until upon per name given called s t d ll re ve"
    )
)
"""Words that say nothing of what a text is about."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text."""

    stem: str
    start: int
    end: int
    written: str


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, list item or clause behind a semicolon; without the space around it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if _ABBREVIATION.search(text[max(start, match.start() - 12) : match.start()]):
            continue
        _add(spans, text, start, match.start())
        start = match.end()
    _add(spans, text, start, len(text))
    return spans


def words_of(text: str) -> list[Word]:
    """All words and numbers; number words up to ninety are given as digits."""
    return [
        Word(stem(match.group()), match.start(), match.end(), match.group()) for match in _WORD.finditer(text)
    ]


def key_terms(text: str) -> frozenset[str]:
    """Stems of the words that say what a text is about."""
    return frozenset(word.stem for word in words_of(text) if is_key(word))


def is_key(word: Word) -> bool:
    """Whether a word carries meaning by itself."""
    return word.written.casefold() not in STOPWORDS


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word without case, accents and ending."""
    folded = "".join(
        c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c)
    )
    if folded[0].isdigit():
        return folded.replace(",", "").rstrip("0").rstrip(".") if "." in folded else folded.replace(",", "")
    folded = re.sub(r"['’]s?$", "", folded)
    if folded in WORDS:
        return str(WORDS[folded])
    for ending in _ENDINGS:
        if folded.endswith(ending) and len(folded) - len(ending) >= 4:
            return folded.removesuffix(ending)
    return folded.removesuffix("s") if len(folded) > 3 else folded


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    inner = text[start:end]
    if inner.strip():
        left = start + len(inner) - len(inner.lstrip())
        spans.append((left, left + len(inner.strip())))
