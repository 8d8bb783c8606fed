"""Reads the longest arithmetic expression that begins at a token, units and all, and computes it exactly.

The text that is left of it goes to the calculator's own strict grammar; here only what people write around numbers is
understood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from ..tools.errors import ToolInputError
from ..tools.expression import Call, Node, parse_expression
from .equation_text import Token

MAX_TERMS = 60
"""Tokens read of one side of an equation."""
MAX_NESTING = 8
"""Brackets directly inside one another."""
MAX_BITS = 4_000
"""Size of the largest number computed."""

ABOUT = frozenset(["about", "approximately", "roughly", "around", "nearly", "almost", "approx"])
"""Words that announce a rounded number."""

_UNIT_LETTERS = frozenset("mgshlLVWAJNKCF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of an equation, read and computed."""

    text: str
    value: Fraction
    end: int
    """Index of the token behind it."""
    operations: int = 0
    tight: bool = False
    """It has a minus or a slash without spaces, so it may be a range or a ratio."""
    doubtful: bool = False
    percent: bool = False
    """All its operands are percentages."""
    shares: bool = False
    """Some of them are."""
    units: frozenset[str] = frozenset()
    """The words behind its numbers, in the singular."""
    step: Fraction = Fraction(0)
    """For a single number, the worth of its last digit shown."""
    first: Side | None = None
    """Its first operand, when there is more than one."""


def read_side(tokens: list[Token], start: int) -> Side | None:
    """The longest expression that begins at token `start`, or `None`."""
    if all(token.kind == "open" for token in tokens[start : start + MAX_NESTING]):
        return None
    return _Reader(tokens, start, min(len(tokens), start + MAX_TERMS)).side()


