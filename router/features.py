"""What the learned policy sees of a text: a list of feature names with values, in plain Python.

Several views of the same words: the words themselves (one, two in a row, opening, runs of letters), the skeleton in
which every content word is a blank, so that what is learned from one topic holds for the next, the form (opening,
references, numbers, length in pairs), surface signs (operators, option lists, names), and the literal wording of
a short question, which a model of its own weighs. Training and inference share this file; a change asks for retraining.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise

from .lexicon import CLASSES, FUNCTION_WORDS

HEAD, TAIL = 360, 240
"""Characters read from the front and the end of a long text: the question sits at one of them."""

RUNS = (3, 4, 5)
"""Lengths of the runs of letters."""
RUNS_SHARE = 0.7
"""Length of their part of the features, where that of the words is 1."""

STEP = "t "
"""Prefix of the features of which only a short question has any; they are fitted apart from the rest."""
STEP_TOKENS = 24
"""Tokens from which a question no longer counts as short."""

Features = list[tuple[str, float]]

_TOKEN = re.compile(r"#\w+|\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?|[+*/=<>^%$°√∑∫≤≥{}\\|-]|\?")
_REFERENCE = re.compile(r"#\w+")
_FRAME = re.compile(r"(?:^|\n)\s*(?:answer|question|options|choices|q|a)\s*:|\breturn\b", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|\n|\s)\(?[A-J][).:]\s")
_OPTION_VALUE = re.compile(r"(?:^|\n|\s)\(?[A-J][).:]\s*([^\n]*)")
_CAPITAL = re.compile(r"(?<![.?!:\n] )(?<!^)\b[A-Z][a-z]{2,}")
_FORMULA = re.compile(
    r"[a-z0-9)]\s*[=^<>≤≥]\s*[-(a-z0-9]|\d\s*[-+*/]\s*\d|\b[a-z]\([a-z0-9]\)|\\[a-z]+\b", re.IGNORECASE
)
_LOGIC = re.compile(r"∀|∃|⊃|→|∨|∧|¬|~|\u2022|≡")
_MEASURE = re.compile(
    r"\d\s*(?:%|°|\$|(?:percent|kg|g|km|m|cm|mm|mph|kmh|miles?|feet|ft|inch(?:es)?|hours?|hrs?|minutes?|seconds?|days?"
    r"|weeks?|months?|years?|dollars?|cents?|usd|eur|euros?|tons?|tonnes?|teu|nm|knots?|litres?|liters?|pounds?|lbs?)\b)"
    r"|[$€£]\s*\d",
    re.IGNORECASE,
)


def read(text: str) -> Features:
    """The features of `text`, each name once. Cost grows with at most `HEAD + TAIL` characters."""
    if len(text) > HEAD + TAIL:
        text = text[:HEAD] + "\n" + text[-TAIL:]
    options = len(_OPTION.findall(text))
    body = _FRAME.sub(" ", text)
    tokens = _TOKEN.findall(body)
    words = [_shape(token) for token in tokens]
    if options >= 2:
        words = [word for word in words if word not in _LETTERS]
    wording = _words(words) + _skeleton(words) + _asked(body, options)
    steps = _of_steps(text, words, wording)
    return (
        wording + steps + _runs(words) + _form(words) + _signs(text, words, options) + _literal(text, tokens)
    )


def _literal(text: str, tokens: list[str]) -> Features:
    """The words of a short question as they stand: numbers by value, and `#2` is not `#1`, which came earlier."""
    if not 0 < len(tokens) < STEP_TOKENS or not text.rstrip().endswith("?") or _INNER_END.search(text):
        return []
    words = ["#" + token[1:].lstrip(_NOT_DIGITS) if token[0] == "#" else token.lower() for token in tokens]
    names = dict.fromkeys(STEP + word for word in words)
    names.update(dict.fromkeys(f"{STEP}{a} {b}" for a, b in pairwise(words)))
    return [(STEP, 0.25), *_scaled(list(names))]


def _of_steps(text: str, words: list[str], wording: Features) -> Features:
    """The wording once more under names of its own where a question rests on upstream answers.

    Steps use the same words to another end than whole questions do (Daumé 2007: one copy shared, one per domain).
    """
    if "#" not in words or not text.rstrip().endswith("?"):
        return []
    return [("r " + name, 1.5 * value) for name, value in wording if name[0] != "s"]


_NOT_DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_INNER_END = re.compile(r"[.?!:]\s+\S|\n")
_SENTENCE = re.compile(r"[^.?!\n]*[^.?!\s\n][^.?!\n]*[.?!]*")
_LETTERS = frozenset("abcdefghij")
_ASKS = "comparison superlative aggregate compute decide set lookup who when where why"
_ASKING = frozenset(_ASKS.split())
"""Word classes that say what is asked, not about what."""


def _shape(token: str) -> str:
    """Lower case; references and numbers by their shape only."""
    if token[0] == "#":
        return "#"
    if token[0].isdigit():
        if len(token) == 4 and token[0] in "12" and token.isdigit():
            return "<year>"
        return "<n>" if token.isdigit() else "<n.n>"
    return token.lower()


def _words(words: list[str]) -> Features:
    names = dict.fromkeys("w " + word for word in words)
    names.update(dict.fromkeys(f"b {a} {b}" for a, b in pairwise(words)))
    for word in words:
        if len(word) > 5:
            names["s " + word[-4:]] = None
    return _scaled(list(names))


def _runs(words: list[str]) -> Features:
    """Runs of three to five letters inside words: stems and endings of words never seen whole."""
    names: dict[str, None] = {}
    for word in dict.fromkeys(words):
        if len(word) > 2 and word[0].isalpha():
            names.update(_kept_runs_of(word) if len(word) < 25 else _runs_of(word))
    value = RUNS_SHARE * len(names) ** -0.5 if names else 0.0
    return [(name, value) for name in names]


def _runs_of(word: str) -> dict[str, None]:
    padded = f"<{word}>"
    end = len(padded) + 1
    return dict.fromkeys("h " + padded[i : i + size] for size in RUNS for i in range(end - size))


_kept_runs_of = lru_cache(maxsize=4096)(_runs_of)
"""Most words come again; those too long to be words are not kept."""


def _form(words: list[str]) -> Features:
    """Opening word, references, numbers, word classes and length, in pairs and threes: a step's form on any topic."""
    if not words:
        return []
    opening = next((word for word in words if word != "?"), "")
    opening = opening if opening in FUNCTION_WORDS else "_"
    answers = f"{min(words.count('#'), 3)} answers"
    numbers = min(sum(word.startswith("<n") for word in words), 2)
    content = sum(word[0].isalpha() and word not in FUNCTION_WORDS for word in words)
    size = f"{min(len(words), 12)} tokens"
    names = {
        f"x {opening}, {answers}": None,
        f"x {opening}, {answers}, {numbers} numbers": None,
        f"x {opening}, {answers}, {min(content, 3)} content words": None,
        f"x {opening}, {size}": None,
        f"x {answers}, {size}": None,
    }
    for name in sorted({name for word in words for name in CLASSES.get(word, ()) if name in _ASKING}):
        names[f"x {name} words, {answers}"] = None
        names[f"x {opening}, {name} words, {'some' if '#' in words else 'no'} answers"] = None
    return [(name, 0.5) for name in names]


