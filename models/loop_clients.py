"""HTTP clients that keep their connections: one for each event loop, closed with it or with whoever made them.

A kept connection belongs to the loop it was opened on and is useless to the next one, which is why a client that
outlives its loop (`agent.run` makes a new one each time) cannot keep any.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx

_Loop = asyncio.AbstractEventLoop


class LoopClients:
    """Makes a client with `make` on an event loop's first request. Safe to share between threads."""

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._open: dict[_Loop, tuple[httpx.AsyncClient, weakref.finalize[Any, Any]]] = {}

    async def here(self) -> httpx.AsyncClient:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        known = self._open.get(loop)
        if known is not None:
            return known[0]
        client = self._make()
        closing = _closing(client, weakref.ref(self), loop)
        # Of all that leads to the connections only this reference is sure to live until they are closed.
        last = weakref.finalize(self, _let_go, loop, closing)
        last.atexit = False
        with self._lock:
            for other in [other for other in self._open if other.is_closed()]:
                self._open.pop(other)[1].detach()  # it ended without closing its generators
            self._open[loop] = (client, last)
        await anext(closing)
        return client

    def forget(self, loop: _Loop) -> None:
        """The client of this loop is closed."""
        with self._lock:
            known = self._open.pop(loop, None)
        if known is not None:
            known[1].detach()


async def _closing(
    client: httpx.AsyncClient, owner: weakref.ref[LoopClients], loop: _Loop
) -> AsyncGenerator[None]:
    """A generator that the loop closes when it ends (`asyncio.run` does), and the client with it."""
    try:
        yield
    finally:
        clients = owner()
        if clients is not None:
            clients.forget(loop)
        await client.aclose()


def _let_go(loop: _Loop, closing: AsyncGenerator[None]) -> None:
    """Nobody can ask for the client any more."""

    async def close() -> None:
        await closing.aclose()

    def start() -> None:
        loop.create_task(close())

    try:
        loop.call_soon_threadsafe(start)
    except RuntimeError:
        return  # the loop is gone, and closed the client when it went
