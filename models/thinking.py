"""Taking apart what a reasoning model writes: its thinking, its answer, and the answer it put in a box.

The tags are matched by hand because models leave them out, open them twice, or never close them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<\s*(?P<close>/?)\s*think(?:ing)?\s*>", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_BOX = re.compile(r"\\f?box(?:ed)?(?![a-zA-Z])\s*")
_BARE = re.compile(r"[^\s$,;.\\{}()]+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A model's text, taken apart."""

    thinking: str | None
    """None when there is none; several blocks are joined by a blank line."""
    answer: str
    """What is left, stripped; empty when the model never stopped thinking."""
    closed: bool
    """Whether every block that was opened was closed. An answer of an unclosed text is not one."""


def split_thinking(text: str) -> Thought:
    """Split thinking off. A tag in a code fence of the answer is text, and so is an opening tag in a block.

    A closing tag that nothing opened means that all before it is thinking: the chat template opened the
    block, or blocks were nested.
    """
    thinking: list[str] = []
    answer: list[str] = []
    inside = False
    position = 0
    for tag in _TAG.finditer(text):
        if inside and not tag["close"]:
            continue
        piece = text[position : tag.start()]
        if not inside and _in_fence("".join(answer) + piece, text[tag.end() :]):
            continue
        position = tag.end()
        (thinking if inside else answer).append(piece)
        if tag["close"] and not inside:
            thinking, answer = [*thinking, *answer], []
        inside = not tag["close"]
    (thinking if inside else answer).append(text[position:])
    thought = "\n\n".join(part for part in map(str.strip, thinking) if part)
    return Thought(thinking=thought or None, answer="".join(answer).strip(), closed=not inside)


def extract_boxed(text: str) -> str | None:
    r"""What the last complete `\boxed{…}` or `\fbox{…}` holds, or the word after one without braces.

    Braces inside are balanced, escaped ones do not count. None when there is no box or none is closed.
    """
    for box in reversed(list(_BOX.finditer(text))):
        if text[box.end() : box.end() + 1] == "{":
            content = _balanced(text, box.end())
        else:
            bare = _BARE.match(text, box.end())
            content = bare[0] if bare else None
        if content is not None:
            return content.strip()
    return None


def _balanced(text: str, start: int) -> str | None:
    depth = 0
    position = start
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start + 1 : position]
        position += 1
    return None


def _in_fence(before: str, after: str) -> bool:
    """A fence that is never closed is no fence: models forget that too."""
    return len(_FENCE.findall(before)) % 2 == 1 and _FENCE.search(after) is not None
