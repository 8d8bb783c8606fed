"""The terms of a text, as the lexical leg and the grading count them: words and parts of identifiers.

Function words are left out, plural endings are folded, and nothing else is stemmed.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

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
    """The terms of `text` in order, lower-cased, repeats kept: `maxRetries` gives `maxretries max retry`."""
    terms: list[str] = []
    for word in _WORD.findall(text):
        parts = _IDENTIFIER_PART.findall(word)
        candidates = [word, *parts] if len(parts) > 1 else [word]
        terms.extend(fold_plural(term) for term in map(str.lower, candidates) if term not in FUNCTION_WORDS)
    return terms


def fold_plural(word: str) -> str:
    """`word` without an English plural ending (Harman 1991, the S stemmer); other words as they are."""
    if len(word) <= 3 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else word[:-3] + "y"
    if word.endswith("es") and word[-3] in "aeo":
        return word
    return word if word[-2] in "us" else word[:-1]
