"""Finds the equations a text states and recomputes them exactly.

Built to raise no false alarm: whatever could be algebra, a conversion of units, modular arithmetic, hearsay or
unannounced rounding is left undecided rather than called wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ..tools.errors import ToolInputError
from ..tools.expression import Call, Node, parse_expression
from .equation_text import Token, lines_of, tokens_of
from .numerals import UNITS, shown

MAX_TERMS = 60
"""Tokens read of one side of an equation."""
MAX_BITS = 4_000
"""Size of the largest number computed."""

_FLOAT_NOISE = Fraction(1, 10**9)
_UNIT_LETTERS = frozenset("mgshlLVWAJNKCF")
_SCALING = frozenset("k dozen pair score gross percent".split())
_DOUBTFUL_BEFORE = frozenset(
    "of mod modulo choose root squared cubed half double twice triple log ln sqrt sin cos tan base if suppose assume "
    "not isn't wrong wrongly incorrect instead a b c d e f n p q r t u v w x y z".split()
)
_DOUBTFUL_AFTER = frozenset("more less fewer times remainder rem r mod modulo base binary wrong incorrect false".split())
_ABOUT = frozenset("about approximately roughly around nearly almost approx".split())
_BEFORE_MARKS = frozenset(";,.:!?\"'“”|[{>")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """An equation that a text states."""

    text: str
    result: Fraction
    """The right-hand side as stated."""
    correct: Fraction
    """What the left-hand side comes to."""
    holds: bool | None
    """`None` where it cannot be said safely that it is wrong."""


def equations(text: str) -> Iterator[Equation]:
    """The equations of a text in their order, chains taken apart."""
    for line in lines_of(text):
        tokens = tokens_of(line)
        at = 0
        while at < len(tokens):
            side = _side(tokens, at)
            if side is None:
                at += 1
                continue
            yield from _chain(tokens, at, side)
            at = _skip_chain(tokens, side)


def expression_value(text: str) -> Side | None:
    """The value of a text that is nothing but an arithmetic expression with at least one operation."""
    lines = lines_of(text)
    if len(lines) != 1 or len(text.strip().splitlines()) != 1:
        return None
    tokens = tokens_of(lines[0])
    while tokens and (tokens[-1].text in ("?", ".", "=", "!")):
        tokens.pop()
    side = _side(tokens, 0) if tokens else None
    if side is None or side.end < len(tokens) or side.operations == 0 or side.doubtful:
        return None
    return side


def agrees(left: Side, right: Side, *, about: bool = False, cut: bool = False) -> bool | None:
    """Whether two sides are equal to the decimals shown; `None` for what may be unannounced rounding."""
    step = right.step if right.operations == 0 else left.step if left.operations == 0 else Fraction(0)
    whole = step.denominator == 1
    if about:
        step = max(step, _round_step(right.value))
    tolerance = Fraction(0) if whole and not about else step if cut else step / 2
    if not whole:
        tolerance = max(tolerance, abs(right.value) * _FLOAT_NOISE)
    if abs(left.value - right.value) <= tolerance:
        return True
    if any(abs(left.value * scale - right.value) <= tolerance for scale in (Fraction(100), Fraction(1, 100))):
        shares = left.shares or right.shares
        return True if left.percent != right.percent else None if shares else False
    single = left.operations == 0 or right.operations == 0
    unannounced = single and whole and left.value.denominator != 1 and abs(left.value - right.value) < 1
    return None if unannounced else False


def _chain(tokens: list[Token], start: int, side: Side) -> Iterator[Equation]:
    if not _clear_before(tokens, start):
        return
    doubtful = _doubtful_before(tokens, start) or (start > 0 and not side.operations and tokens[start - 1].kind == "word")
    while (link := _link(tokens, side)) is not None:
        sign, about, right = link
        if side.operations or right.operations:
            equation = _equation(tokens, side, right, sign=sign, about=about, doubtful=doubtful)
            if equation is not None:
                yield equation
        side = right


def _skip_chain(tokens: list[Token], side: Side) -> int:
    while (link := _link(tokens, side)) is not None:
        side = link[2]
    return side.end


def _link(tokens: list[Token], side: Side) -> tuple[Token, bool, Side] | None:
    """The sign behind a side, whether it says `about`, and the side behind that."""
    at = side.end
    if at >= len(tokens) or tokens[at].kind not in ("equals", "says"):
        return None
    sign, at = tokens[at], at + 1
    about = sign.text == "≈"
    while at < len(tokens) and tokens[at].text.lower() in _ABOUT | {"to"}:
        about, at = about or tokens[at].text.lower() in _ABOUT, at + 1
    right = _side(tokens, at)
    return None if right is None else (sign, about, right)


def _equation(
    tokens: list[Token], left: Side, right: Side, *, sign: Token, about: bool, doubtful: bool
) -> Equation | None:
    after = tokens[right.end : right.end + 6]
    unsafe = doubtful or left.doubtful or right.doubtful or _doubtful_after(after)
    unsafe = unsafe or _may_convert(left.units, right.units)
    if sign.kind == "says" and (unsafe or left.tight or right.operations or not left.operations):
        return None
    cut = bool(after) and after[0].text in ("...", "…")
    holds = agrees(left, right, about=about or any(t.text.lower() == "rounded" for t in after), cut=cut)
    if holds is not True and right.first and agrees(left, right.first, about=about) and not left.percent:
        holds = True
    return Equation(
        text=f"{left.text} {sign.text} {right.text}",
        result=right.value,
        correct=left.value * 100 if right.percent and not left.percent else left.value,
        holds=None if holds is False and unsafe else holds,
    )


def _clear_before(tokens: list[Token], start: int) -> bool:
    if start == 0:
        return True
    before = tokens[start - 1]
    glued = tokens[start].glued
    if before.kind == "open":
        return start < 2 or tokens[start - 2].kind not in ("word", "number", "other") or not before.glued
    if before.kind in ("equals", "says"):
        return True
    if before.kind == "word":
        return not glued
    return before.kind == "other" and before.text in _BEFORE_MARKS and not (glued and before.text in ",.:")


def _doubtful_before(tokens: list[Token], start: int) -> bool:
    if start and tokens[start - 1].kind == "word" and tokens[start - 1].text.lower() in _DOUBTFUL_BEFORE:
        return True
    sentence: list[str] = []
    for token in reversed(tokens[max(0, start - 12) : start]):
        if token.text in (".", ";", "!", "?"):
            break
        sentence.append(token.text.lower())
    return not {"if", "suppose", "assume", "not", "isn't", "≠", "instead", "wrong"}.isdisjoint(sentence)


def _may_convert(left: frozenset[str], right: frozenset[str]) -> bool:
    units = left | right
    mixed = left != right or len(units) > 1
    return not _SCALING.isdisjoint(units) or (mixed and not UNITS.isdisjoint(units))


def _doubtful_after(after: list[Token]) -> bool:
    if not after:
        return False
    nearest = after[0]
    if nearest.kind in ("number", "open") or (nearest.glued and nearest.kind in ("word", "other") and _binds(after)):
        return True
    if nearest.text == "and" and len(after) > 1 and after[1].kind == "number":
        return True
    return any(token.text.lower() in _DOUBTFUL_AFTER for token in after)


def _binds(after: list[Token]) -> bool:
    """A mark glued to a number and to what follows (`7,8`, `7:30`), a letter (`5x`) or a factorial's sign."""
    mark = after[0]
    if mark.kind == "word" or mark.text not in {*_BEFORE_MARKS, "...", "…", "]", "}"}:
        return True
    return mark.text == "!" or (mark.text in ",.:" and len(after) > 1 and after[1].glued and after[1].kind == "number")


