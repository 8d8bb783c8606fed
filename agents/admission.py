"""Who may run: a limit of runs under way with a bounded queue before it, and how an agent is closed.

It knows nothing of what a run does; a run that is stopped is left in the ledger as it stands, to be resumed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from .. import UsageError
from ..models.limits import Places, Waiter
from ..models.resilience import RefusedError

_GRACE_S = 10.0
"""How long a stopped run has to end."""

Carried = TypeVar("Carried")


@dataclass(slots=True, eq=False, kw_only=True)
class UnderWay:
    """A run that was let in."""

    loop: asyncio.AbstractEventLoop
    run_id: str = ""
    """Set by the run once it has one."""
    task: asyncio.Task[None] | None = None
    stopped: bool = False


class Admission:
    """Lets runs in, `max_runs` at once (None: any number), and `waiting` more to wait for a place."""

    def __init__(self, *, max_runs: int | None = None, waiting: int = 1024) -> None:
        if max_runs is not None and max_runs < 1:
            raise UsageError(f"max_runs={max_runs!r}: give at least 1, or None for no limit")
        self._places = Places(max_runs, waiting=waiting, what="the agent")
        self._lock = threading.Lock()
        self._runs: set[UnderWay] = set()
        self._idle: list[Waiter] = []

    @property
    def under_way(self) -> int:
        """How many runs there are now."""
        return len(self._runs)

    async def carry(self, work: Callable[[UnderWay], Awaitable[Carried]]) -> Carried:
        """Carry out a run once there is a place for it. Raises `RefusedError` where it is not let in, or stopped."""
        async with self._places.place():
            run = UnderWay(loop=asyncio.get_running_loop())
            done: list[Carried] = []

            async def inner() -> None:
                done.append(await work(run))

            # A task of its own, so that closing the agent cancels the run and not whoever waits for it.
            run.task = asyncio.create_task(inner())
            with self._lock:
                self._runs.add(run)
            try:
                await run.task
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if not run.stopped or (current is not None and current.cancelling()):
                    raise
                raise RefusedError(_stopped(run.run_id)) from None
            finally:
                self._ended(run)
            return done[0]

    async def close(self, drain_s: float | None) -> None:
        """Let nobody in any more, wait `drain_s` seconds (None: as long as it takes), then stop what is left."""
        self._places.close("the agent is closed and takes no more runs; make another one")
        if await self._empty(drain_s):
            return
        with self._lock:
            left = list(self._runs)
        for run in left:
            run.stopped = True
            assert run.task is not None  # noqa: S101 - it is set before the run is listed
            try:
                run.loop.call_soon_threadsafe(run.task.cancel)
            except RuntimeError:  # its loop is gone, and the run with it
                self._ended(run)
        await self._empty(_GRACE_S)

    async def _empty(self, seconds: float | None) -> bool:
        with self._lock:
            if not self._runs:
                return True
            waiter = Waiter()
            self._idle.append(waiter)
        return await waiter.wait(seconds)

    def _ended(self, run: UnderWay) -> None:
        with self._lock:
            self._runs.discard(run)
            idle = [] if self._runs else self._idle
            if idle:
                self._idle = []
        for waiter in idle:
            waiter.call()


def _stopped(run_id: str) -> str:
    if not run_id:
        return "the agent was closed before the run began"
    return f"the agent was closed before run {run_id!r} was done; resume({run_id!r}) goes on with it"
