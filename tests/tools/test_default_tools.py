from __future__ import annotations

import subprocess
import sys

from pilotfish.tools import default_tools


def test_every_tool_has_a_name_a_description_and_typed_arguments() -> None:
    tools = default_tools()
    assert [tool.name for tool in tools] == ["calculator", "convert_units", "sea_route"]
    assert all(tool.description and tool.args for tool in tools)


def test_importing_the_tools_loads_no_library_of_theirs() -> None:
    code = (
        "import sys, pilotfish.tools.calculator, pilotfish.tools.units, pilotfish.tools.sea_routes;"
        "assert not {'sympy', 'pint', 'searoute', 'numpy', 'langchain_core'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
