"""What the engines inside this process share: a chat model that streams from a worker and can be stopped.

An engine says how a request is started; this turns what its worker reports into LangChain's four ways to call.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from .. import UnavailableError
from .spec import Sampling

Event = AIMessageChunk | Exception | None
"""A piece of the answer, what went wrong, or the end."""
Sink = Callable[[Event], None]


class EngineError(UnavailableError):
    """A local engine refused or lost a request; the message is the engine's own."""


class Ticket:
    """A request under way. `done` is resolved when its worker has let go of it."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.done: Future[None] = Future()

    def stop(self) -> None:
        """Let the engine stop generating at its next token; harmless when it has finished."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stopped.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of a local engine."""

    messages: list[BaseMessage]
    stop: list[str]
    settings: Mapping[str, Any]
    """What the caller set for this call: `seed`, `max_tokens`, `temperature`, and the engine's own."""
    ticket: Ticket


class LocalChat(BaseChatModel):
    """A model in this process. Calls run at the same time; one that is cancelled or out of time stops."""

    path: Path
    """The weights."""
    model_id: str
    sampling: Sampling = Sampling()
    seed: int = 0
    timeout_s: float | None = None
    """Seconds one answer may take; `TimeoutError` after that. Also a setting of each call."""

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model_id": self.model_id, "path": str(self.path)}

    @abstractmethod
    def _start(self, request: Request, sink: Sink) -> None:
        """Load the model if need be, hand the request to a worker that reports to `sink`, and return."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with closing(self._stream(messages, stop, run_manager, **kwargs)) as stream:
            return generate_from_stream(stream)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async with aclosing(self._astream(messages, stop, run_manager, **kwargs)) as stream:
            return await agenerate_from_stream(stream)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Generator[ChatGenerationChunk]:
        clock = _Clock(kwargs.pop("timeout_s", self.timeout_s), self.model_id)
        request = Request(messages=messages, stop=stop or [], settings=kwargs, ticket=Ticket())
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        try:
            self._start(request, events.put)
            while (chunk := _chunk(clock.get(events))) is not None:
                if run_manager is not None:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        finally:
            request.ticket.stop()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        clock = _Clock(kwargs.pop("timeout_s", self.timeout_s), self.model_id)
        request = Request(messages=messages, stop=stop or [], settings=kwargs, ticket=Ticket())
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event] = asyncio.Queue()

        def put(event: Event) -> None:
            with suppress(RuntimeError):  # the loop may close between the last token and the stop
                loop.call_soon_threadsafe(events.put_nowait, event)

        try:
            await asyncio.to_thread(self._start, request, put)
            while (chunk := _chunk(await clock.aget(events))) is not None:
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        finally:
            request.ticket.stop()


class _Clock:
    """Waits for events until the call's time is up."""

    def __init__(self, timeout_s: float | None, model_id: str) -> None:
        self._model_id = model_id
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + (timeout_s or 0.0)

    def get(self, events: queue.SimpleQueue[Event]) -> Event:
        try:
            return events.get(timeout=self._left())
        except queue.Empty:
            raise self._late() from None

    async def aget(self, events: asyncio.Queue[Event]) -> Event:
        try:
            async with asyncio.timeout(self._left()):
                return await events.get()
        except TimeoutError:
            raise self._late() from None

    def _left(self) -> float | None:
        return None if self._timeout_s is None else max(0.0, self._deadline - time.monotonic())

    def _late(self) -> TimeoutError:
        return TimeoutError(f"model {self._model_id!r} did not finish within {self._timeout_s} s")


def _chunk(event: Event) -> ChatGenerationChunk | None:
    if isinstance(event, Exception):
        raise event
    return None if event is None else ChatGenerationChunk(message=event)
