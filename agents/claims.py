"""What an answer claims, taken apart: its sentences, and in each the numbers, dates, names and other words of weight."""

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
_SHORT = 5
"""Words up to which a capital at the start of a claim counts as a name's."""

_AMOUNT = re.compile(
    rf"(?P<currency>[$€£¥])?\s?(?<![\w.])(?:(?P<digits>{PLAIN})|(?P<word>{'|'.join(WORDS)})\b)"
    rf"(?:[ -](?P<scale>{'|'.join(SCALES)})\b)?(?P<percent>\s?%|\s?percent\b|\s?per cent\b)?(?:\s*(?P<unit>[^\W\d_]+))?",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i (?:do not|don't|don’t|cannot|can't|can’t) (?:know|tell|find|answer)|unknown|not (?:stated|mentioned|given|found"
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

    def found_in(self, others: Sequence[Amount]) -> bool:
        """Whether one of the others is this number, of the same unit where both have one."""
        return any(self._is(other) for other in others)

    def _is(self, other: Amount) -> bool:
        same_unit = not (self.unit and other.unit) or self.unit == other.unit
        same_money = not (self.currency and other.currency) or self.currency == other.currency
        return self.value == other.value and same_unit and same_money and (other.percent or not self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of an answer."""

    text: str
    terms: frozenset[str]
    """Stems of all its words of weight; of all its words when none has any."""
    novel: frozenset[str]
    """Those that the question did not already say."""
    amounts: tuple[Amount, ...]
    dates: tuple[date, ...]
    names: Mapping[str, str]
    """Stem to name as written; names the question said are left out."""


def claims_of(answer: str, question: str) -> list[Claim]:
    """The claims of an answer, at most `MAX_CLAIMS`."""
    answer = stripped(answer)
    asked = frozenset(word.stem for word in words_of(question))
    spans = sentence_spans(answer)[:MAX_CLAIMS]
    claims = [_claim(answer[start:end], asked) for start, end in spans]
    return [claim for claim in claims if claim.terms]


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


def amounts_of(text: str) -> list[Amount]:
    """The numbers of a text with their units; both ends of a range count."""
    return [_amount(match) for match in _AMOUNT.finditer(text)]


def _claim(text: str, asked: frozenset[str]) -> Claim:
    days = list(find_dates(text))
    dateless = text
    for _, start, end in days:
        dateless = dateless[:start] + " " * (end - start) + dateless[end:]
    terms = key_terms(dateless) or frozenset(word.stem for word in words_of(text))
    return Claim(
        text=text,
        terms=terms,
        novel=(terms - asked) or terms,
        amounts=tuple(amounts_of(dateless)),
        dates=tuple(day for day, _, _ in days),
        names=_names(dateless, asked),
    )


def _names(text: str, asked: frozenset[str]) -> Mapping[str, str]:
    words = words_of(text)
    names = words if len(words) <= _SHORT else words[1:]
    return {
        word.stem: word.written
        for word in names
        if word.written[0].isupper() and is_key(word) and word.stem not in asked and not word.stem.isdigit()
    }


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
        written=match.group().strip().removesuffix(match["unit"] or "").strip(),
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
