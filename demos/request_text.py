"""The text of a request: clauses, words blanked out once they are read, and numbers however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12}
_WORDS = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * (tens + 2) for tens, word in enumerate(_TENS.split())
}
_WORD = "|".join(sorted([*_WORDS, *_SCALES], key=len, reverse=True))
_SPELT = rf"(?:(?:a|half a|{_WORD})\b(?:[\s-]+(?:and[\s-]+)?(?:a[\s-]+half|point|{_WORD})\b)*)"
_DIGITS = r"\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_SCALE = r"(?:\s*(?P<{0}scale>k|m|mm|mn|mio|mln|mil|million|millions|thousand|hundred|grand)(?![a-zA-Z]))?"
_SCALED = {"k": 1e3, "thousand": 1e3, "grand": 1e3, "hundred": 1e2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the request."""

    start: int
    end: int
    text: str


def number(name: str, *, scale: bool = True) -> str:
    """A pattern for one number: groups `NAMEsign`, `NAME` and, with `scale`, `NAMEscale` (k, m, million)."""
    head = rf"(?P<{name}sign>(?<![\w.])[-\u2212](?=\d)|\b(?:minus|negative)\s+)?"
    return head + rf"(?P<{name}>(?<![\d.,])(?:{_DIGITS})|\b{_SPELT})" + (_SCALE.format(name) if scale else "")


def read_number(match: re.Match[str], name: str, *, whole: bool = False) -> float:
    """The value of a `number(name)` in a match; `whole` reads `8.000` as eight thousand."""
    groups = match.groupdict()
    text = match[name].strip().lower()
    value = _digits(text, whole=whole) if text[0].isdigit() else _spelt(text)
    scale = (groups.get(f"{name}scale") or "").lower()
    value *= _SCALED.get(scale, 1e6) if scale else 1
    return -value if groups.get(f"{name}sign") else value


def _digits(text: str, *, whole: bool) -> float:
    plain = re.sub(r"[' \u00a0\u202f]", "", text)
    last = max(plain.rfind(","), plain.rfind("."))
    if last < 0:
        return float(plain)
    marks = {mark for mark in plain if mark in ",."}
    grouped = re.fullmatch(r"\d{1,3}([,.]\d{3})+", plain) is not None and len(marks) == 1
    if grouped and (whole or "," in marks or plain.count(".") > 1):
        return float(re.sub(r"[,.]", "", plain))
    return float(re.sub(r"[,.]", "", plain[:last]) + "." + plain[last + 1 :])


def _spelt(text: str) -> float:
    if text == "half a million":
        return 5e5
    total = part = 0.0
    words = [word for word in re.findall(r"[a-z]+", text) if word != "and"]
    half = words[-3:-1] == ["a", "half"] or words[-2:] == ["a", "half"]
    words = [
        word for position, word in enumerate(words) if not (word == "half" or (word == "a" and position))
    ]
    for position, word in enumerate(words):
        if word == "a":
            part = 1
        elif word == "point":
            part = float(f"{int(part)}.{''.join(str(_WORDS.get(w, '')) for w in words[position + 1 :])}")
            break
        elif word in _WORDS:
            part += _WORDS[word]
        elif _SCALES[word] < 1000:
            part = (part or 1) * _SCALES[word]
        else:
            total, part = total + ((part or 1) + (0.5 if half else 0)) * _SCALES[word], 0
            half = False
    if words and words[-1] in _SCALES and "point" in words:
        part *= _SCALES[words[-1]]
    return total + part


def blank(text: str, spans: Iterable[Span]) -> str:
    """The text with each span overwritten by dots of the same length, so that offsets keep."""
    letters = list(text)
    for span in spans:
        letters[span.start : span.end] = "·" * (span.end - span.start)
    return "".join(letters)


def clause_start(text: str, position: int) -> int:
    """Where the sentence or semicolon clause that holds `position` begins."""
    breaks = [
        found.end()
        for found in re.finditer(r"(?<!\b[A-Z])(?<!\bSt)(?<!\.)[.!?](?=\s)|[;\n]", text[:position])
    ]
    return breaks[-1] if breaks else 0


def clause_end(text: str, position: int) -> int:
    """Where that clause ends."""
    found = re.search(r"(?<!\b[A-Z])(?<!\bSt)(?<!\.)[.!?](?=\s|$)|[;\n]", text[position:])
    return position + found.start() if found else len(text)
