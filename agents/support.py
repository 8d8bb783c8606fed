"""How well a passage carries a claim: the sentences that hold the claim's words, and how near they are to the question.

The weights were chosen on XQuAD; `lab/verification_figures.py` measures them there and elsewhere. Words are compared,
not meanings.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ..retrieval.evidence import Evidence
from .claims import Amount, Claim, facts_of, holds
from .sentences import Word, key_terms, sentence_spans, words_of

COVERED = 0.75
"""Share of a claim's new words that one or two sentences must hold."""

_OCCURRENCES = 20
"""Places of one word in a span that are looked at."""
_REACH = 5
"""Words of distance at which a question's term counts half."""
_WEIGHTS = {"near": 1.0, "best": 0.3, "kind": 0.3}
_ECHO = 0.5
"""Worth of an answer that only repeats the question."""
_NUMERIC = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|large|big|high|fast|often|deep|wide)\b"
    r"|^when\b|\bwhen (?:did|was|were|is|do|does)\b"
    r"|\b(?:what|which) (?:number|percent|percentage|year|date|amount|day|decade|century|distance|price)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_TIME_WORD = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*|\b(?:day|week|month|year|century|before|after|during|half|"
    r"daily|never|always|several|dozen|hundred|thousand|million)s?\b",
    re.IGNORECASE,
)
_NEGATIONS = frozenset(
    ["not", "never", "no", "none", "nor", "neither", "cannot", "without", "nobody", "nothing"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """An evidence with its words and sentences read once."""

    evidence: Evidence
    words: tuple[Word, ...]
    spans: tuple[tuple[int, int], ...]
    stems: frozenset[str]
    """Of the words and the heading's."""
    facts: tuple[tuple[int, Amount | date], ...]
    """Dates and numbers with where they start; those of the heading at -1."""

    @classmethod
    def of(cls, evidence: Evidence) -> Passage:
        """Reads an evidence."""
        text = evidence.text
        heading = evidence.heading or ""
        return cls(
            evidence=evidence,
            words=tuple(words_of(text)),
            spans=tuple(sentence_spans(text)),
            stems=frozenset(word.stem for word in words_of(f"{heading}\n{text}")),
            facts=(*facts_of(text, apart=True), *((-1, fact) for _, fact in facts_of(heading, apart=True))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """One or two sentences of a passage as the ground of a claim."""

    passage: Passage
    start: int
    end: int
    coverage: float
    """Share of the claim's new words that stand in them, 0 to 1."""
    relevance: float
    """How near the question's words are to them, 0 to 1."""
    sentences: int
    opposed: bool
    """One says `not` where the other does not."""

    @property
    def quote(self) -> str:
        """The sentences as they stand in the passage."""
        return self.passage.evidence.text[self.start : self.end]


def supports(claim: Claim, passages: Sequence[Passage], question: str) -> Iterator[Support]:
    """Every span of one sentence, or of two that follow one another, with what it is worth for a claim."""
    asked = key_terms(question)
    kind = kind_fits(question, claim)
    echo = _ECHO if claim.novel <= asked and not claim.novel_facts else 1.0
    for passage in passages:
        shares = [len(asked & _stems(passage, *span)) / max(1, len(asked)) for span in passage.spans]
        best = max(shares, default=0.0) or 1.0
        spans = [(span, share, 1) for span, share in zip(passage.spans, shares, strict=True)]
        pairs = [((a[0][0], b[0][1]), max(a[1], b[1]), 2) for a, b in pairwise(spans)]
        for (start, end), share, sentences in spans + pairs:
            held = _places(claim, passage, start, end)
            near = _nearness(held, asked, passage, start, end)
            worth = _WEIGHTS["near"] * near + _WEIGHTS["best"] * share / best + _WEIGHTS["kind"] * kind
            yield Support(
                passage=passage,
                start=start,
                end=end,
                coverage=len(held) / (len(claim.novel) + len(claim.novel_facts)),
                relevance=echo * worth / sum(_WEIGHTS.values()),
                sentences=sentences,
                opposed=_opposed(claim, passage, start, end),
            )


def best_support(claim: Claim, passages: Sequence[Passage], question: str) -> Support | None:
    """The span that holds most of a claim, of several the nearest to the question. Two sentences only where one does
    not hold the claim: a neighbour lends the question's words to answers that have nothing to do with them.
    """
    found = list(supports(claim, passages, question))
    single = [support for support in found if support.sentences == 1]
    if any(support.coverage >= COVERED for support in single):
        found = single
    return max(found, key=lambda support: (round(support.coverage, 6), support.relevance), default=None)


def held_anywhere(claim: Claim, passages: Sequence[Passage]) -> float:
    """Share of a claim's new words that stand anywhere in the passages."""
    return len(claim.novel & _all_stems(passages)) / len(claim.novel) if claim.novel else 1.0


def missing_from(claim: Claim, passages: Sequence[Passage]) -> str:
    """The first number, date or name of a claim that stands in no passage; empty when all do."""
    facts = list(dict.fromkeys(fact for passage in passages for _, fact in passage.facts))
    for fact in claim.facts:
        if not holds(facts, fact):
            return fact.isoformat() if isinstance(fact, date) else fact.written
    stems = _all_stems(passages)
    return next((name for stem, name in claim.names.items() if stem not in stems), "")


def kind_fits(question: str, claim: Claim) -> float:
    """Whether an answer is of the kind asked for: a number for `how many`, a name for `who`; 0 to 1."""
    numeric = bool(claim.facts)
    if _NUMERIC.search(question):
        return 1.0 if numeric or _TIME_WORD.search(claim.text) else 0.0
    named = any(character.isupper() for character in claim.text)
    if _PERSON.search(question):
        return 1.0 if named else 0.0 if numeric else 0.5
    return 0.4 if numeric and len(claim.text.split()) <= 2 else 0.75


def _all_stems(passages: Sequence[Passage]) -> frozenset[str]:
    return frozenset[str]().union(*(passage.stems for passage in passages))


def _stems(passage: Passage, start: int, end: int) -> frozenset[str]:
    return frozenset(word.stem for word in passage.words if start <= word.start < end)


def _places(claim: Claim, passage: Passage, start: int, end: int) -> dict[object, list[int]]:
    """What a claim newly says and a span holds, each with the numbers of the words where it does."""
    places: dict[object, list[int]] = {}
    inside = [word for word in passage.words if start <= word.start < end]
    for at, word in enumerate(inside):
        if word.stem in claim.novel:
            places.setdefault(word.stem, []).append(at)
    starts = [word.start for word in inside]
    for offset, fact in passage.facts if claim.novel_facts else ():
        if start <= offset < end:
            for own in claim.novel_facts:
                if holds([fact], own):
                    places.setdefault(own, []).append(bisect_left(starts, offset))
    return places


def _nearness(
    held: dict[object, list[int]], asked: frozenset[str], passage: Passage, start: int, end: int
) -> float:
    """Mean over the question's terms of how near each stands to what is held, halving every `_REACH` words."""
    if not asked or not held:
        return 0.0
    inside = [word.stem for word in passage.words if start <= word.start < end]
    places = [at for found in held.values() for at in found[:_OCCURRENCES]]
    total = 0.0
    for term in asked:
        distances = [abs(at - place) for at, stem in enumerate(inside) if stem == term for place in places]
        total += 1 / (1 + min(distances) / _REACH) if distances else 0.0
    return total / len(asked)


def _opposed(claim: Claim, passage: Passage, start: int, end: int) -> bool:
    """Only for claims of some length, and only where the sentences have no negation at all, or one right before a
    word of the claim: `was not built`, but not `built by no other`.
    """
    if len(claim.terms) < 4:
        return False
    claimed = any(_negates(word) for word in words_of(claim.text))
    inside = [word for word in passage.words if start <= word.start < end]
    denied = [at for at, word in enumerate(inside) if _negates(word)]
    if claimed:
        return not denied
    return any(word.stem in claim.terms for at in denied for word in inside[at + 1 : at + 3])


def _negates(word: Word) -> bool:
    written = word.written.casefold()
    return written in _NEGATIONS or written.endswith(("n't", "n’t"))
