"""Several policies as one: the mean of their log-odds decides. Two that err differently err less together."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterable, Sequence
from math import log
from statistics import fmean
from typing import cast

from .. import UsageError
from ..models.calling import Calling
from .lanes import lane_of
from .lexical import sigmoid
from .policy import Decision, Kind, Policy, RunPolicy, TrainedPolicy
from .subtask import Subtask

VERSION = "1"
_SUREST = 1e-4
"""Probabilities are kept this far from 0 and 1: a rule that is always certain does not outvote all others."""


class Blend:
    """Decides by the mean log-odds of its policies; lane and reason are those of the surest one of the same mind."""

    def __init__(self, *policies: Policy) -> None:
        if len(policies) < 2:
            raise UsageError(f"a blend of {len(policies)} policy is none; give it two or more")
        self._policies = policies

    def __repr__(self) -> str:
        return f"Blend({', '.join(map(repr, self._policies))})"

    @property
    def trained_on(self) -> frozenset[int] | None:
        """What any of its policies was trained on; None where none of them knows."""
        known = [policy.trained_on for policy in self._policies if isinstance(policy, TrainedPolicy)]
        rows = [found for found in known if found is not None]
        return frozenset().union(*rows) if rows else None

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order; an awaitable of them where one of its policies gives one."""
        found: list[list[Decision] | Awaitable[list[Decision]]] = [
            policy.decide(subtasks) for policy in self._policies
        ]
        if any(inspect.isawaitable(each) for each in found):
            return cast("list[Decision]", _later(subtasks, found))
        return _blended(subtasks, cast("list[list[Decision]]", found))

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        """The same blend of its policies of this run."""
        return Blend(
            *(
                policy.for_run(subtasks, calling=calling) if isinstance(policy, RunPolicy) else policy
                for policy in self._policies
            )
        )


async def _later(
    subtasks: Sequence[Subtask], found: Sequence[list[Decision] | Awaitable[list[Decision]]]
) -> list[Decision]:
    return _blended(subtasks, await asyncio.gather(*map(_settled, found)))


async def _settled(found: list[Decision] | Awaitable[list[Decision]]) -> list[Decision]:
    return await found if inspect.isawaitable(found) else found


def _blended(subtasks: Sequence[Subtask], found: Sequence[Sequence[Decision]]) -> list[Decision]:
    said = zip(*found, strict=True)
    return [_blend(subtask, each) for subtask, each in zip(subtasks, said, strict=True)]


def _blend(subtask: Subtask, said: Sequence[Decision]) -> Decision:
    p_reasoning = blended(decision.p_reasoning for decision in said)
    reasoning = p_reasoning >= 0.5
    kind: Kind = "reasoning" if reasoning else "knowledge"
    agreeing = [decision for decision in said if decision.kind == kind] or list(said)
    first = max(agreeing, key=lambda decision: decision.confidence)
    return Decision(
        kind=kind,
        lane=first.lane if first.kind == kind else lane_of(subtask, kind),
        p_reasoning=p_reasoning,
        confidence=p_reasoning if reasoning else 1.0 - p_reasoning,
        reason=f"{first.policy}, surest of {len(said)}: {first.reason}",
        policy="blend",
        version=f"{VERSION} of {' and '.join(f'{decision.policy} {decision.version}' for decision in said)}",
    )


def blended(probabilities: Iterable[float]) -> float:
    """The probability whose log-odds are the mean of these probabilities' log-odds."""
    return sigmoid(fmean(_log_odds(p) for p in probabilities))


def _log_odds(p: float) -> float:
    p = min(max(p, _SUREST), 1.0 - _SUREST)
    return log(p / (1.0 - p))
