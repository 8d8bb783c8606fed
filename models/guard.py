"""What stands between a client and its model: retries, a circuit breaker, limits. This one lets every call through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from ..tracing.call import Call
from .spec import ModelSpec


class Reply(Protocol):
    """What one request came to, as far as a guard needs to know."""

    @property
    def call(self) -> Call:
        """The record of it."""
        ...

    @property
    def transient(self) -> bool:
        """Whether the same request may do better in a while."""
        ...

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asked to be left alone."""
        ...


Replied = TypeVar("Replied", bound=Reply)


class Guard:
    """The guard of one model, shared by all who call it."""

    async def run(self, once: Callable[[int], Awaitable[Replied]], *, deadline: float | None) -> Replied:
        """The reply to `once(attempt)`, repeated where that may help; `deadline` is of `time.monotonic`.

        Raises `UnavailableError` where the request was not made at all.
        """
        del deadline
        return await once(1)


class Guards:
    """The guards of an agent's models, one for each model."""

    def __init__(self) -> None:
        self._guards: dict[tuple[str, str, str], Guard] = {}

    def of(self, spec: ModelSpec) -> Guard:
        """The guard of this model; the same for the same model."""
        return self._guards.setdefault((spec.id, spec.digest, spec.source), Guard())
