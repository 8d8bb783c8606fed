"""The tool lane: a langchain-core tool computes the answer; without one named, the calculator does plain arithmetic."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import UsageError
from ..router.subtask import Subtask
from .arithmetic import bare_expression
from .attempt import Attempt
from .lane import LaneContext
from .plan import fill_value

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

_CALCULATOR = "calculator"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLane:
    """Tools by name, as a lane."""

    tools: Mapping[str, BaseTool] = field(default_factory=dict)

    def can_take(self, subtask: Subtask) -> bool:
        """Whether there is a tool for this subtask."""
        if subtask.tool is not None:
            return subtask.tool in self.tools
        return _CALCULATOR in self.tools and bare_expression(subtask.text) is not None

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Invoke the tool with the subtask's arguments; its input errors are the attempt's failure."""
        name, arguments = self._call(subtask, context)
        if name not in self.tools:
            known = ", ".join(sorted(self.tools)) or "none"
            return Attempt(
                lane="tool", failure="parse_error", detail=f"no tool {name!r}; the agent has: {known}"
            )
        try:
            text, value = await _invoke(self.tools[name], dict(arguments))
        except (UsageError, ValueError, TypeError) as error:
            return Attempt(lane="tool", failure="parse_error", detail=f"{name}: {error}")
        if not text.strip() or (value is None and text == "null"):
            return Attempt(lane="tool", failure="parse_error", detail=f"the tool {name!r} gave nothing")
        return Attempt(lane="tool", text=text, value=value, detail=f"computed by the tool {name!r}")

    def _call(self, subtask: Subtask, context: LaneContext) -> tuple[str, Mapping[str, Any]]:
        if subtask.tool is not None:
            return subtask.tool, fill_value(dict(subtask.arguments), {"previous": context.previous})
        return _CALCULATOR, {"expression": bare_expression(subtask.text) or subtask.text}


async def _invoke(tool: BaseTool, arguments: dict[str, Any]) -> tuple[str, Any]:
    """What the tool says as text, and as data: its artifact, for a tool that returns content and artifact."""
    if tool.response_format == "content_and_artifact":
        call = {"type": "tool_call", "name": tool.name, "args": arguments, "id": uuid.uuid4().hex}
        message = await tool.ainvoke(call)
        return str(message.content), message.artifact
    value = await tool.ainvoke(arguments)
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)), value
