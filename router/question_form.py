"""The form of a prompt as numbers: length, numbers and signs, options and how alike they are, question words.

No word of its topic is looked at. Training and inference share this file; a change of what is measured asks for
another `VERSION`, so that old weights are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import combinations

VERSION = 1
FRONT, BACK = 2400, 1600
"""Characters read of a very long prompt, from either end."""

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*|[^\w\s]")
_OPTION = re.compile(r"(?:^|\n)[ \t]*\(?([A-J])[).:][ \t]*([^\n]*)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CODE = re.compile(r"\bdef \w+\(|>>>|\breturn\b.*\n|\bfunction\b|\bclass \w+:|```")
_ORDER = re.compile(
    r"(?:write|find|compute|evaluate|let|given|determine|express|simplify|solve|calculate|suppose|identify|estimate|list"
    r"|name|explain|describe|consider)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.?!](?:\s|$)")
_NAME = re.compile(r"(?<![.?!:\n] )(?<!^)\b[A-Z][a-z]{2,}")
_FIGURES = frozenset("0123456789+-=^/()$.,% ")
_NUMERALS = frozenset(
    (
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "hundred",
        "thousand",
        "half",
        "twice",
        "double",
        "triple",
        "third",
        "quarter",
        "dozen",
    )
)
_NEGATIONS = frozenset(
    (
        "not",
        "except",
        "never",
        "no",
        "least",
        "false",
        "incorrect",
        "without",
        "neither",
        "nor",
        "cannot",
        "isn't",
        "doesn't",
    )
)
_RELATIONS = frozenset(
    (
        "each",
        "every",
        "per",
        "percent",
        "average",
        "total",
        "remaining",
        "left",
        "rest",
        "times",
        "more",
        "less",
        "than",
        "fraction",
        "ratio",
        "remainder",
        "before",
        "after",
        "then",
        "if",
        "same",
        "difference",
        "how",
        "many",
        "much",
    )
)
_QUESTION_WORDS = ("what", "which", "who", "when", "where", "why", "how")
_OPENINGS = ("what", "which", "how", "if", "the", "a")
_SIGNS = ("$", "\\", "%", ",", "\n", '"')
_OPERATORS = frozenset("+*/=^<>%")


def clip(text: str) -> str:
    """The text, or both ends of a very long one."""
    return text if len(text) <= FRONT + BACK else text[:FRONT] + "\n" + text[-BACK:]


def form(text: str) -> list[float]:
    """`WIDTH` measures of `text`; counts as logarithms, shares as they are."""
    text = clip(text)
    found = list(_OPTION.finditer(text))
    stem = text[: found[0].start()] if len(found) >= 2 else text
    tokens = _tokens(stem)
    words = [token for token in tokens if token[0].isalpha()]
    everything = words if stem is text else [token for token in _tokens(text) if token[0].isalpha()]
    options = [match.group(2).strip() for match in found]
    return [
        *_size(text, stem, words, everything),
        *_numbers(stem, words),
        *_wording(words, everything),
        *_marks(stem, tokens),
        *_shape(text),
        *_options(options, tokens),
    ]


def _size(text: str, stem: str, words: Sequence[str], everything: Sequence[str]) -> list[float]:
    sentences = len(_SENTENCE_END.findall(stem))
    return [
        math.log1p(len(text)),
        math.log1p(len(stem)),
        math.log1p(len(words)),
        math.log1p(sentences),
        len(words) / max(sentences, 1) / 20.0,
        sum(map(len, everything)) / (len(everything) or 1),
    ]


def _numbers(stem: str, words: Sequence[str]) -> list[float]:
    numbers = _NUMBER.findall(stem)
    values = [value for number in numbers if (value := _value(number)) is not None]
    return [
        math.log1p(len(numbers)),
        math.log1p(len(set(numbers))),
        math.log1p(max(values, default=0.0)),
        float(any(value != math.floor(value) for value in values)),
        float(any(len(number) == 4 and number[0] in "12" for number in numbers)),
        math.log1p(sum(word in _NUMERALS for word in words)),
    ]


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", "")[:12])
    except ValueError:
        return None


def _wording(words: Sequence[str], everything: Sequence[str]) -> list[float]:
    known, total = set(words), len(everything) or 1
    first = words[0] if words else ""
    return [
        math.log1p(sum(word in _NEGATIONS for word in words)),
        math.log1p(sum(word in _RELATIONS for word in words)),
        len(known) / (len(words) or 1),
        sum(len(word) > 9 for word in everything) / total,
        sum(len(word) < 4 for word in everything) / total,
        sum(len(word) == 1 and word not in "ai" for word in everything) / total,
        float("i" in known),
        *(float(word in known) for word in _QUESTION_WORDS),
        *(float(word == first) for word in _OPENINGS),
    ]


def _marks(stem: str, tokens: Sequence[str]) -> list[float]:
    names = len(_NAME.findall(stem))
    end = stem.rstrip()
    return [
        math.log1p(names),
        names / (len(tokens) or 1),
        math.log1p(sum(token in _OPERATORS for token in tokens)),
        math.log1p(sum(len(token) == 1 and not token.isalnum() for token in tokens)),
        math.log1p(stem.count(";") + stem.count("(")),
        *(math.log1p(stem.count(sign)) for sign in _SIGNS),
        float("_" in stem),
        float(end.endswith("?")),
        float(end.endswith(":")),
        float("statement 1" in stem.lower()),
    ]


def _shape(text: str) -> list[float]:
    """How the prompt as a whole is put: set as a question, a search, code, a list, with a demand at its end."""
    start, end = text.lstrip(), text.rstrip()
    first, last, size = start[:1], end[-1:], len(text) or 1
    return [
        float(first.islower()),
        float(first.isupper()),
        float(last == "."),
        float(last.isalnum()),
        float(last in "\"')}]>"),
        float(text[:1].isspace()),
        sum(map(str.isupper, text)) / size,
        sum(map(str.isdigit, text)) / size,
        sum(not (sign.isalnum() or sign.isspace()) for sign in text) / size,
        math.log1p(text.count("\n\n")),
        math.log1p(max(map(len, text.split("\n")))),
        math.log1p(text.count("  ")),
        float(_CODE.search(text) is not None),
        float("{" in end[-80:] or "}" in end[-80:]),
        float(_ORDER.match(start) is not None),
    ]


def _options(options: Sequence[str], asked: Sequence[str]) -> list[float]:
    if not options:
        return [0.0] * 9
    bags = [frozenset(_tokens(option)) for option in options]
    alike = [len(a & b) / (len(a | b) or 1) for a, b in combinations(bags, 2)] or [0.0]
    stem = frozenset(asked)
    named = [len(bag & stem) / len(bag) for bag in bags if bag] or [0.0]
    sizes = [len(option) for option in options]
    lower = [option.lower() for option in options]
    return [
        len(options) / 5.0,
        math.log1p(sum(sizes) / len(sizes)),
        math.log1p(max(sizes)) - math.log1p(min(sizes)),
        sum(alike) / len(alike),
        max(alike),
        sum(named) / len(named),
        sum(map(_numeric, options)) / len(options),
        float(any("none of" in option or "all of" in option for option in lower)),
        float(any(" only" in option or " and " in option for option in lower)),
    ]


def _numeric(option: str) -> bool:
    return 2 * sum(sign in _FIGURES for sign in option) >= len(option) > 0


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


WIDTH = len(form(""))
