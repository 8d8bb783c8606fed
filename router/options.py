"""The values of a policy's options, checked against the annotations of what makes the policy. Nothing is converted."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Annotated, Any, Union, cast, get_args, get_origin

from .. import UsageError
from .policy import Policy

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    Policy: "a policy",
    Sequence: "a list",
}


@dataclass(frozen=True, slots=True)
class AtLeast:
    """In the annotation of an option, `Annotated[int, AtLeast(1)]`: no less than this."""

    least: float


def check_values(name: str, make: Callable[..., Any], options: Mapping[str, Any], *, strict: bool) -> None:
    """Raises `UsageError` naming the first option of policy `name` whose value is not what `make` is annotated with.

    Options without an annotation, or with one that cannot be read, are not checked. Where not `strict`, values that
    are usually converted pass too: text for a path, a list for a tuple.
    """
    if not options:
        return
    for option, parameter in _parameters(make).items():
        hint = parameter.annotation
        if option not in options or hint is parameter.empty or options[option] is parameter.default:
            continue
        value = options[option]
        if not _fits(value, hint, strict=strict):
            quotes = _is_number(value) and {*_parts(hint)} <= {str, Path}
            raise UsageError(
                f"policy {name!r} option {option!r} is {value!r}, which is not {_described(hint)}"
                + ("; put it in quotes" if quotes else "")
            )


def _parameters(make: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(make, eval_str=True).parameters
    except (NameError, AttributeError, TypeError, SyntaxError):  # an annotation only type checkers can read
        return {}


def _fits(value: Any, hint: Any, *, strict: bool) -> bool:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

    try:
        adapter = TypeAdapter[Any](hint, config=ConfigDict(strict=strict, arbitrary_types_allowed=True))
        adapter.validate_python(value)
    except ValidationError:
        return False
    except (PydanticUserError, TypeError):  # a type of another package that nothing can be checked against
        return True
    limits = [mark.least for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, AtLeast)]
    return not _has_nan(value) and all(value >= least for least in limits)


def _has_nan(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_nan, cast("Mapping[Any, Any]", value).values()))
    return isinstance(value, float) and isnan(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parts(hint: Any) -> tuple[Any, ...]:
    """The types of a union but None, or the one type there is."""
    union = get_origin(hint) in (Union, types.UnionType)
    return tuple(part for part in get_args(hint) if part is not types.NoneType) if union else (hint,)


def _described(hint: Any) -> str:
    return " or ".join(_word(part) for part in _parts(hint))


def _word(part: Any) -> str:
    if get_origin(part) is Annotated:
        base, *marks = get_args(part)
        return _word(base) + "".join(
            f" from {mark.least:g} up" for mark in marks if isinstance(mark, AtLeast)
        )
    plain = get_origin(part) or part
    if plain is Mapping:
        kind = _WORDS.get(get_args(part)[1])
        return "names with values" if kind is None else f"names with {kind} each"
    return _WORDS.get(plain) or f"a {getattr(plain, '__name__', plain)}"
