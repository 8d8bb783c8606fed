"""Whether two answers say the same: as text, number, truth value, choice, date, list or mathematical expression.

Deterministic and without a model: a paraphrase is not recognised. Mathematics goes to math-verify, which is imported
only when an answer looks like mathematics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeGuard, cast

from .answer_forms import mathematical, reading, stripped


def equivalent(a: str, b: str) -> bool:
    """Whether two answers say the same. Symmetric and reflexive; a unit or a percent sign that only one has is
    forgiven, so it is not always transitive.
    """
    if a == b:
        return True
    left, right = reading(a), reading(b)
    if left.choice and right.choice:
        return left.choice == right.choice
    if left.keys & right.keys:
        return True
    if left.quantity and right.quantity:
        return left.quantity.matches(right.quantity)
    if (container := _containers(a, b)) is not None:
        return same_value(*container)
    return _same_mathematics(*sorted((stripped(a), stripped(b))))


def groups(answers: Sequence[str]) -> list[list[int]]:
    """Indices of the answers, grouped with the first answer each is equivalent to; in order of first appearance."""
    found: list[list[int]] = []
    for index, answer in enumerate(answers):
        home = next((group for group in found if equivalent(answers[group[0]], answer)), None)
        if home is None:
            found.append([index])
        else:
            home.append(index)
    return found


def same_value(a: Any, b: Any) -> bool:
    """Whether two JSON values say the same: numbers to 1e-9, objects by key, arrays in order, texts as answers."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        left, right = cast("Mapping[Any, Any]", a), cast("Mapping[Any, Any]", b)
        return left.keys() == right.keys() and all(same_value(left[key], right[key]) for key in left)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        items, others = cast("Sequence[Any]", a), cast("Sequence[Any]", b)
        return len(items) == len(others) and all(same_value(x, y) for x, y in zip(items, others, strict=True))
    if _is_number(a) and _is_number(b):
        return a == b or math.isclose(float(a), float(b), rel_tol=1e-9)
    if isinstance(a, Mapping | list | tuple) or isinstance(b, Mapping | list | tuple):
        return False
    return a == b if a is None or b is None else equivalent(_text_of(a), _text_of(b))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _containers(a: str, b: str) -> tuple[Any, Any] | None:
    if not (a.strip()[:1] in ("{", "[") and b.strip()[:1] in ("{", "[")):
        return None
    try:
        return json.loads(a), json.loads(b)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=1024)
def _same_mathematics(a: str, b: str) -> bool:
    """Compares with math-verify, both ways because its first argument is privileged.

    Its timeouts are switched off: they use signals, which only the main thread may set. `mathematical` refuses what
    could run long instead.
    """
    if not (mathematical(a) and mathematical(b)):
        return False
    _silence()
    left, right = _parsed(a), _parsed(b)
    if not (left and right):
        return False
    from math_verify import verify

    return verify(left, right, timeout_seconds=None) or verify(right, left, timeout_seconds=None)


def _silence() -> None:
    """math-verify warns once that its timeouts are off, which here is on purpose."""
    from math_verify import grader, parser

    grader.TIMEOUT_WARNING_SHOWN = parser.TIMEOUT_WARNING_SHOWN = True


def _parsed(text: str) -> list[Any]:
    from math_verify import parse

    dressed = text if "$" in text or "\\boxed" in text else f"${text}$"
    return parse(dressed, parsing_timeout=0, fallback_mode="no_fallback")
