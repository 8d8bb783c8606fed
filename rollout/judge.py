"""What a rollout asks whether a stage is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .gates import Look
    from .observation import Observation


class Judge(Protocol):
    """What says whether a stage is over: `gates.Gates`, or a test's own."""

    def add(self, observation: Observation, /) -> None:
        """Take one observation in."""
        ...

    def enter(self, stage: str, /) -> None:
        """Begin to count for a stage."""
        ...

    def look(self, stage: str, /, *, hours: float) -> Look:
        """What the observations say to a stage that has lasted so long."""
        ...

    def evidence(self) -> Mapping[str, Any]:
        """Everything that is known, as JSON."""
        ...
