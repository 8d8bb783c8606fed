"""The `llamacpp` engine: a LangChain chat model over the llama.cpp server inside this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable

from .llama_server import LlamaServer, shared_server
from .local_chat import EngineError, Event, LocalChat, Request, Sink
from .messages import to_chat
from .structured import constrained, json_schema_of, response_format


class LlamaCppChat(LocalChat):
    """A GGUF model. Besides the usual settings a call takes `response_format` and `grammar` (GBNF)."""

    threads: int | None = None
    """None is one for each core."""
    slots: int = 4
    """Requests worked on at once."""
    context: int = 2048
    """Tokens of prompt and answer together, for each slot."""

    @property
    def _llm_type(self) -> str:
        return "pilotfish-llamacpp"

    @property
    def server(self) -> LlamaServer:
        """The shared server, loaded on first use."""
        return shared_server(self.path, threads=self.threads, slots=self.slots, context=self.context)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a JSON schema or pydantic class, held to it by a grammar."""
        bound = self.bind(response_format=response_format(json_schema_of(schema)), **kwargs)
        return constrained(bound, schema, include_raw=include_raw)

    def _start(self, request: Request, sink: Sink) -> None:
        def report(event: dict[str, Any] | EngineError | None) -> None:
            read = self._read(event) if isinstance(event, dict) else event
            if read is not None or event is None:
                sink(read)

        self.server.start(self._body(request), report, request.ticket)

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = self.sampling
        body: dict[str, Any] = {
            "messages": to_chat(request.messages),
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
        given = {key: value for key, value in request.settings.items() if value is not None}
        return body | given | ({"stop": request.stop} if request.stop else {})

    def _read(self, event: Mapping[str, Any]) -> Event:
        """One event of the server; None where it carries nothing."""
        if "error" in event:
            return self._refused(event["error"])
        choice: Mapping[str, Any] = next(iter(event.get("choices", ())), {})
        text = choice.get("delta", {}).get("content") or ""
        reason = choice.get("finish_reason")
        usage = event.get("usage")
        logprobs = choice.get("logprobs")
        if not (text or reason or usage or logprobs):
            return None
        metadata = {"finish_reason": reason, "model_name": self.model_id} if reason else {}
        metadata |= {"logprobs": logprobs} if logprobs else {}
        return AIMessageChunk(content=text, response_metadata=metadata, usage_metadata=_usage(usage))

    def _refused(self, error: Mapping[str, Any]) -> Exception:
        message = f"model {self.model_id!r}: {error.get('message', error)}"
        if error.get("type") == "exceed_context_size_error":
            return ContextOverflowError(message)
        return EngineError(message)


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
