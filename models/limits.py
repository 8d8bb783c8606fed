"""Limits that hold across event loops and threads: places, calls per minute, and how many may wait for them.

Every wait is bounded: who finds the queue full, or cannot be served before its deadline, is told so at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from .resilience import RefusedError

_MINUTE = 60.0


class Waiter:
    """One who waits in its own event loop, and may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._called: asyncio.Future[None] = self._loop.create_future()

    def call(self) -> bool:
        """Wake it. False where its loop is closed, so that nobody is there."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        return True

    async def wait(self, timeout_s: float | None) -> bool:
        """Whether it was called in time."""
        done, _ = await asyncio.wait([self._called], timeout=timeout_s)
        return bool(done)

    def _wake(self) -> None:
        if not self._called.done():
            self._called.set_result(None)


class Places:
    """A number of places, handed on in the order of asking. Cancelling one who waits or works loses no place."""

    def __init__(self, places: int | None, *, waiting: int, what: str) -> None:
        self.waited = 0
        """How many have waited so far."""
        self._free = places
        self._places = places
        self._most_waiting = waiting
        self._what = what
        self._lock = threading.Lock()
        self._queue: deque[Waiter] = deque()
        self._given: set[Waiter] = set()
        """Called and not yet awake: each of them holds a place."""
        self._closed: str | None = None

    @asynccontextmanager
    async def place(self, *, deadline: float | None = None) -> AsyncGenerator[None]:
        """Hold a place; `deadline` is of `time.monotonic`. Raises `RefusedError` where none can be had."""
        if self._free is None and self._closed is None:
            yield
            return
        waiter = self._ask()
        if waiter is not None:
            await self._queued(waiter, deadline)
        try:
            yield
        finally:
            self._leave()

    def close(self, why: str) -> None:
        """Give no place from now on: who asks or waits is refused with `why`. Who has one keeps it."""
        with self._lock:
            self._closed = why
            turned_away = list(self._queue)
            self._queue.clear()
        for waiter in turned_away:
            waiter.call()

    def _ask(self) -> Waiter | None:
        """None with a place taken, else the one who waits for it."""
        with self._lock:
            if self._closed is not None or self._free is None:
                raise RefusedError(self._closed or "")
            if self._free > 0 and not self._queue:
                self._free -= 1
                return None
            if len(self._queue) >= self._most_waiting:
                raise RefusedError(
                    f"all {self._places} places of {self._what} are taken and {len(self._queue)} wait already, "
                    "which is as many as may; try again later, or allow more with Resilience(waiting=…)"
                )
            waiter = Waiter()
            self._queue.append(waiter)
            self.waited += 1
            return waiter

    async def _queued(self, waiter: Waiter, deadline: float | None) -> None:
        seconds = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            called = await waiter.wait(seconds)
        except asyncio.CancelledError:
            if not self._withdraw(waiter):
                self._leave()
            raise
        if not self._withdraw(waiter):
            return
        if called:
            raise RefusedError(self._closed or "")
        raise RefusedError(f"no place of {self._what} became free in {seconds:.3g} s")

    def _withdraw(self, waiter: Waiter) -> bool:
        """Leave the queue. False where a place was given meanwhile, which is then the caller's."""
        with self._lock:
            if waiter in self._given:
                self._given.discard(waiter)
                return False
            if waiter in self._queue:
                self._queue.remove(waiter)
            return True

    def _leave(self) -> None:
        assert self._free is not None  # noqa: S101 - only who took a place leaves
        with self._lock:
            while self._queue:
                waiter = self._queue.popleft()
                self._given.add(waiter)
                if waiter.call():
                    return
                self._given.discard(waiter)
            self._free += 1


class Rate:
    """At most so many starts in any 60 seconds; a place in the next minute is booked when it is asked for."""

    def __init__(
        self, per_minute: int | None, *, waiting: int, what: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._most_waiting = waiting
        self._what = what
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()

    async def turn(self, *, deadline: float | None = None) -> None:
        """Wait for one's turn. Raises `RefusedError` at once where it would come too late."""
        if self._per_minute is None:
            return
        start = self._book(deadline)
        try:
            await asyncio.sleep(max(0.0, start - self._clock()))
        except asyncio.CancelledError:
            with self._lock:
                self._starts.remove(start)
            raise

    def _book(self, deadline: float | None) -> float:
        assert self._per_minute is not None  # noqa: S101 - `turn` asks
        with self._lock:
            now = self._clock()
            while self._starts and self._starts[0] <= now - _MINUTE:
                self._starts.popleft()
            full = len(self._starts) >= self._per_minute
            start = max(now, self._starts[-self._per_minute] + _MINUTE) if full else now
            late = f"{self._what} may be called {self._per_minute} times a minute, and the next turn"
            if deadline is not None and start > deadline:
                raise RefusedError(f"{late} is in {start - now:.3g} s, after the deadline")
            if start > now and sum(booked > now for booked in self._starts) >= self._most_waiting:
                raise RefusedError(f"{late} has {self._most_waiting} waiting, which is as many as may")
            self._starts.append(start)
            return start
