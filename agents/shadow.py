"""Work that goes on beside runs and answers nobody: its references are kept, and its number is limited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)

MOST = 64
"""Shadows that may be under way or waiting at once; a request beyond them is not shadowed."""


class Shadows:
    """The shadows of one agent, whichever event loop they were begun on."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> bool:
        """Begin; False, with nothing begun, where too many are under way. What it raises is logged."""
        if len(self._tasks) >= self._most:
            work.close()
            return False
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    async def drain(self) -> None:
        """Wait for those of this event loop."""
        here = asyncio.get_running_loop()
        while ours := [task for task in self._tasks if task.get_loop() is here]:
            await asyncio.wait(ours)

    def cancel(self) -> None:
        """Give up those of this event loop: nothing is observed of them."""
        here = asyncio.get_running_loop()
        for task in [task for task in self._tasks if task.get_loop() is here]:
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a shadow crashed", exc_info=error)
