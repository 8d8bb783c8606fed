"""How much trouble with a model is borne: the settings of retries, the circuit breaker and the limits."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .. import UnavailableError, UsageError


class RefusedError(UnavailableError):
    """Something was not begun: too many are under way or waiting, a breaker is open, or the agent is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience:
    """Terms for one model. The defaults leave calls that go well as they are."""

    attempts: int = 3
    """Most requests for one answer; 1 never repeats. Only what may pass by itself is repeated."""
    wait_s: float = 0.25
    """Seconds before the second request; doubled for each further one, and drawn at random between half and all."""
    longest_wait_s: float = 20.0
    """Most seconds between two requests. A server's `Retry-After` may ask for more."""
    within_s: float = 120.0
    """No request begins later than this after the first, nor after the deadline of the call."""
    request_s: float | None = None
    """Longest that one request may take before it is given up and repeated; None leaves it all the call's time."""
    breaker_failures: int = 8
    """Failures in a row after which the model is left alone; 0 never does."""
    breaker_open_s: float = 30.0
    """For how long, until one call tries whether it is back."""
    concurrency: int | None = 64
    """Requests under way at once; None is without limit."""
    per_minute: int | None = None
    """Requests begun in any 60 seconds."""
    waiting: int = 1024
    """Requests that may wait for either; one more fails at once."""

    def __post_init__(self) -> None:
        least = {"attempts": 1, "concurrency": 1, "per_minute": 1}
        for each in fields(self):
            value, bound = getattr(self, each.name), least.get(each.name, 0)
            if value is not None and value < bound:
                raise UsageError(f"Resilience({each.name}={value!r}): give at least {bound}")
