"""What an answer claims, taken apart: its sentences, and in each the numbers, dates, names and other words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, cast

from .answer_forms import find_dates, reading, stripped
from .attempt import Attempt
from .numerals import PLAIN, SCALES, UNITS, WORDS
from .sentences import is_key, key_terms, sentence_spans, words_of

MAX_CLAIMS = 30
"""Sentences of an answer that are looked at."""
MAX_LENGTH = 10_000
"""Characters of an answer that are looked at."""
_SHORT = 5
"""Words up to which a capital at the start of a claim counts as a name's."""

_AMOUNT = re.compile(
    rf"(?P<currency>[$€£¥])?\s?(?<![\w.])(?:(?P<digits>{PLAIN})|(?P<word>{'|'.join(WORDS)})\b)"
    rf"(?:[ -](?P<scale>{'|'.join(SCALES)})\b)?(?P<percent>\s?%|\s?percent\b|\s?per cent\b)?"
    r"(?:\s*(?P<unit>[^\W\d_]+))?",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i (?:do not|don't|don’t|cannot|can't|can’t) (?:know|tell|find|answer)|unknown"
    r"|not (?:stated|mentioned|given|found"
    r"|provided)|no (?:evidence|information|answer)|unable to|insufficient)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number with what it counts."""

    value: Fraction
    percent: bool
    currency: str
    unit: str
    """The following word when it is a unit of measure, in the singular."""
    written: str
    spelled: bool
    """Written as a word."""

    def matches(self, other: Amount) -> bool:
        """Whether the other is this number, of the same unit where both have one."""
        same_unit = not (self.unit and other.unit) or self.unit == other.unit
        same_money = not (self.currency and other.currency) or self.currency == other.currency
        return self.value == other.value and same_unit and same_money and (other.percent or not self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of an answer."""

    text: str
    terms: frozenset[str]
    """Stems of all its words of weight; of all its words when it has neither those nor facts."""
    novel: frozenset[str]
    """Those that the question did not already say, numbers and dates left out."""
    facts: tuple[Amount | date, ...]
    """Its dates and numbers; in a claim of more than `_SHORT` words only numbers in digits: `one of the`, `in two
    ways` are no facts.
    """
    novel_facts: tuple[Amount | date, ...]
    """Those that the question did not already say."""
    names: Mapping[str, str]
    """Stem to name as written; names the question said are left out."""


def claims_of(answer: str, question: str) -> list[Claim]:
    """The claims of an answer, at most `MAX_CLAIMS`."""
    answer = stripped(answer[:MAX_LENGTH])
    asked = frozenset(word.stem for word in words_of(question))
    said = [fact for _, fact in facts_of(question, apart=True)]
    spans = sentence_spans(answer)[:MAX_CLAIMS]
    claims = [_claim(answer[start:end], asked, said) for start, end in spans]
    return [claim for claim in claims if claim.novel or claim.novel_facts]


def facts_of(text: str, *, apart: bool = False) -> list[tuple[int, Amount | date]]:
    """The dates and numbers of a text, each with where it starts; `apart` gives the numbers inside dates too."""
    days = list(find_dates(text))
    numbers = [
        (_start(match), _amount(match)) for match in _AMOUNT.finditer(text if apart else _without(text, days))
    ]
    return [*((start, day) for day, start, _ in days), *numbers]


def holds(facts: Sequence[Amount | date], fact: Amount | date) -> bool:
    """Whether a fact is among others."""
    if isinstance(fact, date):
        return fact in facts
    return any(isinstance(other, Amount) and fact.matches(other) for other in facts)


def answer_texts(attempt: Attempt) -> list[str]:
    """The texts an attempt answers with: the leaves of its value, or its text."""
    if isinstance(attempt.value, Mapping | list | tuple):
        return [leaf for leaf in _leaves(attempt.value) if leaf.strip()]
    return [attempt.text] if attempt.text.strip() else []


def says_nothing(answer: str) -> str:
    """Why an answer has nothing that a passage could support; empty when it has."""
    if not stripped(answer):
        return "there is no answer"
    if any(kind == "truth" for kind, _ in reading(answer).keys):
        return "a yes or no stands in no passage"
    if len(answer) < 200 and _REFUSAL.search(answer):
        return "the answer says that it does not know"
    return ""


def _claim(text: str, asked: frozenset[str], said: Sequence[Amount | date]) -> Claim:
    short = len(text.split()) <= _SHORT
    found = [(at, fact) for at, fact in facts_of(text) if short or isinstance(fact, date) or not fact.spelled]
    facts = tuple(dict.fromkeys(fact for _, fact in found))
    dateless = _without(text, list(find_dates(text)))
    figures = {
        word.stem for word in words_of(text) if (short and word.stem.isdigit()) or word.written[0].isdigit()
    }
    soft = key_terms(dateless) - figures if facts else key_terms(text)
    terms = soft if soft or facts else frozenset(word.stem for word in words_of(text))
    novel_facts = tuple(fact for fact in facts if not holds(said, fact))
    novel = terms - asked
    if not novel and not novel_facts:
        novel, novel_facts = terms, facts
    return Claim(
        text=text,
        terms=terms,
        novel=novel,
        facts=facts,
        novel_facts=novel_facts,
        names=_names(dateless, asked),
    )


def _without(text: str, days: Sequence[tuple[date, int, int]]) -> str:
    """A text with its dates blanked out, so that their numbers are not read again."""
    for _, start, end in days:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _names(text: str, asked: frozenset[str]) -> Mapping[str, str]:
    words = words_of(text)
    names = words if len(words) <= _SHORT else words[1:]
    return {
        word.stem: word.written
        for word in names
        if word.written[0].isupper() and is_key(word) and word.stem not in asked and not word.stem.isdigit()
    }


def _start(match: re.Match[str]) -> int:
    return match.start("digits") if match["digits"] else match.start("word")


def _amount(match: re.Match[str]) -> Amount:
    digits = match["digits"]
    value = Fraction(digits.replace(",", "")) if digits else Fraction(WORDS[match["word"].lower()])
    unit = (match["unit"] or "").lower()
    unit = unit if unit in UNITS else unit.removesuffix("s")
    return Amount(
        value=value * SCALES.get((match["scale"] or "").lower(), 1),
        percent=match["percent"] is not None,
        currency=match["currency"] or "",
        unit=unit if unit in UNITS else "",
        spelled=not digits,
        written=match.group().strip().removesuffix("" if unit in UNITS else match["unit"] or "").strip(),
    )


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in cast("Mapping[Any, Any]", value).values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
