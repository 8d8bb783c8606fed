"""Which errors are trouble with a model, and how each is told. Any other is a programmer's mistake."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

import httpx
from langchain_core.exceptions import ContextOverflowError, ModelError, ModelTimeoutError

from .. import UnavailableError
from ..tracing.call import Failure
from .spec import ModelSpec


class EndpointError(UnavailableError):
    """An endpoint refused a request, or what it sent is no answer."""

    def __init__(self, message: str, *, response: httpx.Response) -> None:
        super().__init__(message)
        self.response = response
        self.status_code = response.status_code if response.is_error else None
        """None where the status said that all was well."""
        self.code: str | None = None
        """What the endpoint calls the error."""


def failure_of(error: BaseException, spec: ModelSpec, timeout_s: float | None) -> tuple[Failure | None, str]:
    """The failure and its words; (None, …) for an error that is to be raised."""
    if isinstance(error, TimeoutError | ModelTimeoutError | httpx.TimeoutException) or _is_sdk_timeout(error):
        limit = f" within {timeout_s} s" if timeout_s is not None else ""
        return "timeout", f"{spec.id!r} did not answer{limit}"
    if isinstance(error, ContextOverflowError):
        return "truncated", f"the prompt does not fit {spec.id!r}: {error}"
    if _is_unavailable(error):
        where = f" at {spec.source!r}" if spec.engine == "openai" and spec.source else ""
        return (
            "model_unavailable",
            f"{spec.id!r}{where} is not available: {_told(error)}{_remedy(error, spec)}",
        )
    return None, str(error)


def _is_unavailable(error: BaseException) -> bool:
    # JSON that a chat model's own code could not read is what its server sent.
    known = (UnavailableError, ModelError, httpx.HTTPError, OSError, json.JSONDecodeError)
    return (
        isinstance(error, known)
        or isinstance(getattr(error, "status_code", None), int)
        or _is_sdk_error(error)
    )


def _is_sdk_error(error: BaseException) -> bool:
    """Vendors' connection errors share no class but a name; importing every SDK to ask is no option."""
    return any(cls.__name__ in ("APIConnectionError", "APIError") for cls in type(error).__mro__)


def _is_sdk_timeout(error: BaseException) -> bool:
    return any(cls.__name__ == "APITimeoutError" for cls in type(error).__mro__)


def _told(error: BaseException) -> str:
    why = str(error.__cause__ or "")
    cause = f" ({why})" if why and why not in str(error) else ""
    return f"{type(error).__name__}: {error}{cause}"


def _remedy(error: BaseException, spec: ModelSpec) -> str:
    if spec.engine != "openai":
        return ""
    if getattr(error, "status_code", None) in (401, 403):
        return "; set PILOTFISH_OPENAI_API_KEY for the endpoint in PILOTFISH_OPENAI_BASE_URL"
    if getattr(error, "status_code", None) == 404:
        return f"; check that the endpoint serves {spec.revision!r} (GET /v1/models lists what it does)"
    return "; check that the server runs there, or set PILOTFISH_OPENAI_BASE_URL"


_DATED = re.compile(r"[-@:](?:latest|0\d{2}|\d{4}|\d{4}-\d{2}(?:-\d{2})?|\d{6}|\d{8})")


def impostor(said: object, spec: ModelSpec) -> str | None:
    """Why an answer is not this model's, by the name that an endpoint puts on it; None where it is, or has no name.

    A dated or `latest` version of what was asked for is the same model. A server of one file (llama-server) answers to
    any name with the file's path: it is taken for what was asked where the path holds that name.
    """
    if spec.engine != "openai" or not isinstance(said, str) or not said or not spec.revision:
        return None
    asked, answered = (PurePosixPath(name.lower()).name for name in (spec.revision, said))
    is_file = answered.endswith(".gguf") or said.startswith("/")
    longer, shorter = (answered, asked) if len(answered) > len(asked) else (asked, answered)
    dated = longer.startswith(shorter) and _DATED.fullmatch(longer[len(shorter) :])
    if answered == asked or dated or (is_file and asked in said.lower()):
        return None
    name = PurePosixPath(said).stem if is_file else said
    return (
        f"{spec.source!r} was asked for {spec.revision!r} and answered with {said!r}; "
        f"if that is the model you mean, name it: 'openai/{name}@{spec.source}'"
    )


_TRANSIENT_STATUS = (408, 425, 429)
"""Besides everything from 500 up."""
_NO_CREDIT = "insufficient_quota"
"""The code of a 429 that waiting does not cure."""


def is_transient(error: BaseException | None) -> bool:
    """Whether the same request may do better in a while: the server is busy, failing or away, not displeased."""
    if error is None or getattr(error, "code", None) == _NO_CREDIT:
        return False
    status = _status(error)
    if status is not None:
        return status in _TRANSIENT_STATUS or status >= 500
    if isinstance(error, ModelError):
        return error.is_retryable
    if any(
        isinstance(each, UnavailableError) and not isinstance(each, EndpointError) for each in _causes(error)
    ):
        return False  # ours, such as the air gap's: it does not pass
    known = (TimeoutError, ConnectionError, httpx.TransportError, EndpointError, json.JSONDecodeError)
    hopeless = isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError)
    return (isinstance(error, known) and not hopeless) or _is_lost_connection(error)


def retry_after_s(error: BaseException | None) -> float | None:
    """Seconds the server asked to be left alone: its `Retry-After`, in seconds or as a date."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    if not isinstance(value, str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _status(error: BaseException) -> int | None:
    """The HTTP status; vendors put it on the error, httpx on its response."""
    status = getattr(error, "status_code", None) or getattr(
        getattr(error, "response", None), "status_code", None
    )
    return status if isinstance(status, int) and status >= 400 else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def _is_lost_connection(error: BaseException) -> bool:
    return any(cls.__name__ in ("APIConnectionError", "APITimeoutError") for cls in type(error).__mro__)
