"""Fakes for the seams of the agent: a lane, a policy and a retriever that do what a test tells them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..agents.attempt import Attempt
from ..agents.lane import LaneContext
from ..models.spec import Locality
from ..retrieval.evidence import Evidence
from ..router.policy import Decision, Kind, LaneName
from ..router.subtask import Subtask


@dataclass(frozen=True, slots=True)
class FakeLane:
    """Answers with what `function(subtask, context)` gives: a text, an `Attempt`, or an awaitable of either."""

    name: LaneName
    function: Callable[[Subtask, LaneContext], str | Attempt | Awaitable[str | Attempt]]
    locality: Locality = "local"

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """What the function says."""
        said = self.function(subtask, context)
        if isinstance(said, Awaitable):
            said = await said
        return said if isinstance(said, Attempt) else Attempt(lane=self.name, text=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePolicy:
    """Decides by a mapping of subtask id to kind; `reasoning` goes local, `knowledge` to retrieval."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    default: Kind = "reasoning"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask."""
        return [self._one(subtask) for subtask in subtasks]

    def _one(self, subtask: Subtask) -> Decision:
        kind = self.kinds.get(subtask.id, self.default)
        lane: LaneName = "tool" if subtask.tool else "local" if kind == "reasoning" else "retrieval"
        return Decision(
            kind=kind,
            lane=lane,
            p_reasoning=1.0 if kind == "reasoning" else 0.0,
            confidence=1.0,
            reason="the test says so",
            policy="fake",
            version="1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeLearner(FakePolicy):
    """The same, which notes what it is taught and decides no differently for it."""

    lessons: list[tuple[Subtask, Decision, float]] = field(default_factory=list)

    def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
        """Note the lesson."""
        self.lessons.append((subtask, decision, reward))

    def rewards(self) -> list[tuple[str, float]]:
        """Subtask id and reward of each lesson, in order."""
        return [(subtask.id, reward) for subtask, _, reward in self.lessons]


@dataclass(frozen=True, slots=True)
class FakeRetriever:
    """Finds what `function(query, k)` gives."""

    function: Callable[[str, int], Sequence[Evidence]]
    locality: Locality = "local"

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        """What the function says."""
        return list(self.function(query, k))
