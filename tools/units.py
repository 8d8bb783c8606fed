"""Unit conversion by pint, with a shipping reading of short names: `nm` is the nautical mile, `t` the
metric ton.

Containers (TEU, FEU) are a dimension of their own. A plain `ton` is refused: it could be any of three.
"""

from __future__ import annotations

import difflib
import math
import re
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from .errors import ToolInputError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

SIGNIFICANT = 12
"""Digits kept of a converted value."""

_SHIPPING = {
    "nm": "nautical_mile",
    "nmi": "nautical_mile",
    "nautical miles": "nautical_mile",
    "kn": "knot",
    "kt": "knot",
    "kts": "knot",
    "t": "metric_ton",
    "mt": "metric_ton",
    "tonne": "metric_ton",
    "tonnes": "metric_ton",
    "lt": "long_ton",
    "bbl": "oil_bbl",
    "cbm": "meter ** 3",
    "teu": "TEU",
    "feu": "FEU",
    "c": "degC",
    "f": "degF",
}
"""Case-insensitive names that win over pint's (its `nm` is the nanometre, its `t` the metric ton, its `F`
the farad)."""
_AMBIGUOUS = frozenset({"ton", "tons"})
_UNIT = re.compile(r"(?:[^\W\d_][\w ]*|°[CFcf])(?:\s*(?:\*\*|\^)\s*-?\d)?")
_JOINTS = re.compile(r"\s*(?<!\*)[*/](?!\*)\s*")
_LOCK = Lock()


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """`value` in `from_unit`, expressed in `to_unit`, to 12 significant digits.

    Temperatures are readings (0 °C is 32 °F), not differences. `ToolInputError` for an unknown unit (naming
    the nearest), units of different dimensions, or a value that is not finite.
    """
    if not math.isfinite(value):
        raise ToolInputError(f"cannot convert {value!r}; give a finite number")
    import pint

    with _LOCK:  # pint fills caches as it converts
        source, target = _parsed(from_unit), _parsed(to_unit)
        try:
            result = float(_registry().Quantity(float(value), source).to(target).magnitude)
        except pint.DimensionalityError as error:
            raise ToolInputError(
                f"cannot convert {from_unit!r} to {to_unit!r}: "
                f"{_dimension(error.dim1)} is not {_dimension(error.dim2)}"
            ) from None
        except pint.OffsetUnitCalculusError:
            raise ToolInputError(
                f"cannot convert {value!r} {from_unit!r} to {to_unit!r}: a temperature reading cannot be "
                "part of a compound unit"
            ) from None
    if not math.isfinite(result):
        raise ToolInputError(f"{value!r} {from_unit!r} is too large to express in {to_unit!r}")
    return float(f"{result:.{SIGNIFICANT}g}")


def units_tool() -> BaseTool:
    """The conversion as a langchain-core tool named `convert_units`."""
    from langchain_core.tools import StructuredTool

    def convert_units(value: float, from_unit: str, to_unit: str) -> str:
        result = convert(value, from_unit, to_unit)
        return f"{value:.{SIGNIFICANT}g} {from_unit} = {result:.{SIGNIFICANT}g} {to_unit}"

    return StructuredTool.from_function(
        convert_units,
        description=(
            "Convert a value between units. Names are read as in shipping: nm is the nautical mile, kn the "
            "knot, t the metric ton, TEU a container. Compound units such as 'nm/hour' work."
        ),
        metadata={"pilotfish.locality": "local"},
    )


def _parsed(text: str) -> Any:  # a pint unit
    pieces = _JOINTS.split(text.strip())
    if len(text) > 60 or not all(_UNIT.fullmatch(piece) for piece in pieces):
        raise ToolInputError(f"{text[:60]!r} is not a unit; write a name such as 'nm', 'km/hour' or 'm**3'")
    signs = [sign.strip() for sign in _JOINTS.findall(text.strip())]
    names = [_canonical(piece) for piece in pieces]
    return _registry().parse_units("".join(a + b for a, b in zip(names, [*signs, ""], strict=True)))


def _canonical(piece: str) -> str:
    """One factor of a unit in pint's words."""
    name, power, exponent = re.fullmatch(r"(.*?)(?:\s*(\*\*|\^)\s*(-?\d))?", piece).groups("")  # pyright: ignore[reportOptionalMemberAccess]  # the pattern matches any text
    spoken = " ".join(name.split())
    if spoken.lower() in _AMBIGUOUS:
        raise ToolInputError(
            f"{name!r} is ambiguous: write 't' (1,000 kg), 'long_ton' (2,240 lb) or 'short_ton' (2,000 lb)"
        )
    known = _SHIPPING.get(spoken.lower(), spoken.replace(" ", "_"))
    unit = known if known in _registry() else known.lower()
    if known not in _SHIPPING.values() and unit not in _registry():
        near = difflib.get_close_matches(unit.lower(), _names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "write it out, such as 'nautical_mile'"
        raise ToolInputError(f"unknown unit {name!r}; {hint}")
    return f"({unit})**{exponent}" if power else f"({unit})"


@cache
def _registry() -> Any:
    import pint

    registry = pint.UnitRegistry()
    registry.define("TEU = [container]")
    registry.define("FEU = 2 * TEU")
    return registry


@cache
def _names() -> tuple[str, ...]:
    own = {name for name in _SHIPPING if len(name) > 1}
    return tuple(sorted(own | {name for name in dir(_registry()) if not name.startswith("_")}))


def _dimension(value: Any) -> str:
    return re.sub(r"[\[\]]", "", str(value)) or "a pure number"
