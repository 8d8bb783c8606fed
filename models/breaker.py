"""A circuit breaker: a model that keeps failing is left alone for a while, then asked by one call whether it is back.

It counts failures in a row, whoever made the calls, on any thread or event loop. What a failure is, is the guard's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from .resilience import RefusedError

BreakerState = Literal["closed", "open", "half_open"]
Outcome = Literal["good", "bad", "nothing"]
"""Of one call. `nothing` says neither that the model is well nor that it is not: cancelled, or told to wait."""


class Breaker:
    """Opens after `failures` bad calls in a row; `open_s` seconds later it lets one call through to try.

    Where that one has not answered after another `open_s` seconds, one more may try: one that hangs keeps nobody out.
    """

    def __init__(
        self, *, what: str, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.openings = 0
        """How often it opened, failed probes included."""
        self.refused = 0
        """Calls that were not made because it was open."""
        self._what = what
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: float | None = None
        self._probes: set[object] = set()
        self._tried: float | None = None

    @property
    def state(self) -> BreakerState:
        """`half_open` once it has been open long enough to try."""
        with self._lock:
            return self._state()

    def check(self) -> None:
        """Raises `RefusedError` where a call would be refused now; takes nothing."""
        with self._lock:
            self._refuse()

    def enter(self) -> object:
        """Permission for one call, to be given back with `leave`. Raises `RefusedError` where it is open."""
        with self._lock:
            self._refuse()
            ticket = object()
            if self._opened is not None:
                self._probes.add(ticket)
                self._tried = self._clock()
            return ticket

    def leave(self, ticket: object, outcome: Outcome) -> None:
        """Say what became of the call. Only the probe's word closes an open breaker."""
        with self._lock:
            probed = ticket in self._probes and self._opened is not None
            self._probes.discard(ticket)
            if outcome == "nothing" or (self._opened is not None and not probed):
                return
            if outcome == "good":
                self._in_a_row, self._opened = 0, None
                return
            self._in_a_row += 1
            if probed or self._in_a_row >= self._failures:
                self._opened = self._clock()
                self.openings += 1

    def _state(self) -> BreakerState:
        if self._opened is None:
            return "closed"
        return "open" if self._clock() - self._opened < self._open_s else "half_open"

    def _refuse(self) -> None:
        state = self._state()
        if state == "closed" or (state == "half_open" and self._may_try()):
            return
        self.refused += 1
        left = max(0.0, self._open_s - (self._clock() - (self._opened or 0.0)))
        when = f"it is asked again in {left:.3g} s" if state == "open" else "one call is asking it again now"
        raise RefusedError(f"{self._what} failed {self._in_a_row} times in a row; {when}")

    def _may_try(self) -> bool:
        return not self._probes or self._clock() - (self._tried or 0.0) >= self._open_s