def _skeleton(words: list[str]) -> Features:
    bones: list[str] = []
    for word in words:
        bone = word if word in FUNCTION_WORDS or not word[0].isalpha() else "_"
        if bone != "_" or not bones or bones[-1] != "_":
            bones.append(bone)
    bones = ["^", *bones, "$"]
    names = dict.fromkeys(f"k {a} {b}" for a, b in pairwise(bones))
    names.update(
        dict.fromkeys(f"k {a} {b} {c}" for a, b, c in zip(bones, bones[1:], bones[2:], strict=False))
    )
    names["o " + " ".join(bones[1:4])] = None
    return _scaled(list(names))


def _asked(body: str, options: int) -> Features:
    """How the sentence that asks opens: the last question, or what stands before the options."""
    if options >= 2 and (first := _OPTION.search(body)) is not None:
        body = body[: first.start()]
    sentences = _SENTENCE.findall(body)
    asking = [sentence for sentence in sentences if sentence.endswith("?")] or sentences
    if not asking:
        return []
    words = [_shape(token) for token in _TOKEN.findall(asking[-1])]
    bones = [word if word in FUNCTION_WORDS or not word[0].isalpha() else "_" for word in words]
    names = ["q " + " ".join(bones[:size]) for size in (1, 2, 3)] + ["e " + " ".join(bones[-3:])]
    return [(name, 0.5) for name in dict.fromkeys(names)]


def _scaled(names: list[str]) -> Features:
    """Unit length, so that a long text does not outvote its own signs."""
    value = len(names) ** -0.5 if names else 0.0
    return [(name, value) for name in names]


def _signs(text: str, words: list[str], options: int) -> Features:
    """Surface signs, 0 to 1 or a small count; what has no sign is left out."""
    counts = Counter(words)
    numbers = counts["<n>"] + counts["<n.n>"]
    found: Features = [
        ("d references", min(counts["#"], 3) / 2),
        ("d references 2", float(counts["#"] >= 2)),
        ("d numbers", min(numbers, 6) / 3),
        ("d numbers 2", float(numbers >= 2)),
        ("d years", float(counts["<year>"] > 0)),
        ("d formula", min(len(_FORMULA.findall(text)), 3) / 2),
        ("d logic signs", float(_LOGIC.search(text) is not None)),
        ("d measures", min(len(_MEASURE.findall(text)), 3) / 2),
        ("d question mark", float(text.rstrip().endswith("?"))),
        ("d length " + str(min(len(words) // 6, 8)), 0.5),
        ("d repetition", 2.0 * (1.0 - len(counts) / len(words)) if len(words) > 24 else 0.0),
        ("d names", min(len(_CAPITAL.findall(text)), 4) / 4),
    ]
    found += _class_signs(words)
    if options >= 2:
        found += _option_signs(text, words)
    return [(name, value) for name, value in found if value]


def _class_signs(words: list[str]) -> Features:
    hits: dict[str, int] = {}
    for word in words:
        for name in CLASSES.get(word, ()):
            hits[name] = hits.get(name, 0) + 1
    return [("c " + name, min(count, 3) / 2) for name, count in hits.items()]


def _option_signs(text: str, words: list[str]) -> Features:
    """What the options look like says more than that there are some: numbers, prose, or what the text already named."""
    values = _OPTION_VALUE.findall(text)
    if not values:
        return []
    counts = Counter(words)
    numeric = restated = length = 0
    for value in values:
        plain = value.lower().split()
        length += len(plain)
        marks = sum(1 for sign in value if sign.isdigit() or sign in "+-=^/()$√π")
        numeric += marks * 2 >= len(value.strip()) > 0
        content = [word.strip(".,;:'\"()") for word in plain if len(word) > 2]
        restated += bool(content) and all(counts[word] >= 2 or word in FUNCTION_WORDS for word in content)
    return [
        ("d numeric options", numeric / len(values)),
        ("d long options", min(length / len(values), 16) / 8),
        ("d restated options", 1.5 * restated / len(values)),
    ]
