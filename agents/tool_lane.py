"""The tool lane: a langchain-core tool computes the answer; without one named, the calculator does plain arithmetic."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import UsageError
from ..models.data_policy import DataPolicy, place_refusal
from ..router.subtask import Subtask
from .arithmetic import bare_expression
from .attempt import Attempt
from .lane import LaneContext
from .lane_spans import tool_span, tool_told
from .plan import fill_value
from .recorded import ToolOutcome

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

    def refusal(self, subtask: Subtask, data_policy: DataPolicy, /) -> str | None:
        """Why its tool may not be given the subtask; None where it may, or where there is no such tool."""
        return self._refusal(subtask.tool or _CALCULATOR, subtask.data_classes, data_policy)

    def _refusal(self, name: str, data_classes: Iterable[str], data_policy: DataPolicy) -> str | None:
        if name not in self.tools:
            return None
        return place_refusal("tool", self.tools[name], data_classes, data_policy)

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Invoke the tool with the subtask's arguments; its input errors are the attempt's failure."""
        name, arguments = self._call(subtask, context)
        if name not in self.tools:
            known = ", ".join(sorted(self.tools)) or "none"
            return Attempt(
                lane="tool", failure="parse_error", detail=f"no tool {name!r}; the agent has: {known}"
            )
        caller = context.caller
        why = self._refusal(name, caller.context.data_classes, caller.calling.data_policy)
        if why is not None:
            return Attempt(lane="tool", failure="data_policy", detail=why)
        records = caller.tools
        outcome = None if records is None else records.find(name, arguments)
        replayed = outcome is not None
        if outcome is None:
            with tool_span(context, name, arguments) as span:
                outcome = tool_told(span, await _invoke(self.tools[name], dict(arguments)))
        if records is not None:
            records.note(name, arguments, outcome, replayed=replayed)
        return _attempt(name, outcome)

    def _call(self, subtask: Subtask, context: LaneContext) -> tuple[str, Mapping[str, Any]]:
        if subtask.tool is not None:
            return subtask.tool, fill_value(dict(subtask.arguments), {"previous": context.previous})
        return _CALCULATOR, {"expression": bare_expression(subtask.text) or subtask.text}


async def _invoke(tool: BaseTool, arguments: dict[str, Any]) -> ToolOutcome:
    """What the tool computes, or the fault that it finds in its arguments."""
    try:
        text, value = await _invoked(tool, arguments)
    except (UsageError, ValueError, TypeError) as error:
        return ToolOutcome(fault=str(error) or type(error).__name__)
    return ToolOutcome(text=text, value=value)


async def _invoked(tool: BaseTool, arguments: dict[str, Any]) -> tuple[str, Any]:
    """What the tool says as text, and as data: its artifact, for a tool that returns content and artifact."""
    if tool.response_format == "content_and_artifact":
        call = {"type": "tool_call", "name": tool.name, "args": arguments, "id": uuid.uuid4().hex}
        message = await tool.ainvoke(call)
        return str(message.content), message.artifact
    value = await tool.ainvoke(arguments)
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)), value


def _attempt(name: str, outcome: ToolOutcome) -> Attempt:
    if outcome.fault:
        return Attempt(lane="tool", failure="parse_error", detail=f"{name}: {outcome.fault}")
    if not outcome.text.strip() or (outcome.value is None and outcome.text == "null"):
        return Attempt(lane="tool", failure="parse_error", detail=f"the tool {name!r} gave nothing")
    detail = f"computed by the tool {name!r}"
    return Attempt(lane="tool", text=outcome.text, value=outcome.value, detail=detail)