def _side(tokens: list[Token], start: int) -> Side | None:
    return _Reader(tokens, start).side()


class _Reader:
    """Reads the longest expression that begins at one token."""

    def __init__(self, tokens: list[Token], start: int) -> None:
        self._tokens = tokens
        self._at = start
        self._limit = min(len(tokens), start + MAX_TERMS)
        self._parts: list[str] = []
        self._operators: list[str] = []
        self._percents: list[bool] = []
        self._units: set[str] = set()
        self._tight = self._doubtful = False
        self._step = Fraction(0)
        self._first: Side | None = None

    def side(self) -> Side | None:
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
        inner = _Reader(self._tokens, self._at + 1)
        side = inner.side()
        if side is None or side.end >= self._limit or self._tokens[side.end].kind != "close":
            return False
        self._at = side.end + 1
        self._parts.append(f"({''.join(inner._parts)})")
        self._units |= inner._units
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
        return self._tokens[at].kind == "word" and self._tokens[at].text.lower() not in _ABOUT | {"of", "and", "or"}

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


def _round_step(value: Fraction) -> Fraction:
    """The worth of the last digit of a whole number that is not zero: 100 for 1,500."""
    if value.denominator != 1 or value == 0:
        return Fraction(0)
    digits = str(abs(value.numerator))
    return Fraction(10 ** (len(digits) - len(digits.rstrip("0"))))


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


def correction(equation: Equation) -> str:
    """What is wrong with an equation, for a reader."""
    return f"{equation.text!r} is wrong: it is {shown(equation.correct)}"
