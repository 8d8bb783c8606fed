"""Which errors are trouble with a model, and how each is told. Any other is a programmer's mistake."""

from __future__ import annotations

import httpx
from langchain_core.exceptions import ContextOverflowError, ModelError, ModelTimeoutError

from .. import UnavailableError
from ..tracing.call import Failure
from .spec import ModelSpec


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
    known = (UnavailableError, ModelError, httpx.HTTPError, OSError)
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
    cause = f" ({error.__cause__})" if error.__cause__ is not None and str(error.__cause__) else ""
    return f"{type(error).__name__}: {error}{cause}"


def _remedy(error: BaseException, spec: ModelSpec) -> str:
    if spec.engine != "openai":
        return ""
    if getattr(error, "status_code", None) in (401, 403):
        return "; set PILOTFISH_OPENAI_API_KEY for the endpoint in PILOTFISH_OPENAI_BASE_URL"
    if getattr(error, "status_code", None) == 404:
        return f"; check that the endpoint serves {spec.revision!r} (GET /v1/models lists what it does)"
    return "; check that the server runs there, or set PILOTFISH_OPENAI_BASE_URL"


def is_transient(error: BaseException | None) -> bool:
    """Whether the same request may do better in a while: never, until a guard that repeats says otherwise."""
    del error
    return False


def retry_after_s(error: BaseException | None) -> float | None:
    """Seconds the server asked to be left alone, from its `Retry-After`."""
    del error
    return None
