"""The one error of the tools: an argument that a tool cannot work with."""

from __future__ import annotations

from .. import UsageError


class ToolInputError(UsageError):
    """An argument a tool cannot work with; the message names it and the remedy."""
