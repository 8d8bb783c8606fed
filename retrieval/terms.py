"""The terms of a text, as the lexical leg and the grading count them: words and parts of identifiers.

Function words are left out, and words are cut to a stem by a few rules; docs/retrieval.md compares them with others.
"""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"\w+")
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

_VOWEL = re.compile("[aeiouy]")
_SYLLABLE = re.compile("[aeiouy][^aeiouy]")
# Longest first, written as they stand once a final e is gone and a final y is an i: `organiz`, `activiti`.
_DERIVATIONS = (
    *(
        "ization",
        "isation",
        "ation",
        "ator",
        "ment",
        "ness",
        "ance",
        "anc",
        "enc",
        "ant",
        "ent",
        "abl",
        "ibl",
    ),
    *("ical", "ism", "ist", "iti", "ful", "ous", "al", "at", "er", "ic", "is", "iv", "iz"),
)
# The closed classes of English, and what questions are asked with: none of them names a topic.
_FUNCTION_WORDS = """
    a an the this that these those such some any each every either neither both all no none other another
    same own i you he she it we they me him her us them my your his its our their mine yours hers ours
    theirs myself yourself himself herself itself ourselves yourselves themselves one ones someone
    something anything am is are was were be been being do does did doing done have has had having can
    could may might must shall should will would ought cannot and or but nor so yet if then else than
    because although though while whereas unless until since whether as of in on at by for with from to
    into onto upon over under above below between among through during before after about against across
    along around behind beside besides beyond near off out up down toward towards within without what
    which who whom whose when where why how whatever whichever whoever whenever wherever there here now
    just also too very only even still again once ever never not more most much many few less least s t d
    ll m re ve don didn doesn isn aren wasn weren hasn haven hadn won wouldn couldn shouldn
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def split_terms(text: str) -> list[str]:
    """The terms of `text` in order, repeats kept: `How are maxRetries set?` gives `maxretri max retri set`."""
    terms: list[str] = []
    for word in _WORD.findall(text):
        parts = _IDENTIFIER_PART.findall(word)
        candidates = [word, *parts] if len(parts) > 1 else [word]
        terms.extend(stem(term) for term in map(str.lower, candidates) if term not in FUNCTION_WORDS)
    return terms


@functools.lru_cache(maxsize=2**16)
def stem(word: str) -> str:
    """`word`, lower-cased before, without its plural, its inflection and one derivational ending."""
    word = _fold_plural(word)
    if len(word) < 5 or not word.isalpha():
        return word
    word = _fold_final(_cut_inflection(word))
    for ending in _DERIVATIONS:
        rest = word.removesuffix(ending)
        if len(rest) < len(word) and len(rest) >= 4 and _SYLLABLE.search(rest):
            return rest
    return word


def _fold_plural(word: str) -> str:
    """The rules of Harman's S stemmer (JASIS 42, 1991)."""
    if len(word) <= 3 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else word[:-3] + "y"
    if word.endswith("es") and word[-3] in "aeo":
        return word
    return word if word[-2] in "us" else word[:-1]


def _cut_inflection(word: str) -> str:
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if len(rest) < len(word) and len(rest) >= 3 and _VOWEL.search(rest):
            doubled = rest[-1] == rest[-2] and rest[-1] not in "lsz"
            word = rest[:-1] if doubled else rest
            break
    return word[:-2] if word.endswith("ly") and len(word) > 5 else word


def _fold_final(word: str) -> str:
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word
