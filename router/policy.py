"""The `Policy` seam and the `Decision` it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from ..models.calling import Calling
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
    large_gain: float | None = None
    """How much more the large model is expected to be worth here than the small one, -1 to 1, cost included where
    the policy counts it; None where the policy does not estimate it. Ranks subtasks: the higher, the sooner large."""
    model: str | None = None
    """The model chosen, by its name in the outcome table; None where the policy chooses a lane only."""
    expected_quality: float | None = None
    """Predicted probability, 0 to 1, that the chosen model is right."""
    expected_cost_usd: float | None = None
    """Predicted cost of the chosen model on this subtask, in dollars."""
    min_confidence: float | None = None
    """The least confidence, 0 to 1, that the small model's own answer must have to stand; the large model is asked
    after it otherwise. None where the policy leaves that to the checks."""


@runtime_checkable
class Policy(Protocol):
    """A router policy. Implementations are pure: the same subtasks give the same decisions."""

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        ...


@runtime_checkable
class RunPolicy(Protocol):
    """A policy that looks at a whole run before it decides on its subtasks, or makes model calls of its own.

    One that judges each subtask alone, and wants the run only for its calls, says so by `whole_run = False`; its
    decisions may then be kept from one run to another.
    """

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        """The policy of one run with this plan: the same plan gives the same. Its calls go through `calling`."""
        ...


@runtime_checkable
class LearningPolicy(Protocol):
    """A policy that learns from what became of its decisions."""

    def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
        """`reward` is 0 to 1: what the decided lane's own answer was worth; an escalated answer counts as 0."""
        ...


@runtime_checkable
class TrainedPolicy(Protocol):
    """A policy that knows which rows it was trained on, so that a lab can refuse to score it on them.

    One without the attribute, or with None in it, was trained on nothing or does not know: nothing is refused, and
    whoever scores it vouches for the rows.
    """

    @property
    def trained_on(self) -> frozenset[int] | None:
        """Fingerprints (`router.fingerprints`) of the texts it was trained on; read when first asked for."""
        ...


def large_score(decision: Decision) -> float:
    """How strongly a decision asks for the large model: its gain where there is one, else the odds of knowledge."""
    return 1.0 - decision.p_reasoning if decision.large_gain is None else decision.large_gain


def wants_large(decision: Decision) -> bool:
    """Whether the large model would answer where there are only a small and a large one.

    A knowledge subtask goes large there, for want of a retriever, unless the policy weighed the large model itself.
    """
    return decision.lane == "large" or (decision.lane == "retrieval" and decision.large_gain is None)