class _Reader:
    """Reads the longest expression that begins at one token."""

    def __init__(self, tokens: list[Token], start: int, limit: int) -> None:
        self._tokens = tokens
        self._at = start
        self._limit = limit
        self._parts: list[str] = []
        self._operators: list[str] = []
        self._percents: list[bool] = []
        self._units: set[str] = set()
        self._tight = self._doubtful = False
        self._step = Fraction(0)
        self._first: Side | None = None

    def side(self) -> Side | None:
        """The expression, or `None` where none begins."""
        if not self._operand():
            return None
        while self._peek("operator", "word", "open") and self._continue():
            pass
        value = _value("".join(self._parts))
        if value is None:
            return None
        side = Side(
            text=" ".join(self._parts).replace("( ", "(").replace(" )", ")"),
            value=value,
            end=self._at,
            operations=len(self._operators),
            tight=self._tight,
            doubtful=self._doubtful or self._mixed(),
            units=frozenset(self._units),
            percent=all(self._percents),
            shares=any(self._percents),
        )
        return replace(side, first=self._first) if self._operators else replace(side, step=self._step)

    def _mixed(self) -> bool:
        """`100 + 10%` and `28 / 1/5`, which people do not mean literally."""
        if self._tight and self._operators.count("/") > 1:
            return True
        return any(self._percents) and not all(self._percents) and not {"+", "-"}.isdisjoint(self._operators)

    def _continue(self) -> bool:
        """One more operator and operand; without an operand the expression ends before the operator."""
        at, operator = self._at, self._operator()
        if operator is None:
            return False
        if self._first is None:
            self._first = self._leading()
        mark = len(self._parts)
        self._parts.append(operator)
        if self._operand():
            self._operators.append(operator)
            return True
        del self._parts[mark:]
        self._at, self._doubtful = at, True
        return False

    def _leading(self) -> Side | None:
        value = _value("".join(self._parts))
        return None if value is None else Side(text="", value=value, end=self._at, step=self._step)

    def _operator(self) -> str | None:
        token = self._tokens[self._at]
        if token.kind == "open":
            return "*" if token.glued else None
        if token.kind == "word":
            share = token.text.lower() == "of" and (self._percents[-1] or self._operators[-1:] == ["/"])
            self._at += share
            return "*" if share else None
        self._at += 1
        behind = self._tokens[self._at].glued if self._at < len(self._tokens) else False
        self._tight = self._tight or (token.text in "-/" and token.glued and behind)
        return token.text

    def _operand(self) -> bool:
        while self._peek("operator") and self._tokens[self._at].text in "+-":
            if self._at + 1 >= self._limit or not self._tokens[self._at + 1].glued:
                return False
            self._parts.append(self._tokens[self._at].text)
            self._at += 1
        if self._peek("open"):
            return self._bracket()
        if not self._peek("number"):
            return False
        token = self._tokens[self._at]
        self._at += 1
        literal = _literal(token.text)
        decimals = len(literal.partition(".")[2]) if "e" not in literal else 0
        self._step = Fraction(token.scale, 10**decimals)
        self._parts.append(literal if token.scale == 1 else f"({literal}*{token.scale})")
        self._behind()
        return True

    def _bracket(self) -> bool:
        inner = _Reader(self._tokens, self._at + 1, self._limit)
        side = inner.side()
        if side is None or side.end >= self._limit or self._tokens[side.end].kind != "close":
            return False
        self._at = side.end + 1
        self._parts.append(f"({side.text})")
        self._units |= side.units
        self._doubtful, self._tight = self._doubtful or side.doubtful, self._tight or side.tight
        self._operators += ["()"] if side.operations else []
        self._behind()
        return True

    def _behind(self) -> None:
        """What stands behind an operand: a percent sign, or words for its unit."""
        percent = self._peek("percent")
        self._percents.append(percent)
        if percent:
            self._parts[-1] = f"({self._parts[-1]}/100)"
            self._step /= 100
            self._at += 1
            return
        words = 0
        while words < 3 and self._at + words < self._limit and self._is_unit(self._at + words):
            words += 1
        following = self._at + words
        if words and following < len(self._tokens) and self._joins(following):
            self._note_units(self._tokens[self._at : following])
            self._at = following
        elif words:
            self._note_units(self._tokens[self._at : self._at + 1], ends=True)

    def _joins(self, at: int) -> bool:
        token = self._tokens[at]
        return token.kind in ("equals", "says", "close") or (token.kind == "operator" and not token.glued)

    def _is_unit(self, at: int) -> bool:
        return self._tokens[at].kind == "word" and self._tokens[at].text.lower() not in ABOUT | {
            "of",
            "and",
            "or",
        }

    def _note_units(self, words: list[Token], *, ends: bool = False) -> None:
        for word in words:
            self._units.add(word.text.lower().removesuffix("s").partition("/")[0] or "s")
            if len(word.text) == 1 and (word.text not in _UNIT_LETTERS or word.glued) and not ends:
                self._doubtful = True

    def _peek(self, *kinds: str) -> bool:
        return self._at < self._limit and self._tokens[self._at].kind in kinds


def _literal(text: str) -> str:
    text = text.replace(",", "").lower()
    return f"0{text}" if text.startswith(".") else text


def _value(text: str) -> Fraction | None:
    try:
        return _computed(parse_expression(text))
    except (ToolInputError, ZeroDivisionError):
        return None


def _computed(node: Node) -> Fraction | None:
    if not isinstance(node, Call):
        return node.value
    values = [_computed(argument) for argument in node.arguments]
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None
    result = _applied(node.name, numbers)
    return None if result is None or _bits(result) > MAX_BITS else result


def _applied(name: str, numbers: list[Fraction]) -> Fraction | None:
    if name == "neg":
        return -numbers[0]
    left, right = numbers
    if name == "**":
        return _power(left, right)
    operations = {"+": left + right, "-": left - right, "*": left * right}
    return operations[name] if name in operations else left / right if name == "/" else None


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1 or _bits(base) * abs(exponent) > MAX_BITS:
        return None
    return base ** int(exponent)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())
