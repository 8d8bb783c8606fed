"""A chat model that answers from a function: deterministic, offline, and without any latency of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class ScriptedChat(BaseChatModel):
    """Replies with `reply(text of the last message)`; token counts are word counts."""

    reply: Callable[[str], str]
    model_name: str = "scripted"
    finish_reason: str = "stop"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - langchain-core's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        text = self.reply(str(messages[-1].content))
        asked, said = sum(len(str(m.content).split()) for m in messages), len(text.split())
        message = AIMessage(
            content=text,
            usage_metadata={"input_tokens": asked, "output_tokens": said, "total_tokens": asked + said},
            response_metadata={"model_name": self.model_name, "finish_reason": self.finish_reason},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)
