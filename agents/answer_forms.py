"""The forms an answer can be read in: plain text, number with a unit, truth value, lettered choice, date, list.

A reading is a set of keys; two answers that share a key say the same. Whoever compares them is `equivalence`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache

from .numerals import listed, numerals, read_number

_LEAD = re.compile(
    r"^(?:(?:so|therefore|thus|hence),?\s+)?(?:the\s+)?(?:(?:final|correct|right)\s+)?(?:answer|result|option|choice)"
    r"\s*(?:is|=|:)\s*:?\s*",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"^(?:\((?P<a>[A-Za-z])\)|(?P<b>[A-Za-z])[).:](?=\s|$)|(?P<c>[A-Z])$)\s*(?P<rest>.*)$", re.DOTALL
)
_TRUTH = re.compile(r"^(?P<truth>yes|no|true|false)(?:$|[,;:.!–—]\s*(?=[a-z])[^\d]*$)", re.IGNORECASE)
_TRUTHS = {"yes": "true", "true": "true", "no": "false", "false": "false"}
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\w)")
_MONTHS = listed("january february march april may june july august september october november december")
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in _MONTHS)
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<n>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})\.?,?\s+(?P<y>\d{{4}})\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})\b", re.IGNORECASE
    ),
    re.compile(r"\b(?P<p>\d{1,2})[/.](?P<q>\d{1,2})[/.](?P<y>\d{4})\b"),
)
_UNIT = re.compile(r"^[^\W\d_][^\d]{0,30}$|^°[CF]$")
_CURRENCIES = {
    "dollar": "$",
    "usd": "$",
    "us$": "$",
    "euro": "€",
    "eur": "€",
    "pound": "£",
    "gbp": "£",
    "yen": "¥",
}
_ITEMS = re.compile(r"\s*[,;]\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+")
_BOXED = re.compile(r"\\boxed\s*\{(?P<inside>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_MATHS = re.compile(r"\\[a-zA-Z]+|[\^=<>√π]|\w\s*[+*/]\s*\w|\w\s+-\s+\w|\)\s*-|\d[a-z]\b")
_DECADE = re.compile(r"^\d{3}0s$")
_RUNAWAY = re.compile(
    r"\^\s*[({]?[^)}]*\^|\*\*|\^\s*[({]?\s*-?\d{3,}|!|\d{40,}|\^\s*[({](?![-+\w\s/.]{1,12}[)}])|(?:\)\s*\^.*){3}|\\(?:int|sum|prod|lim|binom)"
)
_LONGEST_FORMULA = 200


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit; `%` is a unit, `$` too, and `` is none."""

    value: Fraction
    unit: str

    def matches(self, other: Quantity) -> bool:
        """Equal, where a unit only one of them has is forgiven: `5` is `5 km`, and `25%` is `25` and `0.25`."""
        if self.unit == other.unit or "" in (self.unit, other.unit):
            return self.value == other.value or self._as_share() == other._as_share()
        return False

    def _as_share(self) -> Fraction:
        return self.value / 100 if self.unit == "%" else self.value


@dataclass(frozen=True, slots=True)
class Reading:
    """All that an answer can be read as."""

    keys: frozenset[tuple[str, str]]
    choice: str = ""
    """The letter of a lettered choice; two letters are compared before anything else."""
    quantity: Quantity | None = None
    """The number the whole answer is, when it is one."""


@lru_cache(maxsize=4096)
def reading(text: str) -> Reading:
    """The forms an answer can be read in."""
    bare = stripped(text)
    choice = _CHOICE.match(bare)
    letter = (choice["a"] or choice["b"] or choice["c"]).upper() if choice else ""
    rest = stripped(choice["rest"]) if choice else ""
    keys = _keys(bare) | (_keys(rest) if rest else set[tuple[str, str]]())
    if (items := _list_of(bare)) is not None:
        keys.add(("list", "\n".join(sorted(items))))
    return Reading(frozenset(keys), letter, _quantity(bare))


def stripped(text: str) -> str:
    """An answer without the words and marks around it: `**The answer is** 5.` is `5`."""
    text = unicodedata.normalize("NFKC", text).strip()
    boxed = list(_BOXED.finditer(text))
    if boxed:
        text = boxed[-1]["inside"]
    text = _LEAD.sub("", text.replace("**", "").strip())
    text = text.strip().strip("\"'`“”‘’").strip()
    return text.rstrip(".!").strip() if not text.endswith("...") else text


def mathematical(text: str) -> bool:
    """Whether a text is a formula that is safe to hand to a computer algebra system."""
    if len(text) > _LONGEST_FORMULA or _RUNAWAY.search(text) or _DECADE.match(text):
        return False
    return bool(_MATHS.search(text)) or read_number(text) is not None


def read_date(text: str) -> date | None:
    """The date that the whole text is; day and month in figures only count when one cannot be a month."""
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            return _date_of(match.groupdict())
    return None


def find_dates(text: str) -> Iterator[tuple[date, int, int]]:
    """The full dates in a text, each with where it starts and ends."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if day := _date_of(match.groupdict()):
                yield day, match.start(), match.end()


def plain(text: str) -> str:
    """A text for comparing words: case, accents of form, punctuation and a leading article do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"[^\w\s%+\-./°$€£¥#&]", " ", folded)
    words = re.sub(r"(?<!\d)[.\-/](?!\d)|(?<=\d)[.\-/](?!\d)", " ", words)
    return _ARTICLE.sub("", " ".join(words.split()))


def _keys(text: str) -> set[tuple[str, str]]:
    words = plain(text)
    keys = {("text", words or text)}
    if truth := _TRUTH.match(text):
        keys.add(("truth", _TRUTHS[truth["truth"].lower()]))
    if day := read_date(text):
        keys.add(("date", day.isoformat()))
    return keys


def _quantity(text: str) -> Quantity | None:
    found = read_number(text)
    if found is not None:
        return Quantity(found.value, "%" if found.percent else found.currency)
    found = next(numerals(text), None)
    if found is None or found.percent or text[: found.start].strip() or _DECADE.match(text):
        return None
    unit = text[found.end :].strip()
    return Quantity(found.value, _unit_of(unit)) if _UNIT.match(unit) else None


def _unit_of(text: str) -> str:
    word = plain(text).removesuffix("s")
    return _CURRENCIES.get(word, word)


def _list_of(text: str) -> list[str] | None:
    if text[:1] in ("[", "("):
        return None
    inner = text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text
    items = [item for item in _ITEMS.split(inner) if item.strip()]
    if len(items) < 2 or any(len(item.split()) > 5 for item in items):
        return None
    return [_atom(item.strip()) for item in items]


def _atom(item: str) -> str:
    number = read_number(item)
    return f"{number.value}" if number else plain(item) or item


def _date_of(parts: dict[str, str]) -> date | None:
    day, month = parts.get("d"), parts.get("n")
    if name := parts.get("m"):
        month = next(str(n) for n, full in enumerate(_MONTHS, 1) if full.startswith(name.lower()[:3]))
    if "p" in parts:
        first, second = int(parts["p"]), int(parts["q"])
        if (first > 12) == (second > 12):
            return None
        day, month = (str(max(first, second)), str(min(first, second)))
    try:
        return date(int(parts["y"]), int(month or 0), int(day or 0))
    except ValueError:
        return None
