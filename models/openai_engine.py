"""The `openai` engine: any OpenAI-compatible endpoint (vLLM, SGLang, Ollama, llama-server, a cloud)."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import httpx
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.runnables import Runnable
from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import SecretStr

from .settings import Settings
from .spec import ModelSpec
from .structured import repaired

_NO_KEY = SecretStr("none")
_TIMEOUT_S = 600.0


class EndpointChat(BaseChatOpenAI):
    """`ChatOpenAI` for endpoints that are not OpenAI's: `max_tokens` is sent under the name they all know.

    Structured output asks, validates and has the answer mended once, which needs nothing of the server.
    """

    @property
    def _llm_type(self) -> str:
        return "pilotfish-openai"

    def with_structured_output(  # pyright: ignore[reportIncompatibleMethodOverride] - methods are the server's
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a JSON schema or pydantic class: asked for, validated, mended once."""
        return repaired(self, schema, include_raw=include_raw, **kwargs)


def endpoint_chat(spec: ModelSpec, settings: Settings) -> BaseChatModel:
    """The chat model of an endpoint. No request is made; it never retries by itself."""
    sampling = spec.sampling
    local = spec.locality == "local"
    limits = httpx.Limits(
        max_keepalive_connections=0
    )  # a kept connection outlives the event loop it belongs to
    options: dict[str, Any] = {"limits": limits, "trust_env": not local, "timeout": _TIMEOUT_S}
    return EndpointChat(
        model=spec.revision,
        base_url=spec.source,
        api_key=_key(spec, settings),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        extra_body={"top_k": sampling.top_k} if sampling.top_k and local else None,
        max_retries=0,
        timeout=_TIMEOUT_S,
        stream_usage=True,
        use_responses_api=False,
        http_client=httpx.Client(**options),
        http_async_client=httpx.AsyncClient(**options),
    )


def _key(spec: ModelSpec, settings: Settings) -> SecretStr:
    """The user's key goes to the endpoint it was set for and to no other."""
    if _origin(spec.source) != _origin(settings.openai_base_url):
        return _NO_KEY
    if settings.openai_api_key is not None:
        return settings.openai_api_key
    if _origin(spec.source) == _origin(str(Settings.model_fields["openai_base_url"].default)):
        return SecretStr(os.environ.get("OPENAI_API_KEY") or "none")
    return _NO_KEY


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
