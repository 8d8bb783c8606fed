"""LangChain messages to the role and text pairs that every chat template knows.

Local engines read a template's control tokens wherever they stand, so those in a message's text are broken up: a
retrieved passage cannot end the user's turn and begin another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, SystemMessage

_CONTROL = re.compile(r"<(?=\|\w+\|>|/?s>|(?:start|end)_of_turn>)")


def to_chat(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """`{"role", "content"}` for each message; content that is not text is left out."""
    return [{"role": _role(message), "content": _CONTROL.sub("< ", message.text)} for message in messages]


def _role(message: BaseMessage) -> str:
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, AIMessage):
        return "assistant"
    return message.role if isinstance(message, ChatMessage) else "user"
