"""What stands between a client and its model: the one retry loop, a circuit breaker, limits.

A guard sees no content, makes no record and chooses no other model. It is shared by all runs of an agent, on any
thread and event loop.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_result
from tenacity.stop import stop_after_attempt, stop_base

from ..tracing.call import Call
from .breaker import Breaker, Outcome
from .limits import Places, Rate
from .resilience import RefusedError, Resilience
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What a guard has seen so far."""

    requests: int
    retries: int
    """Requests after the first for the same answer."""
    waited: int
    """Requests that had to wait for a place."""
    openings: int
    """Times the breaker opened."""
    refused: int
    """Requests not made because it was open."""


class Guard:
    """The guard of one model, shared by all who call it."""

    def __init__(self, spec: ModelSpec, resilience: Resilience, *, limits: Guard | None = None) -> None:
        """`limits`: a guard whose limits count for both."""
        self.resilience = resilience
        what = repr(spec.id)
        # A model in this process cannot be away: its time running out says nothing about the next call.
        self._served = spec.engine == "openai" or spec.locality == "remote"
        self._breaker: Breaker | None = None
        if resilience.breaker_failures:
            self._breaker = Breaker(
                what=what, failures=resilience.breaker_failures, open_s=resilience.breaker_open_s
            )
        if limits is not None:
            self._places, self._rate = limits._places, limits._rate
        else:
            self._places = Places(resilience.concurrency, waiting=resilience.waiting, what=what)
            self._rate = Rate(resilience.per_minute, waiting=resilience.waiting, what=what)
        self._lock = threading.Lock()
        self._requests = self._retries = 0

    def __repr__(self) -> str:
        return f"Guard({self.resilience!r})"

    @property
    def breaker(self) -> Breaker | None:
        """The circuit breaker, or None where there is none."""
        return self._breaker

    def report(self) -> GuardReport:
        """Counts since the agent was made."""
        breaker = self._breaker
        return GuardReport(
            requests=self._requests,
            retries=self._retries,
            waited=self._places.waited,
            openings=breaker.openings if breaker else 0,
            refused=breaker.refused if breaker else 0,
        )

    async def run(self, once: Callable[[int], Awaitable[Replied]], *, deadline: float | None) -> Replied:
        """The reply to `once(attempt)`, repeated where that may help; `deadline` is of `time.monotonic`.

        Raises `RefusedError` where the request was not made at all.
        """
        terms = self.resilience
        last = time.monotonic() + terms.within_s
        end = last if deadline is None else min(last, deadline)
        asking = _Asking(guard=self, once=once, deadline=deadline, end=end)
        first = await asking.ask()
        if not asking.may_help(
            first
        ):  # nearly all calls; the loop takes longer than all else that a guard does
            return first
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            wait=_pause(terms),
            stop=stop_after_attempt(terms.attempts) | _TooLate(end),
            retry=retry_if_result(asking.may_help),
            retry_error_callback=_last_reply,
        )
        return await retrying(asking.next)

    async def ask(
        self, once: Callable[[int], Awaitable[Replied]], attempt: int, deadline: float | None
    ) -> Replied:
        """One request, under the limits and with the breaker's leave."""
        if self._breaker is not None:
            self._breaker.check()  # before waiting for a place in vain
        await self._rate.turn(deadline=deadline)
        async with self._places.place(deadline=deadline):
            if self._breaker is None:
                return await self._counted(once, attempt)
            ticket, outcome = self._breaker.enter(), "nothing"
            try:
                reply = await self._counted(once, attempt)
                outcome = self._outcome(reply)
                return reply
            finally:
                self._breaker.leave(ticket, outcome)

    async def _counted(self, once: Callable[[int], Awaitable[Replied]], attempt: int) -> Replied:
        with self._lock:
            self._requests += 1
            self._retries += attempt > 1
        return await once(attempt)

    def _outcome(self, reply: Reply) -> Outcome:
        if reply.retry_after_s is not None or (reply.call.failure == "timeout" and not self._served):
            return "nothing"
        return "bad" if reply.transient or reply.call.failure == "timeout" else "good"


@dataclass(slots=True, kw_only=True)
class _Asking(Generic[Replied]):
    """The requests for one answer."""

    guard: Guard
    once: Callable[[int], Awaitable[Replied]]
    deadline: float | None
    end: float
    """When the last repetition may begin, waiting for a place included."""
    attempt: int = 0
    reply: Replied | None = None
    refused: bool = False
    looping: bool = False

    async def next(self) -> Replied:
        """For the loop: the first reply, which there is already, then what further requests bring."""
        if not self.looping and self.reply is not None:
            self.looping = True
            return self.reply
        return await self.ask()

    async def ask(self) -> Replied:
        """The next request. A repetition that is not let through leaves the reply there is."""
        self.attempt += 1
        begin_by = self.deadline if self.reply is None else self.end
        try:
            self.reply = await self.guard.ask(self.once, self.attempt, begin_by)
        except RefusedError:
            if self.reply is None:
                raise
            self.refused = True
        return self.reply

    def may_help(self, reply: Replied) -> bool:
        """Whether to ask again."""
        return reply.transient and not self.refused


def _pause(terms: Resilience) -> Callable[[RetryCallState], float]:
    """Exponential, with jitter so that those who failed together do not come back together; or as the server asks."""

    def seconds(state: RetryCallState) -> float:
        ceiling = min(terms.longest_wait_s, terms.wait_s * 2.0 ** (state.attempt_number - 1))
        drawn = ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        asked = _reply_of(state).retry_after_s
        return drawn if asked is None else asked + drawn

    return seconds


class _TooLate(stop_base):
    """Gives up at once where the next request could only begin after the end."""

    def __init__(self, end: float) -> None:
        self._end = end

    def __call__(self, retry_state: RetryCallState) -> bool:
        return time.monotonic() + retry_state.upcoming_sleep >= self._end


def _reply_of(state: RetryCallState) -> Reply:
    assert state.outcome is not None  # noqa: S101 - tenacity asks after an attempt
    return state.outcome.result()


def _last_reply(state: RetryCallState) -> Any:
    return _reply_of(state)


class Guards:
    """The guards of an agent's models: one for each, and one for what a canary's candidate asks of it."""

    def __init__(self, resilience: Resilience | Mapping[str, Resilience] | None = None) -> None:
        """`resilience` is for every model, or by model id; a model that is not named has the defaults."""
        self._terms = resilience
        self._lock = threading.Lock()
        self._guards: dict[tuple[str, str, str, bool], Guard] = {}

    def of(self, spec: ModelSpec, *, candidate: bool = False) -> Guard:
        """The guard of this model; the same for the same model.

        A canary's candidate has the limits in common with everybody and a breaker of its own: a prompt that makes a
        model fail must not close it to those who get the baseline.
        """
        key = (spec.id, spec.digest, spec.source, candidate)
        guard = self._guards.get(key)
        if guard is None:
            limits = self.of(spec) if candidate else None
            with self._lock:
                guard = self._guards.setdefault(key, Guard(spec, self._resilience(spec), limits=limits))
        return guard

    def report(self) -> dict[str, GuardReport]:
        """What each guard has seen, by model id; a candidate's says so."""
        return {
            f"{model_id} (candidate)" if candidate else model_id: guard.report()
            for (model_id, _, _, candidate), guard in list(self._guards.items())
        }

    def _resilience(self, spec: ModelSpec) -> Resilience:
        if isinstance(self._terms, Mapping):
            return self._terms.get(spec.id, Resilience())
        return self._terms or Resilience()
