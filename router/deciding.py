"""The plain form of a decision: of any policy, whether its `decide` returns decisions or an awaitable of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .policy import Decision, Policy
from .subtask import Subtask


def decide_now(policy: Policy, subtasks: Sequence[Subtask]) -> list[Decision]:
    """The decisions, in order; an asynchronous policy is awaited.

    Where an event loop is running, as in a notebook, it is held up meanwhile; coroutines await `policy.decide` instead.
    """
    found: list[Decision] | Awaitable[list[Decision]] = policy.decide(subtasks)
    if not inspect.isawaitable(found):
        return found
    if not _is_loop_running():
        return asyncio.run(_awaited(found))
    with ThreadPoolExecutor(max_workers=1) as thread:  # a loop of its own
        return thread.submit(asyncio.run, _awaited(found)).result()


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _awaited(found: Awaitable[list[Decision]]) -> list[Decision]:
    return await found
