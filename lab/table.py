"""The outcome table: per prompt, how right each of several models was and what it cost. Policies are replayed on it.

On disk it is CSV, CSV.gz or Parquet with the columns `id, prompt`, optional `group`, then for each model
`MODEL|correct` (0 to 1) and optionally `MODEL|cost` (dollars), `MODEL|latency_ms` and `MODEL|confidence` (0 to 1).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import UsageError

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeTable:
    """Outcomes of `m` models on `n` prompts. Not slotted: the digest is computed once, when asked for."""

    name: str
    """What reports call it: the name of the file or folder it came from."""
    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    groups: tuple[str, ...] | None
    """A label per prompt that no policy sees, such as the subject; None where the source has none."""
    models: tuple[str, ...]
    correct: Floats
    """Shape (n, m), 0 to 1; not a number where the source has no result of a model, see `complete`."""
    cost: Floats | None = None
    """Shape (n, m), dollars; None where the source has no costs."""
    latency_ms: Floats | None = None
    confidence: Floats | None = None
    """Shape (n, m), 0 to 1: how sure each model's answer was, whatever measured it."""
    dropped: int = 0
    """Rows left out on reading because their source calls them contaminated."""

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        return f"OutcomeTable({self.name!r}, {len(self)} prompts, {len(self.models)} models)"

    @cached_property
    def digest(self) -> str:
        """Identity of the content, 16 hexadecimal digits."""
        found = hashlib.sha256(json.dumps([self.ids, self.prompts, self.groups, self.models]).encode())
        for values in (self.correct, self.cost, self.latency_ms, self.confidence):
            found.update(b"\0" if values is None else np.ascontiguousarray(values).tobytes())
        return found.hexdigest()[:16]

    def model(self, name: str) -> int:
        """The column of a model; raises `UsageError` naming those there are."""
        if name not in self.models:
            near = difflib.get_close_matches(
                name.casefold(), [model.casefold() for model in self.models], n=1
            )
            meant = next((model for model in self.models if near and model.casefold() == near[0]), None)
            hint = f", did you mean {meant!r}? It has" if meant else "; it has"
            raise UsageError(f"table {self.name!r} has no model {name!r}{hint}: {', '.join(self.models)}")
        return self.models.index(name)

    def take(self, rows: Sequence[int] | Rows) -> OutcomeTable:
        """The table of these rows, in this order."""
        rows = np.asarray(rows, dtype=np.intp)
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            prompts=tuple(self.prompts[row] for row in rows),
            groups=None if self.groups is None else tuple(self.groups[row] for row in rows),
            correct=self.correct[rows],
            cost=None if self.cost is None else self.cost[rows],
            latency_ms=None if self.latency_ms is None else self.latency_ms[rows],
            confidence=None if self.confidence is None else self.confidence[rows],
        )

    def only(self, models: Sequence[str]) -> OutcomeTable:
        """The table of these models, in this order."""
        columns = [self.model(name) for name in models]
        return replace(
            self,
            models=tuple(models),
            correct=self.correct[:, columns],
            cost=None if self.cost is None else self.cost[:, columns],
            latency_ms=None if self.latency_ms is None else self.latency_ms[:, columns],
            confidence=None if self.confidence is None else self.confidence[:, columns],
        )

    def complete(self) -> OutcomeTable:
        """The table of the rows on which every one of its models has a result; the table itself where all do."""
        rows = np.flatnonzero(~np.isnan(self.correct).any(axis=1))
        return self if len(rows) == len(self) else self.take(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The small and the large model of a table, as columns."""

    small: int
    large: int


def pair_of(table: OutcomeTable, *, small: str | None = None, large: str | None = None) -> Pair:
    """The models named; unnamed, the large one is the best on average and the small one the worst.

    Raises `UsageError` when the two are the same or the table has fewer than two models.
    """
    if len(table.models) < 2:
        raise UsageError(
            f"table {table.name!r} has the outcomes of {len(table.models)} model(s); two are needed. "
            "A log of `lab bench` has a second where it was given --corpus or --large"
        )
    means = np.nanmean(table.correct, axis=0)
    last = int(means.argmax()) if large is None else table.model(large)
    first = int(means.argmin()) if small is None else table.model(small)
    if first == last:
        why = (
            "named as both" if small is not None and large is not None else "as good and as bad as any other"
        )
        raise UsageError(
            f"{table.models[first]!r} would be both the small and the large model, since it is {why}; "
            "name two with --small and --large"
        )
    return Pair(small=first, large=last)


def costs_of(table: OutcomeTable, pair: Pair) -> tuple[Floats, str]:
    """Cost of every model on every prompt, shape (n, m), and its unit.

    `usd` where the table has costs; else `large_calls`: 1 for the large model and 0 for any other.
    """
    if table.cost is not None:
        return table.cost, "usd"
    costs = np.zeros_like(table.correct)
    costs[:, pair.large] = 1.0
    return costs, "large_calls"
