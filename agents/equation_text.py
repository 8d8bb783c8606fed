"""Text to the tokens that equations are found in: LaTeX, Unicode signs and words for operators become one notation.

Dates, times, ratios, versions and telephone numbers become single opaque tokens here, so that nothing later can take
them for subtractions or divisions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .numerals import PLAIN, SCALES

TokenKind = Literal["number", "operator", "open", "close", "percent", "equals", "says", "word", "other"]
"""`equals` is a sign, `says` a word that may mean one (`is`, `gives`)."""

_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_WRAPPER = re.compile(r"\\(?:text|mathrm|mathbf|textbf|boxed|mbox|operatorname)\s*\{([^{}]*)\}")
_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\d{41,}", " § "),
        (r"<<|>>|\\[()\[\]]|\\\\", " ; "),
        (r"\\(?:left|right|displaystyle|[,;!: ])", " "),
        (r"\\(?:times|cdot)\b|[×·⋅∙]", "*"),
        (r"\\div\b|[÷⁄]", "/"),
        (r"\\approx\b|≃|≅", "≈"),
        (r"\\([%$])", r"\1"),
        (r"\\[A-Za-z]+", " § "),
        (r"−|(?<=\s)–(?=\s)", "-"),
        (r"(?<=[\d)])²", "^2"),
        (r"(?<=[\d)])³", "^3"),
        (r"[²³]", ""),
        (r"(?<=[\d)])(\s?)\*\*\1(?=[\d(])", "^"),
        (r"\*\*", ""),
        (r"[$€£¥]", ""),
        (r"(?<=[\d)])\s*[xX]\s*(?=[\d(])", " * "),
        (r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+", ""),
    )
)
_TOKEN = re.compile(
    rf"""(?P<opaque>\d+(?:\.\d+){{2,}}|\d+(?::\d+)+|\d+(?:-\d+){{2,}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d+[a-z]*–\d+)
      | (?P<number>{PLAIN}(?:[eE][+-]?\d{{1,2}}\b)?|\.\d{{1,40}})
      | (?P<word>[^\W\d_][^\W_]*(?:['’-][^\W\d_]+)*(?:/[^\W\d_]+)?(?:\^\d)?)
      | (?P<relation>[<>!]=|=[<>]|->|≠)
      | (?P<equals>==?|≈)
      | (?P<percent>%)
      | (?P<operator>[-+*/^])
      | (?P<open>\() | (?P<close>\))
      | (?P<other>\.\.\.|[^\s])""",
    re.VERBOSE,
)
_OPERATOR_WORDS = {"plus": "+", "minus": "-", "times": "*"}
_SAYS = frozenset(["is", "are", "equals", "equal", "makes", "gives", "leaves", "totals"])


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line."""

    kind: TokenKind
    text: str
    glued: bool
    """Nothing stands between it and the token before."""
    scale: int = 1
    """What a scale word behind a number multiplies it by."""


def lines_of(text: str) -> list[str]:
    """The lines of a text that could hold an equation, in one notation."""
    for _ in range(4):
        text = _WRAPPER.sub(r" \1 ", _FRACTION.sub(r"((\1)/(\2))", text))
    return [rewritten(line) for line in text.splitlines() if any(c.isdigit() for c in line)]


def rewritten(line: str) -> str:
    """A line with one sign for each operation and without currency and mark-up."""
    for pattern, replacement in _REWRITES:
        line = pattern.sub(replacement, line)
    return line


def tokens_of(line: str) -> list[Token]:
    """The tokens of a rewritten line."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(line):
        _append(found, match, glued=match.start() == end)
        end = match.end()
    return found


def _append(found: list[Token], match: re.Match[str], *, glued: bool) -> None:
    text, kind = match.group(), str(match.lastgroup)
    word = text.lower() if kind == "word" else ""
    last = found[-1] if found else None
    if word in SCALES and last and last.kind == "number":
        found[-1] = Token("number", last.text, last.glued, last.scale * SCALES[word])
    elif word == "by" and last and last.kind == "word" and last.text.lower() in ("divided", "multiplied"):
        found[-1] = Token("operator", "/" if last.text.lower() == "divided" else "*", False)
    elif word in ("percent", "pct"):
        found.append(Token("percent", "%", glued))
    elif word in _OPERATOR_WORDS:
        found.append(Token("operator", _OPERATOR_WORDS[word], glued))
    elif word in _SAYS:
        found.append(Token("says", text, glued))
    else:
        found.append(Token(_kind(kind), text, glued))


def _kind(group: str) -> TokenKind:
    for kind in ("number", "operator", "open", "close", "percent", "equals", "word"):
        if kind == group:
            return kind
    return "other"
