"""The `llamacpp` engine: a LangChain chat model over the llama.cpp server inside this process."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing, suppress
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from .llama_server import EngineError, LlamaServer, shared_server
from .messages import to_chat
from .spec import Sampling
from .structured import constrained, json_schema_of

_Event = dict[str, Any] | Exception | None


class LlamaCppChat(BaseChatModel):
    """A GGUF model. Calls may run at the same time; a call that is cancelled or out of time stops generating."""

    path: Path
    """The GGUF file."""
    model_id: str
    sampling: Sampling = Sampling()
    seed: int = 0
    timeout_s: float | None = None
    """Seconds one answer may take; `TimeoutError` after that."""
    threads: int | None = None
    """None is one for each core."""
    slots: int = 4
    context: int = 2048
    """Tokens of prompt and answer together, for each slot."""

    @property
    def _llm_type(self) -> str:
        return "pilotfish-llamacpp"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model_id": self.model_id, "path": str(self.path)}

    @property
    def server(self) -> LlamaServer:
        """The shared server, loaded on first use."""
        return shared_server(self.path, threads=self.threads, slots=self.slots, context=self.context)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a JSON schema or pydantic class, held to it by a grammar while they are generated."""
        response_format = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": json_schema_of(schema)},
        }
        return constrained(
            self.bind(response_format=response_format, **kwargs), schema, include_raw=include_raw
        )

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
        timeout_s = kwargs.pop("timeout_s", self.timeout_s)
        deadline = _deadline(timeout_s)
        events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        ticket = self.server.start(self._request(messages, stop, kwargs), events.put)
        try:
            while (event := self._next(events, deadline, timeout_s)) is not None:
                chunk = self._read(event)
                if chunk is not None:
                    if run_manager is not None:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        finally:
            ticket.stop()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        timeout_s = kwargs.pop("timeout_s", self.timeout_s)
        deadline = _deadline(timeout_s)
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[_Event] = asyncio.Queue()

        def put(event: _Event) -> None:
            with suppress(RuntimeError):  # the loop may close between the last token and the stop
                loop.call_soon_threadsafe(events.put_nowait, event)

        server = await asyncio.to_thread(lambda: self.server)
        ticket = server.start(self._request(messages, stop, kwargs), put)
        try:
            while (event := await self._anext(events, deadline, timeout_s)) is not None:
                chunk = self._read(event)
                if chunk is not None:
                    if run_manager is not None:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        finally:
            ticket.stop()

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        sampling = self.sampling
        request: dict[str, Any] = {
            "messages": to_chat(messages),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or 0,
            "min_p": 0.0,
            "seed": self.seed,
            "cache_prompt": True,
            "return_progress": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        given = {key: value for key, value in kwargs.items() if value is not None}
        return request | given | ({"stop": stop} if stop else {})

    def _next(self, events: queue.SimpleQueue[_Event], deadline: float, timeout_s: float | None) -> _Event:
        try:
            return events.get(timeout=None if timeout_s is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise self._late(timeout_s) from None

    async def _anext(self, events: asyncio.Queue[_Event], deadline: float, timeout_s: float | None) -> _Event:
        try:
            async with asyncio.timeout(None if timeout_s is None else deadline - time.monotonic()):
                return await events.get()
        except TimeoutError:
            raise self._late(timeout_s) from None

    def _late(self, timeout_s: float | None) -> TimeoutError:
        return TimeoutError(f"model {self.model_id!r} did not finish within {timeout_s} s")

    def _read(self, event: dict[str, Any] | Exception) -> ChatGenerationChunk | None:
        """One event of the server as a chunk; None where it carries nothing."""
        if isinstance(event, Exception):
            raise event
        if "error" in event:
            raise EngineError(f"model {self.model_id!r}: {event['error'].get('message', event['error'])}")
        choice: dict[str, Any] = next(iter(event.get("choices", ())), {})
        text = choice.get("delta", {}).get("content") or ""
        reason = choice.get("finish_reason")
        usage = event.get("usage")
        if not (text or reason or usage):
            return None
        metadata = {"finish_reason": reason, "model_name": self.model_id} if reason else {}
        message = AIMessageChunk(content=text, response_metadata=metadata, usage_metadata=_usage(usage))
        return ChatGenerationChunk(message=message, generation_info=None)


def _usage(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    if usage is None:
        return None
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    return UsageMetadata(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        input_token_details={"cache_read": cached},
    )


def _deadline(timeout_s: float | None) -> float:
    return time.monotonic() + (timeout_s or 0.0)
