"""What every policy around another policy shares: run-wide policies, learning and asynchronous decisions pass through.

A wrapper implements what it wraps, nests and says so in its repr; what it makes of the inner decisions is its own.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Self, cast

from ..models.calling import Calling
from .policy import Decision, LearningPolicy, Policy, RunPolicy
from .subtask import Subtask


class Wrapper:
    """A policy around the policy `inner`. A subclass says in `revise` what it makes of the inner decisions."""

    def __init__(self, inner: Policy) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inner!r})"

    @property
    def trained_on(self) -> Any:
        """What the inner policy was trained on, as it says it; None where it was not trained."""
        return getattr(self.inner, "trained_on", None)

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """The wrapper's decisions, in order, from the inner policy's."""
        raise NotImplementedError

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order; an awaitable of them where the inner policy gives one."""
        found = self.inner.decide(subtasks)
        if inspect.isawaitable(found):
            return cast("list[Decision]", self._later(subtasks, cast("Awaitable[list[Decision]]", found)))
        return self.revise(subtasks, found)

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        """The same wrapper around the inner policy of this run."""
        if not isinstance(self.inner, RunPolicy):
            return self
        return self.around(self.inner.for_run(subtasks, calling=calling))

    def around(self, inner: Policy) -> Self:
        """The same wrapper around another policy."""
        other = copy.copy(self)
        other.inner = inner
        return other

    def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
        """Passed on to an inner policy that learns: it hears of the lane that was decided in the end."""
        if isinstance(self.inner, LearningPolicy):
            self.inner.learn(subtask, decision, reward=reward)

    async def _later(self, subtasks: Sequence[Subtask], found: Awaitable[list[Decision]]) -> list[Decision]:
        return self.revise(subtasks, await found)


def learner(policy: object) -> LearningPolicy | None:
    """`policy` as one that learns, or None: a wrapper that only passes lessons on learns where what it wraps does."""
    inmost = policy
    while isinstance(inmost, Wrapper) and type(inmost).learn is Wrapper.learn:
        inmost = inmost.inner
    return policy if isinstance(inmost, LearningPolicy) and isinstance(policy, LearningPolicy) else None


def decides_by_run(policy: object) -> bool:
    """Whether what else is in the run changes a decision: so it is for a `RunPolicy`, unless it says `whole_run` is
    False, and for a wrapper that only passes runs on where it is for what it wraps."""
    inmost = policy
    while isinstance(inmost, Wrapper) and type(inmost).for_run is Wrapper.for_run:
        inmost = inmost.inner
    return isinstance(inmost, RunPolicy) and bool(getattr(inmost, "whole_run", True))


def signed(decision: Decision, *, policy: str, version: str, **changes: Any) -> Decision:
    """The inner `decision` with `changes`, under the wrapper's name; its version says what it stands around."""
    inner = f"{decision.policy} {decision.version}"
    return replace(decision, policy=policy, version=f"{version} around {inner}", **changes)
