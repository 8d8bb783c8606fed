from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from langchain_core.exceptions import ContextOverflowError, ModelAuthenticationError, ModelRateLimitError

from pilotfish import ModelSpec, UnavailableError
from pilotfish.models.failures import EndpointError, failure_of, impostor, is_transient, retry_after_s


def answered(status: int, headers: dict[str, str] | None = None, code: str | None = None) -> EndpointError:
    error = EndpointError("no", response=httpx.Response(status, headers=headers))
    error.code = code
    return error


@pytest.mark.parametrize(
    "error",
    [
        *(answered(status) for status in (408, 425, 429, 500, 502, 503, 504, 529)),
        answered(200),  # what came is no completion
        ConnectionRefusedError(),
        ConnectionResetError(),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("no"),
        httpx.RemoteProtocolError("cut"),
        TimeoutError(),
        json.JSONDecodeError("no", "{", 0),
        ModelRateLimitError("slow down"),
    ],
)
def test_what_may_pass_by_itself(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        *(answered(status) for status in (400, 401, 403, 404, 422)),
        answered(429, code="insufficient_quota"),
        UnavailableError("no weights"),
        ContextOverflowError("too long"),
        ModelAuthenticationError("no"),
        KeyError("a programmer's mistake"),
        httpx.UnsupportedProtocol("gopher"),
    ],
)
def test_what_will_not(error: Exception | None) -> None:
    assert not is_transient(error)


def test_a_connection_that_we_refuse_ourselves_is_not_tried_again() -> None:
    error = httpx.ConnectError("no")
    error.__cause__ = UnavailableError("air-gapped")
    assert not is_transient(error)


def test_retry_after_in_seconds_and_as_a_date() -> None:
    assert retry_after_s(answered(429, {"Retry-After": "7.5"})) == 7.5
    assert retry_after_s(answered(429, {"Retry-After": "-3"})) == 0.0
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    seconds = retry_after_s(answered(503, {"Retry-After": later}))
    assert seconds is not None
    assert 3500 < seconds <= 3600
    for nonsense in ("soon", "nan", "inf", ""):
        assert retry_after_s(answered(429, {"Retry-After": nonsense})) is None
    assert retry_after_s(ConnectionResetError()) is None
    assert retry_after_s(None) is None


@pytest.mark.parametrize(
    ("asked", "said", "same"),
    [
        ("gpt-x", "gpt-x", True),
        ("gpt-x", "gpt-x-2025-08-07", True),
        ("gpt-x", "gpt-x-0613", True),
        ("gemini-x", "gemini-x-001", True),
        ("gpt-4", "gpt-4-32", False),
        ("llama-3", "llama-3-70", False),
        ("gpt-x-latest", "gpt-x", True),
        ("llama3", "llama3:latest", True),
        ("Qwen3", "/models/qwen3.gguf", True),
        ("smollm2", "/home/models/SmolLM2-135M.Q4_1.gguf", True),
        ("qwen", "/home/models/SmolLM2-135M.Q4_1.gguf", False),
        ("vendor/big", "big", True),
        ("gpt-x", "", True),
        ("gpt-x", None, True),
        ("gpt-x", "gpt-x-mini", False),
        ("gpt-x", "gpt-y", False),
        ("gpt-x-2025-01-01", "gpt-x-2025-08-07", False),
        ("big", "biggest", False),
    ],
)
def test_an_answer_by_another_model_is_told_from_a_dated_name(asked: str, said: object, same: bool) -> None:
    spec = ModelSpec(id=f"openai/{asked}", engine="openai", revision=asked, source="http://127.0.0.1/v1")
    why = impostor(said, spec)
    assert (why is None) == same
    if why:
        assert f"asked for {asked!r} and answered with {said!r}" in why


def test_names_are_only_compared_where_an_endpoint_was_asked() -> None:
    assert impostor("other", ModelSpec(id="m", engine="langchain", revision="m")) is None


@pytest.mark.parametrize(
    ("cause", "told"),
    [("refused", "ConnectError: refused"), ("no route", "ConnectError: refused (no route)")],
)
def test_a_cause_that_says_the_same_is_told_once(cause: str, told: str) -> None:
    error = httpx.ConnectError("refused")
    error.__cause__ = OSError(cause)
    spec = ModelSpec(id="m", engine="llamacpp", source="x", revision="1", locality="local")
    assert failure_of(error, spec, None) == ("model_unavailable", f"'m' is not available: {told}")
