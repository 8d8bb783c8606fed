"""Tools an agent can call: calculator, unit conversion, sea routes; langchain-core tools, built on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["default_tools"]


def default_tools() -> list[BaseTool]:
    """`calculator`, `convert_units` and `sea_route`; wrong arguments raise `errors.ToolInputError`."""
    from .calculator import calculator_tool
    from .sea_routes import sea_route_tool
    from .units import units_tool

    return [calculator_tool(), units_tool(), sea_route_tool()]
