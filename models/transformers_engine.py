"""The `transformers` engine: safetensors on torch, bfloat16 on a GPU and float32 on a CPU.

One generation at a time: the random state of torch belongs to the process. For many at once, serve the model
(vLLM) and use the `openai` engine.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from .local_chat import EngineError, LocalChat, Request, Sink
from .manifest import WeightsError
from .messages import to_chat
from .structured import repaired

_generation = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    model: Any
    tokenizer: Any


class TransformersChat(LocalChat):
    """A safetensors model with a chat template."""

    context: int = 0
    """Tokens of prompt and answer together; 0 is what the model's configuration says."""

    _loaded: _Loaded | None = PrivateAttr(default=None)
    _loading: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "pilotfish-transformers"

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a JSON schema or pydantic class: asked for, validated, mended once."""
        return repaired(self, schema, include_raw=include_raw, **kwargs)

    def _start(self, request: Request, sink: Sink) -> None:
        worker = threading.Thread(
            target=self._work, args=(self._load(), request, sink), name="transformers", daemon=True
        )
        worker.start()

    def _load(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(str(self.path))
            return self._loaded

    def _work(self, loaded: _Loaded, request: Request, sink: Sink) -> None:
        def report(event: AIMessageChunk | Exception | None) -> None:
            if not request.ticket.stopped:
                sink(event)

        try:
            with _generation:
                if not request.ticket.stopped:
                    report(self._answer(loaded, request, report))
        except ContextOverflowError as error:
            report(error)
        except (RuntimeError, ValueError, IndexError) as error:
            failure = EngineError(f"model {self.model_id!r}: {type(error).__name__}: {error}")
            failure.__cause__ = error
            report(failure)
        finally:
            report(None)
            request.ticket.done.set_result(None)

    def _answer(self, loaded: _Loaded, request: Request, sink: Sink) -> AIMessageChunk:
        """Generate, streaming text to `sink`; returns the last chunk, which counts the tokens."""
        inputs = loaded.tokenizer.apply_chat_template(
            to_chat(request.messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(loaded.model.device)
        asked = int(inputs["input_ids"].shape[1])
        config = self._config(loaded, request, asked)
        seed = request.settings.get("seed")
        with _seeded(self.seed if seed is None else int(seed)):
            output = loaded.model.generate(
                **inputs,
                generation_config=config,
                streamer=_streamer(loaded.tokenizer, sink),
                stopping_criteria=_stopping(request),
                tokenizer=loaded.tokenizer,
            )
        made = int(output.shape[1]) - asked
        reason = "length" if made >= config.max_new_tokens and not _ended(output, config) else "stop"
        return AIMessageChunk(
            content="",
            response_metadata={"finish_reason": reason, "model_name": self.model_id},
            usage_metadata=UsageMetadata(input_tokens=asked, output_tokens=made, total_tokens=asked + made),
        )

    def _config(self, loaded: _Loaded, request: Request, asked: int) -> Any:
        from transformers import GenerationConfig

        context = self.context or int(getattr(loaded.model.config, "max_position_embeddings", 0) or 2048)
        if asked >= context:
            raise ContextOverflowError(
                f"model {self.model_id!r}: {asked} tokens exceed its context of {context}"
            )
        given = self._sampling(request.settings)
        own = loaded.model.generation_config
        return GenerationConfig(
            max_new_tokens=min(given.pop("max_tokens"), context - asked),
            eos_token_id=own.eos_token_id if own.eos_token_id is not None else loaded.tokenizer.eos_token_id,
            pad_token_id=loaded.tokenizer.pad_token_id or loaded.tokenizer.eos_token_id or 0,
            stop_strings=request.stop or None,
            **(given | {"do_sample": True} if given["temperature"] > 0 else {"do_sample": False}),
        )

    def _sampling(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = {
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "top_k": self.sampling.top_k or 0,
            "max_tokens": self.sampling.max_tokens,
        }
        return own | {key: settings[key] for key in own if settings.get(key) is not None}


def _load(path: str) -> _Loaded:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if gpu else torch.float32
    loader: Any = AutoModelForCausalLM
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = loader.from_pretrained(path, dtype=dtype, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise WeightsError(f"transformers cannot load {path!r}: {error}", reason="altered") from error
    return _Loaded(model=model.to("cuda" if gpu else "cpu").eval(), tokenizer=tokenizer)


def _streamer(tokenizer: Any, sink: Sink) -> Any:
    from transformers import TextStreamer

    class Streamer(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002 - theirs
            if text:
                sink(AIMessageChunk(content=text))

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True)


def _stopping(request: Request) -> Any:
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Stopped(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - theirs
            return torch.full((input_ids.shape[0],), request.ticket.stopped, device=input_ids.device)

    return StoppingCriteriaList([Stopped()])


@contextlib.contextmanager
def _seeded(seed: int) -> Generator[None]:
    """The caller's own random state is as it was afterwards."""
    import torch

    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        yield


def _ended(output: Any, config: Any) -> bool:
    ends = config.eos_token_id
    return int(output[0, -1]) in (ends if isinstance(ends, list) else [ends])
