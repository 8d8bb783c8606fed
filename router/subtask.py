"""The subtask: one step of a plan, the unit that is routed, carried out and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..models.data_policy import INTERNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """One step of a plan. Everything in it is JSON-able; functions are referred to by name."""

    id: str
    """Unique within its plan."""
    text: str
    """What is asked. `#ID` stands for the answer of the subtask ID it depends on."""
    depends_on: tuple[str, ...] = ()
    """Ids of the subtasks whose answers this one needs."""
    lane: str | None = None
    """A lane the workflow insists on (`local`, `retrieval`, `large`, `tool`); the policy still names the kind."""
    tool: str | None = None
    """Name of a tool of the agent, for the tool lane."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the tool; a value that is exactly `#ID` becomes that subtask's answer value, and `#previous`
    what the lane before said, when a tool takes over."""
    prompt: str | None = None
    """The prompt a model lane uses for it: a shipped one's name or the path of your own; the lane's unless set."""
    prompt_values: Mapping[str, str] = field(default_factory=dict)
    """Values of that prompt besides `question` and `known`; `#ID` in them is filled in as in the text."""
    answer_schema: Mapping[str, Any] | None = None
    """JSON schema of the answer, when it is to be structured."""
    verifier: str | None = None
    """Name of a verifier of the agent that checks this answer besides the standard ones."""
    data_class: str | None = None
    """Who may see it: `public`, `internal`, `restricted` or the user's own; None is the class of the task."""
    inherited: tuple[str, ...] = ()
    """Data classes of the task and of the answers that were filled in; the run sets it."""

    @property
    def data_classes(self) -> tuple[str, ...]:
        """Every data class its text came from, its own included."""
        own = () if self.data_class is None else (self.data_class,)
        return tuple(sorted({*own, *self.inherited})) or (INTERNAL,)
