"""How reports and comparisons write numbers: percent, points of a percentage, dollars, intervals, policies' names."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"


def percent(value: float) -> str:
    """A share 0 to 1 as percent with one decimal, without the sign; a dash where it is not a number."""
    return "–" if math.isnan(value) else _minus(f"{100 * value:.1f}")


def number(value: float, digits: int = 3) -> str:
    """A plain number; a dash where it is not one."""
    return "–" if math.isnan(value) else _minus(f"{value:.{digits}f}")


def points(value: float) -> str:
    """A difference of shares in points, signed: `+1.2`."""
    if math.isnan(value):
        return "–"
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else _minus(text)


def points_range(low: float, high: float) -> str:
    """The 95 % interval of a difference: `95 % −0.4 to 2.0`."""
    return f"95 % {_plain(100 * low, 1)} to {_plain(100 * high, 1)}"


def cost(value: float, unit: str) -> str:
    """A mean cost per prompt: dollars per 1,000 prompts, or large calls per 100 prompts."""
    if math.isnan(value):
        return "–"
    return dollars(1000 * value) if unit == "usd" else percent(value)


def cost_head(unit: str) -> str:
    """What `cost` prints, in words."""
    return "dollars per 1,000 prompts" if unit == "usd" else "large calls per 100 prompts"


def dollars(value: float) -> str:
    """An amount with three significant digits below ten dollars, two decimals above."""
    digits = 2 if abs(value) >= 10 or value == 0 else min(8, max(2, 2 - math.floor(math.log10(abs(value)))))
    return _minus(f"{'-' if value < 0 else ''}${abs(value):,.{digits}f}")


def more_or_fewer(value: float, unit: str) -> str:
    """A difference of cost in words: `3.0 points fewer large calls`, `$0.120 less per 1,000 prompts`."""
    if unit == "usd":
        if abs(value) < 1e-12:
            return "the same cost"
        return f"{dollars(1000 * abs(value))} {'more' if value > 0 else 'less'} per 1,000 prompts"
    if abs(value) < 0.0005:
        return "the same share of large calls"
    return f"{100 * abs(value):.1f} points {'more' if value > 0 else 'fewer'} large calls"


def quoted(name: str) -> str:
    """A policy's name in a sentence."""
    return f"‘{name}’"


def short(text: str, length: int) -> str:
    """The text cut to a length, with an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return _minus(text.removeprefix("-") if float(text) == 0 else text)


def _minus(text: str) -> str:
    return text.replace("-", MINUS)
