"""The identity of a request: the same digest is the same question to the same model on the same terms."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from .spec import ModelSpec

_SECRET = re.compile(r"key|token(?!s)|secret|password|authorization", re.IGNORECASE)
"""Names whose strings stay out of identities; `max_tokens` and `stop_token_ids` are settings as any other."""
_BOOKKEEPING = ("metadata", "tags")
"""LangChain's own notes on a chat model, which name the versions installed."""


def request_digest(
    chat: BaseChatModel, spec: ModelSpec, messages: Sequence[tuple[str, str]], settings: Mapping[str, Any]
) -> str:
    """The identity of one request as the engine gets it; the prompt's name is no part of what an answer depends on."""
    # ASCII: an answer quoted in a prompt may hold half of a surrogate pair, which is JSON but not UTF-8.
    terms = json.dumps([_own_settings(chat, spec), messages, settings], sort_keys=True, default=str)
    return hashlib.sha256(f"{_spec_text(spec)}\n{terms}".encode()).hexdigest()


def model_identity(chat: BaseChatModel, spec: ModelSpec) -> dict[str, Any]:
    """What answers depend on in a model, as JSON data; it holds no secret, and goes into a hash only."""
    return {**_of_spec(spec), "settings": _own_settings(chat, spec)}


def _of_spec(spec: ModelSpec) -> dict[str, Any]:
    return {
        "id": spec.id,
        "digest": spec.digest,
        "engine": spec.engine,
        "source": spec.source,
        "sampling": asdict(spec.sampling),
        "context": spec.context,
        "thinking": spec.thinking,
    }


@lru_cache(maxsize=64)
def _spec_text(spec: ModelSpec) -> str:
    """What a spec says of a model, worked out once: it is asked for with every call."""
    return json.dumps(_of_spec(spec), sort_keys=True)


def _own_settings(chat: BaseChatModel, spec: ModelSpec) -> dict[str, Any]:
    """The settings of a chat model that the caller brought along, as far as JSON can say them."""
    if spec.engine != "langchain":
        return {}
    values = {name: getattr(chat, name, None) for name in type(chat).model_fields}
    return plain({name: value for name, value in values.items() if name not in _BOOKKEEPING})


def plain(value: Any, *, secret: bool = False) -> Any:
    """A setting as JSON data: clients, callbacks and the like are None, and so is every string of a secret."""
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {
            str(name): plain(item, secret=secret or _SECRET.search(str(name)) is not None)
            for name, item in items
        }
    if isinstance(value, list | tuple):
        return [plain(item, secret=secret) for item in cast("Sequence[Any]", value)]
    if isinstance(value, str):
        return None if secret else value
    return value if isinstance(value, int | float) else None
