from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.tools.errors import ToolInputError
from pilotfish.tools.units import convert, units_tool


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1, "nm", "km", 1.852),
        (20, "kn", "km/hour", 37.04),
        (12, "nm/hour", "knots", 12),
        (50, "ft", "m", 15.24),
        (1, "t", "long ton", 0.984206527611),
        (1, "long_ton", "lb", 2240),
        (2, "FEU", "TEU", 4),
        (100, "°C", "°F", 212),
        (0, "C", "degF", 32),
        (1, "m^3", "cbm", 1),
        (36, "KM/h", "m/s", 10),
    ],
)
def test_shipping_units(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == result


@pytest.mark.parametrize(
    ("value", "source", "target", "says"),
    [
        (1, "TEU", "m", "container is not length"),
        (1, "knott", "m/s", "did you mean 'knot'"),
        (1, "ton", "kg", "ambiguous"),
        (float("nan"), "m", "ft", "finite"),
        (1e308, "nm", "nanometer", "too large"),
        (1, "m**99", "m", "not a unit"),
        (1, "__class__", "m", "not a unit"),
        (1, "", "m", "not a unit"),
        (1, "m; import os", "m", "not a unit"),
    ],
)
def test_refusals_name_the_trouble(value: float, source: str, target: str, says: str) -> None:
    with pytest.raises(ToolInputError, match=says):
        convert(value, source, target)


@given(
    st.floats(-1e6, 1e6), st.sampled_from([("nm", "mile"), ("t", "short_ton"), ("°C", "°F"), ("kn", "m/s")])
)
def test_there_and_back(value: float, units: tuple[str, str]) -> None:
    source, target = units
    assert convert(convert(value, source, target), target, source) == pytest.approx(value, rel=1e-9, abs=1e-8)


def test_is_a_langchain_tool() -> None:
    tool = units_tool()
    assert tool.name == "convert_units"
    assert tool.invoke({"value": 50, "from_unit": "ft", "to_unit": "m"}) == "50 ft = 15.24 m"
