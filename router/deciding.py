"""The plain form of a decision: of any policy, whether its `decide` returns decisions or an awaitable of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Sequence

from .policy import Decision, Policy
from .subtask import Subtask


def decide_now(policy: Policy, subtasks: Sequence[Subtask]) -> list[Decision]:
    """The decisions, in order; an asynchronous policy is awaited, so there must be no event loop running here."""
    found: list[Decision] | Awaitable[list[Decision]] = policy.decide(subtasks)
    return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


async def _awaited(found: Awaitable[list[Decision]]) -> list[Decision]:
    return await found
