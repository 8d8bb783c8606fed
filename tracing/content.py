"""Content by its hash: prompts and answers stand in records as a digest, so that their text can be left out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence


def content_digest(text: str) -> str:
    """The sha256 of a text, in hexadecimal; half of a surrogate pair, which a model may write, counts as it is."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_text(messages: Sequence[tuple[str, str]]) -> str:
    """Messages as the one text they are kept and hashed as: JSON, a [role, text] pair each."""
    return json.dumps([list(message) for message in messages])
