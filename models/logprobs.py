"""Log-probabilities of an answer's tokens, in the one form that OpenAI-compatible servers report them in.

They are the model's own, before any grammar: the likeliest token may be one that the grammar forbids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import BaseMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One token of an answer and what the model could have said instead."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens at this place and their log-probabilities, likeliest first."""


def read_logprobs(message: BaseMessage) -> tuple[TokenLogprob, ...]:
    """Those in a message's metadata; empty where the engine gave none."""
    metadata = cast("Mapping[str, Any]", message.response_metadata)
    found = metadata.get("logprobs")
    content: Sequence[Mapping[str, Any]] = (found.get("content") or ()) if isinstance(found, Mapping) else ()
    return tuple(
        TokenLogprob(
            token=entry["token"],
            logprob=float(entry["logprob"]),
            top=tuple((top["token"], float(top["logprob"])) for top in entry.get("top_logprobs") or ()),
        )
        for entry in content
    )


def logprobs_text(message: BaseMessage | None) -> str:
    """Those in a message's metadata as the engine reported them, as JSON; empty where it gave none."""
    metadata = {} if message is None else cast("Mapping[str, Any]", message.response_metadata)
    found = metadata.get("logprobs")
    return "" if found is None else json.dumps(found)
