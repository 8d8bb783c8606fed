"""HTTP clients that keep their connections: one for each event loop, closed with it.

A kept connection belongs to the loop it was opened on and is useless to the next one, which is why a client that
outlives its loop (`agent.run` makes a new one each time) cannot keep any.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable

import httpx


class LoopClients:
    """Makes a client with `make` on an event loop's first request. Safe to share between threads."""

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._open: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]] = {}

    async def here(self) -> httpx.AsyncClient:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        known = self._open.get(loop)
        if known is not None:
            return known[0]
        client = self._make()
        closing = self._closing(loop, client)
        with self._lock:
            for other in [other for other in self._open if other.is_closed()]:
                del self._open[other]  # it ended without closing its generators
            self._open[loop] = (client, closing)
        await anext(closing)
        return client

    async def _closing(
        self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient
    ) -> AsyncGenerator[None]:
        """A generator that the loop closes when it ends (`asyncio.run` does), and the client with it."""
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(loop, None)
            await client.aclose()
