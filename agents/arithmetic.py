"""Recomputes the arithmetic an answer states, and the question itself when it is nothing but arithmetic.

It checks sums, not sense: true equations that answer another question pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..router.subtask import Subtask
from .answer_forms import stripped
from .attempt import Attempt, Verdict
from .equation_side import Side
from .equations import Equation, agrees, correction, equations, expression_value
from .numerals import Numeral, numerals, read_number, shown
from .verifier import unknown

MAX_LENGTH = 50_000
"""Characters of an answer that are looked at."""

_ASKING = re.compile(r"^\s*(?:please\s+)?(?:what(?:\s+is|'s|’s)|find)\s*:?\s+", re.IGNORECASE)
_COMPUTE = re.compile(
    r"^\s*(?:please\s+)?(?:how\s+much\s+is|compute|calculate|evaluate|work\s+out|solve|simplify"
    r"|(?:(?:find|what(?:\s+is|'s|’s))\s+)?the\s+(?:value|result)\s+of)\s*:?\s+",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"(?:####|\banswer(?:\s+is|\s*[:=])|\bfinal\b[^.\n:]{0,20}[:=])\s*(?P<rest>[^\n]+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Fails on a wrong equation; passes when the answer is the right value of the question's own expression, or the
    result of an equation in a text whose equations all hold.
    """

    name: str = "arithmetic"

    def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """The verdict names the wrong equation and the right value."""
        text = attempt.text[:MAX_LENGTH]
        final = final_number(attempt.value, text)
        asked = _asked(subtask.text)
        stated = list(equations(text))
        wrong = next((equation for equation in stated if equation.holds is False), None)
        if (
            asked is not None
            and final is not None
            and (verdict := self._against_question(asked, final)) is not None
        ):
            return verdict
        if wrong is not None:
            return self._failed(correction(wrong))
        return self._by_equations([equation for equation in stated if equation.holds], final)

    def _against_question(self, asked: Side, final: Numeral) -> Verdict | None:
        step = Fraction(1, 10**final.decimals)
        given = Side(
            text="",
            value=final.value / (100 if final.percent else 1),
            end=0,
            step=step,
            percent=final.percent,
        )
        right = agrees(asked, given)
        if right is None:
            return None
        if right:
            return Verdict(
                status="pass", reason=f"recomputed: {asked.text} = {shown(asked.value)}", checked=self.name
            )
        return self._failed(f"{asked.text} is {shown(asked.value)}, the answer says {shown(final.value)}")

    def _by_equations(self, held: list[Equation], final: Numeral | None) -> Verdict:
        if not held:
            return unknown(self.name, "no equation in the answer could be recomputed")
        count = f"{len(held)} equation{'s' if len(held) > 1 else ''}"
        if final is None or not any(
            final.value in (e.result, e.result * 100 if final.percent else None) for e in held
        ):
            return unknown(self.name, f"{count} recomputed, but the answer is the result of none")
        return Verdict(
            status="pass", reason=f"{count} recomputed, the answer is the result of one", checked=self.name
        )

    def _failed(self, reason: str) -> Verdict:
        return Verdict(status="fail", reason=reason, checked=self.name)


def final_number(value: object, text: str) -> Numeral | None:
    """The number an answer comes to: its value, what it marks as the answer, or the last number in it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return read_number(str(value))
    if "\\boxed" in text:
        return next(iter(numerals(stripped(text))), None)
    marked = [match["rest"] for match in _FINAL.finditer(text)]
    tail = marked[-1] if marked else text
    found = list(numerals(tail.replace("**", " ").replace("$", " ").replace("\\", " ")))
    return found[-1] if found else None


@lru_cache(maxsize=1024)
def _asked(question: str) -> Side | None:
    """The question's own expression. `24/7` and `3-4` only count as one where the question says to compute."""
    compute = _COMPUTE.match(question)
    side = expression_value((_COMPUTE if compute else _ASKING).sub("", question, count=1))
    return None if side is None or (side.tight and not compute) else side


def bare_expression(question: str) -> str | None:
    """The expression a question asks to compute, when it is nothing but arithmetic; else None."""
    asked = _asked(question)
    return None if asked is None else asked.text
