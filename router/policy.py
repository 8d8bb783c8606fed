"""The `Policy` seam and the `Decision` it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from .subtask import Subtask

Kind = Literal["reasoning", "knowledge"]
"""What a subtask is heavy in."""
LaneName = Literal["local", "retrieval", "large", "tool"]
"""Who carries a subtask out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where one subtask goes and why. Made once per subtask and kept: retries do not re-decide."""

    kind: Kind
    lane: LaneName
    p_reasoning: float
    """Calibrated probability, 0 to 1, that the subtask is reasoning-heavy."""
    confidence: float
    """Probability of the decided kind, 0.5 to 1 for a two-way policy; 1.0 where the policy is a rule."""
    reason: str
    policy: str
    version: str


@runtime_checkable
class Policy(Protocol):
    """A router policy. Implementations are pure: the same subtasks give the same decisions."""

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        ...
