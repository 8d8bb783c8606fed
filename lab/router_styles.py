"""Restyled copies of training rows, so that the policy learns what is asked and not how one set writes it.

References are masked or filled in with answers, case and question marks dropped, questions turned into orders and
back, options hung on. Every choice follows from the row's text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .router_data import Row

REFERENCE = re.compile(r"#\w+")

MASKS = ("it", "that", "X", "[MASK]", "the result", "this", "them", "the answer", "___", "the first", "")
"""What stands for a reference whose answer is not known."""

_NAMES = (
    "Lisbon", "the Suez Canal", "Rosa Almeida", "brown bears", "the Nile", "copper wire", "Northern Rail", "Portugal",
    "Henry Adeyemi", "green tea", "the Baltic Sea", "a violin", "wooden boats", "The Silent Harbour", "Islam",
    "sailors", "the 1960 Summer Games", "salt", "Kenya and Uganda", "red, green and blue", "spruce, fir, pine",
    "Mozart, Haydn", "football", "Queen Elena II", "the Pacific Ocean", "a heart attack", "honey", "yes", "no",
)  # fmt: skip
_NUMBERS = (
    "7", "12", "45", "300", "1,250", "3.5", "72.4", "1912", "1776", "2004", "15 years", "40 kg", "12.04 m", "9 days",
    "$350", "2 million", "60%", "5 feet 9 inches", "March 4, 1861", "10,514 nm", "18 to 35", "around 4000", "-20 °C",
)  # fmt: skip
_TO_ORDER = (
    (re.compile(r"^(?:is|are|was|were|does|do|did|can|could|would|has|have|will)\b", re.I),
     ("Check whether", "Decide if", "return if", "Determine whether", "Is it true that:")),
    (re.compile(r"^(?:what|which|who)\s+(?:is|are|was|were)\b", re.I), ("Find", "return", "Give", "Tell me", "Name")),
    (re.compile(r"^how (?:many|much)\b", re.I), ("Find how many", "Say how many", "return the number of")),
    (re.compile(r"^(?=what|which|who|when|where|why|how)", re.I), ("Find out", "Tell me", "Say", "return", "Look up")),
)  # fmt: skip


def restyled(row: Row) -> Iterator[Row]:
    """Copies of `row` with the same label; none for rows that must not be trained on."""
    random = Random(zlib.crc32(row.text.encode()))  # noqa: S311 - variety, not secrecy
    texts = [_plain(row.text)] if random.random() < 0.5 else []
    if REFERENCE.search(row.text):
        texts += [_masked(row.text, random), _filled(row.text, random), _plain(_filled(row.text, random))]
    if len(row.text) < 200 and "\n" not in row.text:
        texts += _reordered(row.text, random)
        if random.random() < 0.3:
            texts.append(_with_options(row.text, random, numeric=row.label == 1 and random.random() < 0.7))
    for text in dict.fromkeys(texts):
        if text != row.text and text.strip():
            yield replace(row, text=text)


def mask_references(text: str, mask: str = "it") -> str:
    """`text` with every `#k` replaced by `mask`."""
    return " ".join(REFERENCE.sub(mask, text).split())


def fill_references(text: str) -> str:
    """`text` with every `#k` replaced by a made-up answer; which one follows from the text."""
    return _filled(text, Random(zlib.crc32(text.encode()) + 1))  # noqa: S311 - variety, not secrecy


def _masked(text: str, random: Random) -> str:
    return mask_references(text, random.choice(MASKS))


def _filled(text: str, random: Random) -> str:
    """One kind of answer for all references: steps compare like with like."""
    pool = random.choice((_NAMES, _NUMBERS))
    return REFERENCE.sub(lambda _: random.choice(pool), text)


def _plain(text: str) -> str:
    return text.lower().rstrip(" ?.")


def _reordered(text: str, random: Random) -> list[str]:
    """A question as an order, an order as a question."""
    body = text.rstrip(" ?.")
    if body.lower().startswith("return "):
        rest = body[7:]
        if rest.startswith("if "):
            return [random.choice(("Is it true that ", "Check whether ", "Decide if ")) + rest[3:]]
        return [
            random.choice(("What is ", "Find ", "Which are ", "Give me ", "Tell me "))
            + rest
            + random.choice(("?", ""))
        ]
    for pattern, orders in _TO_ORDER:
        if pattern.search(body):
            return [random.choice(orders) + " " + pattern.sub("", body).strip()]
    return []


def _with_options(text: str, random: Random, *, numeric: bool) -> str:
    values = random.sample(_NUMBERS if numeric else _NAMES, 4)
    style = random.choice(("{}. {}", "({}) {}", "{}) {}"))
    lines = [style.format(letter, value) for letter, value in zip("ABCD", values, strict=True)]
    return "\n".join((text, *(("Options:",) if random.random() < 0.3 else ()), *lines))
