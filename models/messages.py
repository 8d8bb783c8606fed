"""LangChain messages to the role and text pairs that every chat template knows."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, SystemMessage


def to_chat(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """`{"role", "content"}` for each message; content that is not text is left out."""
    return [{"role": _role(message), "content": message.text} for message in messages]


def _role(message: BaseMessage) -> str:
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, AIMessage):
        return "assistant"
    return message.role if isinstance(message, ChatMessage) else "user"
