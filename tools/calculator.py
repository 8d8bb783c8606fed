"""Exact arithmetic for agents: a strict grammar (`expression`), worked out with SymPy's exact numbers.

Text never reaches `eval` or SymPy's own parser. A result is exact until it is written down, then rounded to
15 significant digits.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from .errors import ToolInputError
from .expression import Node, Number, parse_expression

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MAX_BITS = 10_000
"""Size of the largest number worked with, about 3,000 decimal digits."""
MAX_ROUNDING = 50
"""Decimals that `round` may keep."""
SIGNIFICANT = 15
"""Digits shown of a result that has no short exact form."""
MAX_EXACT = 30
"""Digits shown of a decimal that ends."""

_EXACT_DECIMALS = 10
_CERTAIN = 30
"""Digits to which a value that may be zero is worked out."""


def calculate(expression: str) -> str:
    """The value of an arithmetic expression, such as `"15% of 1,234.5"` or `"2 * sqrt(2)"`.

    Knows `+ - * / // % ** ( )`, thousands separators, a trailing percent sign, `of`, `$`, `pi` and the
    functions sqrt, abs, min, max, round, floor, ceil, log (natural, or to a base) and exp. Inside a call a
    comma parts arguments. Integers and terminating decimals come back exact, others with 15 significant
    digits; `round` goes half to even. `ToolInputError` on anything else: bad syntax, division by zero, a
    value that is not real or is too large.
    """
    return _written(_value(parse_expression(expression)), expression)


def calculator_tool() -> BaseTool:
    """The calculator as a langchain-core tool named `calculator`."""
    from langchain_core.tools import StructuredTool

    def calculator(expression: str) -> str:
        return calculate(expression)

    return StructuredTool.from_function(
        calculator,
        description=(
            "Work out an arithmetic expression exactly. Knows + - * / // % ** ( ), 1,234.5, 15%, 'of', pi, "
            "and sqrt, abs, min, max, round, floor, ceil, log, exp. Example: '15% of 1,234.5'."
        ),
        metadata={"pilotfish.locality": "local"},
    )


def _value(node: Node) -> Any:  # a SymPy number or constant expression
    if isinstance(node, Number):
        return _rational(node.value)
    known = _operations()
    if node.name not in known:
        near = difflib.get_close_matches(node.name, _FUNCTIONS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_FUNCTIONS)}"
        raise ToolInputError(f"unknown name {node.name!r} in the expression; {hint}")
    least, most, work = known[node.name]
    if not least <= len(node.arguments) <= most:
        raise ToolInputError(
            f"{node.name!r} takes {_count(least, most)}, not {len(node.arguments)} (inside a call a comma "
            "parts arguments, so write 1234 and not 1,234)"
        )
    return _checked(work(*(_value(argument) for argument in node.arguments)), node.name)


_FUNCTIONS = ("abs", "ceil", "exp", "floor", "log", "max", "min", "pi", "round", "sqrt")


@cache
def _operations() -> Mapping[str, tuple[int, int, Callable[..., Any]]]:
    """Name to (fewest arguments, most arguments, function)."""
    import sympy

    return {
        "+": (2, 2, lambda a, b: a + b),
        "-": (2, 2, lambda a, b: a - b),
        "*": (2, 2, lambda a, b: a * b),
        "/": (2, 2, lambda a, b: a / _nonzero(b)),
        "//": (2, 2, lambda a, b: sympy.floor(a / _nonzero(b))),
        "%": (2, 2, lambda a, b: a - b * sympy.floor(a / _nonzero(b))),
        "**": (2, 2, _power),
        "neg": (1, 1, lambda a: -a),
        "sqrt": (1, 1, sympy.sqrt),
        "abs": (1, 1, sympy.Abs),
        "min": (1, 100, sympy.Min),
        "max": (1, 100, sympy.Max),
        "floor": (1, 1, sympy.floor),
        "ceil": (1, 1, sympy.ceiling),
        "round": (1, 2, _rounded),
        "log": (1, 2, _logarithm),
        "exp": (1, 1, _exponential),
        "pi": (0, 0, lambda: sympy.pi),
    }


def _rational(value: Fraction) -> Any:
    import sympy

    return sympy.Rational(value.numerator, value.denominator)


def _power(base: Any, exponent: Any) -> Any:
    if _is_zero(base):
        if exponent.is_negative:
            raise ToolInputError("division by zero: 0 to a negative power; change the base or the exponent")
    elif abs(float(exponent.evalf(6)) * _log2(base)) > MAX_BITS:
        raise ToolInputError(f"a power in the expression exceeds {MAX_BITS} bits; use a smaller exponent")
    return base**exponent


def _exponential(value: Any) -> Any:
    import sympy

    if abs(value.evalf(6)) > MAX_BITS * math.log(2):
        raise ToolInputError(f"'exp' of a number this large exceeds {MAX_BITS} bits; use a smaller one")
    return sympy.exp(value)


def _logarithm(value: Any, *base: Any) -> Any:
    import sympy

    if (
        _is_zero(value)
        or value.is_negative
        or any(_is_zero(b) or b.is_negative or _is_zero(b - 1) for b in base)
    ):
        raise ToolInputError("'log' needs a positive number, and a positive base other than 1")
    return sympy.log(value, *base)


def _rounded(value: Any, decimals: Any = 0) -> Any:
    import sympy

    places = sympy.sympify(decimals)  # a SymPy number already, or the default 0
    if not places.is_Integer or abs(places) > MAX_ROUNDING:
        raise ToolInputError(f"'round' keeps a whole number of decimals up to {MAX_ROUNDING}, not {decimals}")
    scaled = value * sympy.Integer(10) ** places
    whole = sympy.floor(scaled)
    rest = scaled - whole - sympy.Rational(1, 2)
    upward = whole % 2 == 1 if _is_zero(rest) else bool(rest.is_positive)
    return (whole + 1 if upward else whole) / sympy.Integer(10) ** places


def _nonzero(value: Any) -> Any:
    if _is_zero(value):
        raise ToolInputError("division by zero in the expression; check what it divides by")
    return value


def _is_zero(value: Any) -> bool:
    if value.is_Rational:
        return bool(value == 0)
    return bool(abs(value.evalf(_CERTAIN)) < Fraction(1, 10**25))


def _checked(value: Any, name: str) -> Any:
    if not value.is_real or not value.is_finite:
        raise ToolInputError(
            f"the result of {name!r} is not a real number; check the sign of what it is given"
        )
    if not _is_zero(value) and abs(_log2(value)) > MAX_BITS:
        raise ToolInputError(f"the result of {name!r} exceeds {MAX_BITS} bits; use smaller numbers")
    return value


def _log2(value: Any) -> float:
    if value.is_Rational:
        numerator, denominator = abs(int(value.p)), int(value.q)
        return math.log2(numerator) - math.log2(denominator)
    import sympy

    return float(sympy.log(abs(value.evalf(SIGNIFICANT)), 2).evalf(SIGNIFICANT))


def _written(value: Any, expression: str) -> str:
    if value.is_Integer:
        return str(int(value))
    with localcontext() as context:
        context.prec = MAX_EXACT if _terminates(value) else SIGNIFICANT
        if value.is_Rational:
            number = Decimal(int(value.p)) / Decimal(int(value.q))
        else:
            number = +Decimal(str(value.evalf(_CERTAIN)))
    if not number.is_finite():
        raise ToolInputError(f"{expression!r} has no finite value")
    return _plain(number)


def _terminates(value: Any) -> bool:
    """Whether it is a decimal that ends within the digits shown of exact results."""
    return bool(
        value.is_Rational
        and (value * 10**_EXACT_DECIMALS).is_Integer
        and abs(value) < 10 ** (MAX_EXACT - _EXACT_DECIMALS)
    )


def _plain(number: Decimal) -> str:
    """Without trailing zeros; in powers of ten only where plain digits would be long."""
    short = number.normalize()
    return f"{short:f}" if -7 <= short.adjusted() < MAX_EXACT else str(short)


def _count(least: int, most: int) -> str:
    if most == 0:
        return "no arguments"
    return f"{least} argument{'s' if least > 1 else ''}" if least == most else f"{least} to {most} arguments"
