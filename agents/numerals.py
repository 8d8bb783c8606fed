"""Numbers as people write them, read exactly: thousands commas, scale words, percent, currency, spelled-out numbers.

Dates, versions, times and telephone numbers are not numbers; this module leaves them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


def listed(words: str) -> tuple[str, ...]:
    """The words of a space-separated list."""
    return tuple(words.split())


SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
"""Words that multiply the number before them."""
_SMALL = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: n for n, word in enumerate(_SMALL)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
"""Spelled-out numbers from zero to twenty and the tens."""
UNITS = frozenset(
    listed(
        "k s sec second min minute h hr hour day week month quarter year decade century mm cm m km meter "
        "metre kilometer kilometre centimeter centimetre inch in ft foot feet yard mile nm mg g gram kg "
        "kilogram t ton tonne lb pound oz ounce ml l liter litre gallon quart pint cup cent penny pennie dime "
        "nickel dollar dozen pair score gross c f kb mb gb tb byte bit degree radian"
    )
)
"""Units that convert into others, in the singular."""
PLAIN = r"(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|(?<!\d)\d{1,40}(?!\d))(?:\.\d{1,40})?"
"""A number in up to 40 digits, with or without thousands commas and decimals."""

_SPELLED = "|".join(sorted(WORDS, key=len, reverse=True))
_NUMERAL = re.compile(
    rf"(?<![\w.,:/−-])(?P<sign>[-−+])?(?:(?P<currency>US\$|[$€£¥])\s?)?"
    rf"(?:(?P<digits>{PLAIN})|(?P<tens>{'|'.join(_TENS)})-(?P<ones>{'|'.join(_SMALL[1:10])})|(?P<word>{_SPELLED}))"
    rf"(?:[ -](?P<scale>{'|'.join(SCALES)}))?(?P<percent>\s?%|\s?percent\b|\s?per cent\b)?"
    r"(?![.,:/]\d|[-−]\d+[-−]\d)(?=$|[^\d])",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeral:
    """One number found in a text."""

    value: Fraction
    """What it says; `25%` has the value 25 and is marked a percentage."""
    start: int
    end: int
    decimals: int = 0
    """Decimals shown."""
    percent: bool = False
    currency: str = ""
    """`$`, `€`, `£`, `¥` or nothing."""
    spelled: bool = False
    """Written as a word."""


def numerals(text: str) -> Iterator[Numeral]:
    """The numbers of a text, from left to right."""
    for match in _NUMERAL.finditer(text):
        if match["digits"] is None and _LETTER.match(text[match.end() : match.end() + 1]):
            continue
        yield _numeral(match)


def read_number(text: str) -> Numeral | None:
    """The number that the whole text is, if it is one."""
    text = text.strip()
    match = _NUMERAL.fullmatch(text)
    return _numeral(match) if match else None


def shown(value: Fraction) -> str:
    """A number for a reader: exact when its decimals end, else to six decimals and as a fraction."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 200:
        return f"about 2^{value.numerator.bit_length() - value.denominator.bit_length()}"
    if value.denominator == 1:
        return str(value.numerator)
    whole, decimals = divmod(round(abs(value) * 10**6), 10**6)
    text = f"{'-' if value < 0 else ''}{whole}.{decimals:06d}".rstrip("0")
    return text if Fraction(text) == value else f"{text}… ({value})"


def _numeral(match: re.Match[str]) -> Numeral:
    if match["digits"]:
        value = Fraction(match["digits"].replace(",", ""))
    elif match["tens"]:
        value = Fraction(WORDS[match["tens"].lower()] + WORDS[match["ones"].lower()])
    else:
        value = Fraction(WORDS[match["word"].lower()])
    if match["scale"]:
        value *= SCALES[match["scale"].lower()]
    return Numeral(
        value=-value if match["sign"] in ("-", "−") else value,
        start=match.start(),
        end=match.end(),
        decimals=len((match["digits"] or "").partition(".")[2]),
        percent=match["percent"] is not None,
        currency=(match["currency"] or "").removeprefix("US"),
        spelled=match["digits"] is None,
    )
