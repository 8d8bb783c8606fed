"""Budgets for calls, tokens, dollars and seconds, and the meter that a run and its subtasks share."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from ..tracing.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Upper limits of one run. None means no limit."""

    calls: int | None = None
    tokens: int | None = None
    """Input and output tokens together."""
    usd: float | None = None
    seconds: float | None = None
    """Of one process: a run that is resumed has them anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What was used so far."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    replayed: int = 0
    """Of the calls, those whose answer was taken from the record of an earlier run, at no cost."""


class Meter:
    """Counts spend against a budget. A child has the same limits and adds to its parent too."""

    def __init__(
        self, budget: Budget | None = None, *, spent: Spend | None = None, parent: Meter | None = None
    ) -> None:
        self._budget = budget or Budget()
        self._parent = parent
        self._started = time.monotonic()
        self._under_way = 0
        self.spend = spent or Spend()

    def child(self) -> Meter:
        """A meter for one subtask: shows its own spend, and stops where the run's budget stops."""
        return Meter(parent=self)

    def exceeded(self, *, holding: int = 0) -> str | None:
        """Which limit is used up, in words, or None. Calls under way count, but for `holding` of one's own."""
        if self._parent is not None:
            return self._parent.exceeded(holding=holding)
        tokens = self.spend.input_tokens + self.spend.output_tokens
        for name, used, limit in (
            ("calls", self.spend.calls + self._under_way - holding, self._budget.calls),
            ("tokens", tokens, self._budget.tokens),
            ("dollars", self.spend.cost_usd, self._budget.usd),
            ("seconds", time.monotonic() - self._started, self._budget.seconds),
        ):
            if limit is not None and used >= limit:
                return f"the budget of {limit:g} {name} is used up ({used:g})"
        return None

    @contextmanager
    def calling(self) -> Generator[None]:
        """Hold a call's place in the budget while it is under way."""
        self._reserve(1)
        try:
            yield
        finally:
            self._reserve(-1)

    def add(self, call: Call) -> None:
        """Add what a call used."""
        self.spend = Spend(
            calls=self.spend.calls + 1,
            input_tokens=self.spend.input_tokens + call.input_tokens,
            output_tokens=self.spend.output_tokens + call.output_tokens,
            cost_usd=self.spend.cost_usd + call.cost_usd,
            replayed=self.spend.replayed + call.replayed,
        )
        if self._parent is not None:
            self._parent.add(call)

    def seconds_left(self) -> float:
        """Seconds until the budget's time is up; infinite without one."""
        if self._parent is not None:
            return self._parent.seconds_left()
        if self._budget.seconds is None:
            return math.inf
        return max(0.0, self._budget.seconds - (time.monotonic() - self._started))

    def _reserve(self, calls: int) -> None:
        self._under_way += calls
        if self._parent is not None:
            self._parent._reserve(calls)
