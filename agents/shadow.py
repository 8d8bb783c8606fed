"""Work that goes on beside runs and answers nobody: its references are kept, and its number is limited."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakSet

logger = logging.getLogger(__name__)

Answered = TypeVar("Answered")
MOST = 64
"""Shadows that may be under way or waiting at once; a request beyond them is not shadowed."""
_every: WeakSet[Shadows] = WeakSet()


def finish_shadows() -> None:
    """Wait for all that `Shadows.answer` left behind in this process; interrupted meanwhile, give it up."""
    every = list(_every)
    try:
        for shadows in every:
            shadows.join()
    except KeyboardInterrupt:
        for shadows in every:
            shadows.give_up()
        for shadows in every:
            shadows.join()


def process_ends() -> bool:
    """Whether the interpreter is ending: it takes no more work for thread pools, while threads still run."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            pool.submit(int)
        except RuntimeError as error:
            return "shutdown" in str(error)  # else there are too many threads
    return False


def _finish_before_the_pools_end() -> None:
    """An interpreter that ends shuts every thread pool before it waits for threads; atexit comes after both."""
    register: Callable[[Callable[[], None]], object] | None = getattr(threading, "_register_atexit", None)
    if register is not None:  # without it shadows that wait at the end are given up
        register(finish_shadows)  # the last registered is called first, and the pools' own is registered


_finish_before_the_pools_end()


class Shadows:
    """The shadows of one agent, whichever event loop they were begun on."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._threads: list[tuple[threading.Thread, threading.Event]] = []
        _every.add(self)

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], *, given_up: Callable[[], object]) -> None:
        """Begin. `given_up` is told when it is cancelled, and at once where too many are under way to begin."""
        if len(self._tasks) >= self._most:
            work.close()
            given_up()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, given_up))

    async def drain(self, timeout_s: float | None = None) -> None:
        """Wait for those of this event loop; what is not done in time is given up, and nothing is observed of it."""
        here = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                while ours := self._of(here):
                    await asyncio.wait(ours)
        except TimeoutError:
            for task in (late := self._of(here)):
                task.cancel()
            await asyncio.wait(late)

    def answer(self, work: Coroutine[Any, Any, Answered]) -> Answered:
        """What `work` comes to, as soon as it does: its event loop has a thread, and ends when its shadows have."""
        looping = _Looping[Answered]()
        ended = threading.Event()

        def loop() -> None:
            try:
                asyncio.run(looping.run(work, self.drain))
            finally:
                ended.set()

        thread = threading.Thread(target=copy_context().run, args=(loop,), name="pilotfish-shadows")
        with self._lock:
            self._threads = [each for each in self._threads if not each[1].is_set()] + [(thread, ended)]
        thread.start()
        try:
            return looping.answer.result()
        except KeyboardInterrupt:
            looping.stop()
            raise

    def join(self) -> None:
        """Wait for those that `answer` left behind."""
        with self._lock:
            threads = list(self._threads)
        for thread, ended in threads:
            ended.wait()  # a `Thread.join` that is interrupted takes the thread for dead
            thread.join()

    def give_up(self) -> None:
        """Cancel those under way, on whichever event loop; nothing is observed of them."""
        for task in list(self._tasks):
            with suppress(RuntimeError):  # its loop was closed meanwhile
                task.get_loop().call_soon_threadsafe(task.cancel)

    def _of(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[None]]:
        return [task for task in list(self._tasks) if task.get_loop() is loop]

    def _done(self, given_up: Callable[[], object], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            given_up()
        elif (error := task.exception()) is not None:
            logger.error("a shadow crashed", exc_info=error)


class _Looping(Generic[Answered]):
    """Work on an event loop of its own, whose answer is out before the loop ends."""

    def __init__(self) -> None:
        self.answer: Future[Answered] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Answered] | None = None

    async def run(self, work: Coroutine[Any, Any, Answered], drain: Callable[[], Awaitable[None]]) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.create_task(work)
        self._task.add_done_callback(self._tell)
        await asyncio.wait([self._task])
        await drain()

    def stop(self) -> None:
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _tell(self, task: asyncio.Task[Answered]) -> None:
        if task.cancelled():
            self.answer.cancel()
        elif (error := task.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())
