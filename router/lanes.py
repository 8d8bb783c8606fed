"""The lane a kind prefers: logic to the local model, facts to the retriever, tools to themselves."""

from __future__ import annotations

from .policy import Kind, LaneName
from .subtask import Subtask


def lane_of(subtask: Subtask, kind: Kind) -> LaneName:
    """The preferred lane. An agent without a store sends `retrieval` elsewhere, and minds `Subtask.lane`."""
    if subtask.tool is not None:
        return "tool"
    return "local" if kind == "reasoning" else "retrieval"
