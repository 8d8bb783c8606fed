"""Policies that look at nothing or at chance: always one lane, or random at a given share. The baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .. import UsageError
from .lanes import lane_of
from .policy import Decision, Kind, LaneName
from .subtask import Subtask

VERSION = "1"


class FixedPolicy:
    """Sends everything to one lane; subtasks with a tool still go to their tool."""

    def __init__(self, *, name: str, kind: Kind, lane: LaneName) -> None:
        self._name = name
        self._kind: Kind = kind
        self._lane: LaneName = lane

    def __repr__(self) -> str:
        return f"FixedPolicy(name={self._name!r}, lane={self._lane!r})"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        return [
            Decision(
                kind=self._kind,
                lane="tool" if subtask.tool is not None else self._lane,
                p_reasoning=1.0 if self._kind == "reasoning" else 0.0,
                confidence=1.0,
                reason=f"{self._name} sends every subtask to the {self._lane} lane",
                policy=self._name,
                version=VERSION,
            )
            for subtask in subtasks
        ]


class RandomPolicy:
    """Reasoning with probability `share`, by a hash of seed, id and text: one subtask always falls one way."""

    def __init__(self, *, seed: int = 0, share: float = 0.5) -> None:
        if not 0.0 <= share <= 1.0:
            raise UsageError(f"share {share!r} is not between 0 and 1")
        self._seed = seed
        self._share = share

    def __repr__(self) -> str:
        return f"RandomPolicy(seed={self._seed!r}, share={self._share!r})"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        return [self._decide(subtask) for subtask in subtasks]

    def _decide(self, subtask: Subtask) -> Decision:
        draw = self._draw(subtask)
        kind: Kind = "reasoning" if draw < self._share else "knowledge"
        return Decision(
            kind=kind,
            lane=lane_of(subtask, kind),
            p_reasoning=self._share,
            confidence=max(self._share, 1.0 - self._share),
            reason=f"drew {draw:.3f} against a share of {self._share:g} for reasoning (seed {self._seed})",
            policy="random",
            version=VERSION,
        )

    def _draw(self, subtask: Subtask) -> float:
        """Uniform in [0, 1)."""
        key = f"{self._seed}\x1f{subtask.id}\x1f{subtask.text}".encode()
        return int.from_bytes(hashlib.sha256(key).digest()[:7]) / 2**56


def always_local() -> FixedPolicy:
    """Everything to the small local model."""
    return FixedPolicy(name="always-local", kind="reasoning", lane="local")


def always_large() -> FixedPolicy:
    """Everything to the large model."""
    return FixedPolicy(name="always-large", kind="knowledge", lane="large")


def always_retrieval() -> FixedPolicy:
    """Everything to the retriever."""
    return FixedPolicy(name="always-retrieval", kind="knowledge", lane="retrieval")
