"""Finds the equations a text states and recomputes them exactly.

Built to raise no false alarm: whatever could be algebra, a conversion of units, modular arithmetic, hearsay or
unannounced rounding is left undecided rather than called wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .equation_side import ABOUT, Side, read_side
from .equation_text import Token, lines_of, tokens_of
from .numerals import UNITS, listed, shown

_FLOAT_NOISE = Fraction(1, 10**9)
_SCALING = frozenset(["k", "dozen", "pair", "score", "gross", "percent"])
_DOUBTFUL_BEFORE = frozenset(
    listed(
        "of mod modulo choose root squared cubed half double twice triple log ln sqrt sin cos tan base if "
        "suppose assume not isn't wrong wrongly incorrect instead a b c d e f n p q r t u v w x y z"
    )
)
_DOUBTFUL_AFTER = frozenset(
    listed("more less fewer times remainder rem r mod modulo base binary wrong incorrect false")
)
_BEFORE_MARKS = frozenset(";,.:!?\"'“”|[{>")


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
            side = read_side(tokens, at)
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
    side = read_side(tokens, 0) if tokens else None
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
    doubtful = _doubtful_before(tokens, start) or (
        start > 0 and not side.operations and tokens[start - 1].kind == "word"
    )
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
    while at < len(tokens) and tokens[at].text.lower() in ABOUT | {"to"}:
        about, at = about or tokens[at].text.lower() in ABOUT, at + 1
    right = read_side(tokens, at)
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
    if nearest.kind in ("number", "open") or (
        nearest.glued and nearest.kind in ("word", "other") and _binds(after)
    ):
        return True
    if nearest.text == "and" and len(after) > 1 and after[1].kind == "number":
        return True
    return any(token.text.lower() in _DOUBTFUL_AFTER for token in after)


def _binds(after: list[Token]) -> bool:
    """A mark glued to a number and to what follows (`7,8`, `7:30`), a letter (`5x`) or a factorial's sign."""
    mark = after[0]
    if mark.kind == "word" or mark.text not in {*_BEFORE_MARKS, "...", "…", "]", "}"}:
        return True
    return mark.text == "!" or (
        mark.text in ",.:" and len(after) > 1 and after[1].glued and after[1].kind == "number"
    )


def _round_step(value: Fraction) -> Fraction:
    """The worth of the last digit of a whole number that is not zero: 100 for 1,500."""
    if value.denominator != 1 or value == 0:
        return Fraction(0)
    digits = str(abs(value.numerator))
    return Fraction(10 ** (len(digits) - len(digits.rstrip("0"))))


def correction(equation: Equation) -> str:
    """What is wrong with an equation, for a reader."""
    return f"{equation.text!r} is wrong: it is {shown(equation.correct)}"
