"""The cache of model calls behind `lab bench TASKS.jsonl`: swapping a policy makes no call that was made before.

Completions are kept by content: model, prompt and its text, seed, sampling and schema. What a lane does with them
(searching, reading, voting, checking) is done anew. Latency and cost are those of the first making.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from .. import UnavailableError
from ..agents.attempt import PASSING, Attempt
from ..agents.caller import Caller, Model
from ..agents.codec import digest, from_json, to_json
from ..agents.lane import Lane, LaneContext
from ..agents.plan import Plan
from ..agents.planner import CallingPlanner, Planner
from ..models.client import Completion
from ..models.request import model_identity
from ..prompts import RenderedPrompt
from ..router.subtask import Subtask

logger = logging.getLogger(__name__)
_FORM = 1
"""Raised when the key or the body changes its meaning."""
_BUSY_SECONDS = 30.0


class CallCache:
    """Completions in the SQLite file `path`; its folder is made on first use. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._under_way: dict[str, asyncio.Lock] = {}

    def __repr__(self) -> str:
        return f"CallCache({str(self.path)!r})"

    def get(self, key: str) -> Completion | None:
        """What was answered, or None; a row that an older version wrote and this one cannot read is none."""
        row = self._execute("SELECT body FROM completions WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return from_json(Completion, json.loads(row[0]))
        except ValidationError:
            logger.warning("a kept completion cannot be read any more and is asked for again")
            return None

    def put(self, key: str, completion: Completion) -> None:
        """Keep a completion, unless its failure is one of the moment. It survives a killed process."""
        if completion.failure in PASSING:
            return
        # ASCII: a model may write half of a surrogate pair, which is JSON but not UTF-8.
        body = json.dumps(to_json(completion))
        self._execute("INSERT OR REPLACE INTO completions VALUES (?, ?)", (key, body))

    def under_way(self, key: str) -> asyncio.Lock:
        """Held while a key is asked for, so that the same question at the same time is asked once."""
        return self._under_way.setdefault(key, asyncio.Lock())

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._guard:
            self._under_way.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _execute(self, statement: str, values: tuple[str, ...]) -> sqlite3.Cursor:
        with self._guard:
            try:
                if self._connection is None:
                    self._connection = _connect(self.path)
                return self._connection.execute(statement, values)
            except (sqlite3.Error, OSError) as error:
                raise UnavailableError(
                    f"the cache of calls {str(self.path)!r} cannot be used: {error}. Delete it, or set "
                    "PILOTFISH_HOME to a folder that can be written"
                ) from error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, body TEXT NOT NULL)")
    return connection


@dataclass(slots=True, kw_only=True)
class Tally:
    """What carrying out one task took; filled while it goes on."""

    made: int = 0
    """Completions asked of a model."""
    replayed: int = 0
    """Completions taken from the cache."""
    model_ms: float = 0.0
    """Latency of all calls, each as it was when it was first made."""
    waited_ms: float = 0.0
    """Time this process spent on completions, made or replayed."""
    attempts: list[tuple[int, Attempt]] = field(default_factory=list)
    """Every attempt of a cached lane, with its sample number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedCaller(Caller):
    """A caller that asks a model only what it was not asked before."""

    cache: CallCache
    tally: Tally

    @classmethod
    def around(cls, caller: Caller, cache: CallCache, tally: Tally) -> CachedCaller:
        """The same caller with a cache."""
        own = {each.name: getattr(caller, each.name) for each in fields(Caller)}
        return cls(**own, cache=cache, tally=tally)

    async def complete(
        self,
        model: Model,
        prompt: RenderedPrompt,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        timeout_s: float | None = None,
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> Completion:
        """The kept completion, whose calls count on the run's budget and ledger again, else a new one."""
        asked: dict[str, Any] = {
            "seed": seed,
            "max_tokens": max_tokens,
            "schema": schema,
            "temperature": temperature,
        }
        key = call_key(model, prompt, asked)
        started = time.perf_counter()
        try:
            async with self.cache.under_way(key):
                kept = None if self.meter.exceeded() else self.cache.get(key)
                if kept is not None:
                    return self._replayed(kept)
                made = await Caller.complete(self, model, prompt, timeout_s=timeout_s, **asked)
                self.cache.put(key, made)
                self.tally.made += 1
                self.tally.model_ms += sum(call.latency_ms for call in made.calls)
                return made
        finally:
            self.tally.waited_ms += (time.perf_counter() - started) * 1000

    def _replayed(self, kept: Completion) -> Completion:
        for call in kept.calls:
            self.count(call)
        self.tally.replayed += 1
        self.tally.model_ms += sum(call.latency_ms for call in kept.calls)
        return kept


def call_key(model: Model, prompt: RenderedPrompt, asked: Mapping[str, Any]) -> str:
    """The identity of a completion: the same key is the same question to the same model on the same terms."""
    terms = (prompt.name, prompt.version, prompt.messages, dict(asked))
    return digest(_FORM, model_identity(model.chat, model.spec), *terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedLane:
    """A lane whose model calls go through the cache."""

    lane: Lane
    cache: CallCache
    tally: Tally

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """The lane's attempt, noted in the tally."""
        caller = CachedCaller.around(context.caller, self.cache, self.tally)
        attempt = await self.lane.attempt(subtask, replace(context, caller=caller))
        self.tally.attempts.append((context.sample, attempt))
        return attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPlanner:
    """A planner that calls a model, through the cache."""

    planner: CallingPlanner
    cache: CallCache
    tally: Tally

    def with_caller(self, caller: Caller, /) -> Planner:
        """The planner within a run."""
        return self.planner.with_caller(CachedCaller.around(caller, self.cache, self.tally))

    def plan(self, task: str, /) -> Plan | Awaitable[Plan]:
        """Without a run there is no caller to put a cache around."""
        return cast("Planner", self.planner).plan(task)
