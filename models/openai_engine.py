"""The `openai` engine: any OpenAI-compatible endpoint (vLLM, SGLang, Ollama, llama-server, a cloud)."""

from __future__ import annotations

import json
import os
import ssl
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable
from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import PrivateAttr, SecretStr

from ..tracing.telemetry import outgoing_headers
from .failures import EndpointError
from .loop_clients import LoopClients
from .settings import Settings
from .spec import ModelSpec
from .structured import repaired

_NO_KEY = SecretStr("none")
_TIMEOUT_S = 600.0
_TIMEOUT = httpx.Timeout(_TIMEOUT_S, connect=10.0)


class EndpointChat(BaseChatOpenAI):
    """`ChatOpenAI` for endpoints that are not OpenAI's: `max_tokens` is sent under the name they all know.

    Structured output asks, validates and has the answer mended once, which needs nothing of the server. A plain
    asynchronous answer is one POST of the payload that `langchain-openai` makes; streams, synchronous calls and what
    needs the SDK go through the SDK (`pilotfish lab bench boundary` shows what that costs).
    """

    _clients: LoopClients | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "pilotfish-openai"

    def keeping(self, clients: LoopClients) -> EndpointChat:
        """The same chat model, whose plain asynchronous answers go through these clients."""
        self._clients = clients
        return self

    def with_structured_output(  # pyright: ignore[reportIncompatibleMethodOverride] - methods are the server's
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a JSON schema or pydantic class: asked for, validated, mended once."""
        return repaired(self, schema, include_raw=include_raw, **kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        headers = payload.pop("extra_headers", None) or {}
        payload |= payload.pop("extra_body", None) or {}
        if self._clients is None or _needs_sdk(payload):
            return await super()._agenerate(messages, stop, run_manager, **kwargs)
        client = await self._clients.here()
        response = await client.post("chat/completions", content=json.dumps(payload), headers=headers)
        return self._create_chat_result(_completion(response))


def _needs_sdk(payload: dict[str, Any]) -> bool:
    """What the SDK does besides sending JSON: streams, its own options, a pydantic class as the answer's form."""
    return bool(
        payload.get("stream")
        or {"extra_query", "timeout", "input"} & payload.keys()
        or isinstance(payload.get("response_format"), type)
    )


def _completion(response: httpx.Response) -> dict[str, Any]:
    """The body of an answer. Raises `EndpointError` for anything else."""
    try:
        data: Any = response.json()
    except ValueError:  # not JSON, or not text
        data = None
    if response.is_error:
        raise _refusal(response, data)
    choices: Any = data.get("choices") if isinstance(data, dict) and not data.get("error") else None
    first: Any = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise EndpointError(f"it sent no completion: {response.text[:200]!r}", response=response)
    return data


def _refusal(response: httpx.Response, data: Any) -> Exception:
    told: Any = data.get("error", data) if isinstance(data, dict) else None
    message = told.get("message") if isinstance(told, dict) else told
    error = EndpointError(
        f"status {response.status_code}: {message or response.text[:200] or response.reason_phrase}",
        response=response,
    )
    error.code = told.get("code") or told.get("type") if isinstance(told, dict) else None
    if response.status_code == 400 and any(sign in str(told).lower() for sign in _TOO_LONG):
        return ContextOverflowError(str(error))
    return error


_TOO_LONG = ("context_length", "context length", "context size", "prompt is too long")
"""How servers say that a prompt does not fit."""


def endpoint_chat(spec: ModelSpec, settings: Settings) -> BaseChatModel:
    """The chat model of an endpoint. No request is made; it never retries by itself."""
    sampling = spec.sampling
    local = spec.locality == "local"
    # The SDK's clients outlive event loops, so they keep no connection.
    limits = httpx.Limits(max_keepalive_connections=0)
    key = _key(spec, settings)
    maker = _Maker(spec.source, key, trust_env=not local)
    options: dict[str, Any] = {
        "limits": limits,
        "trust_env": not local,
        "timeout": _TIMEOUT,
        "verify": maker.verify,
    }
    chat = EndpointChat(
        model=spec.revision,
        base_url=spec.source,
        api_key=key,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        extra_body={"top_k": sampling.top_k} if sampling.top_k and local else None,
        max_retries=0,
        timeout=_TIMEOUT_S,
        stream_usage=True,
        use_responses_api=False,
        http_client=httpx.Client(**options, event_hooks={"request": [_traced]}),
        http_async_client=httpx.AsyncClient(**options, event_hooks={"request": [_atraced]}),
    )
    return chat.keeping(LoopClients(maker.client))


class _Maker:
    """Makes the clients that keep their connections."""

    def __init__(self, base_url: str, key: SecretStr, *, trust_env: bool) -> None:
        self._base_url = base_url
        self._key = key
        self._trust_env = trust_env

    @cached_property
    def verify(self) -> ssl.SSLContext | bool:
        """The certificates that are trusted; not read for an address without encryption."""
        # Reading the certificates takes longer than a call, and one that is not encrypted needs none.
        return httpx.create_ssl_context() if self._base_url.startswith("https") else False

    def client(self) -> httpx.AsyncClient:
        key = self._key.get_secret_value()
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            # Servers drop an idle connection after 5 s or more; to be the first is to never find one dropped.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4.0),
            trust_env=self._trust_env,
            timeout=_TIMEOUT,
            verify=self.verify,
            event_hooks={"request": [_atraced]},
        )


def _traced(request: httpx.Request) -> None:
    """The W3C trace context goes along, where something is traced."""
    request.headers.update(outgoing_headers())


async def _atraced(request: httpx.Request) -> None:
    _traced(request)


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
