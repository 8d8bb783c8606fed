"""What the rows of a bench come to: per policy its accuracy, what it accepted, its cost, latency and escalations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..agents.attempt import PASSING
from .table import OutcomeTable
from .tasks_file import Task
from .tasks_rows import Row

if TYPE_CHECKING:
    import pandas

_Z = 1.959963984540054
"""97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBench:
    """The results of `run_tasks`."""

    tasks: tuple[Task, ...]
    policies: tuple[str, ...]
    rows: tuple[Row, ...]
    """By policy, in the order of the tasks; those of lanes alone come last."""
    lanes: Mapping[str, str]
    """Label of each lane alone (`lane:local`) to its model's name in an outcome table; empty unless they were run."""
    folder: Path
    """Where the rows and the ledger are."""
    setting: Mapping[str, Any]
    """Plan, votes, seed and the name of the tasks."""

    def of(self, policy: str) -> list[Row]:
        """The rows of one policy, or of one lane alone."""
        return [row for row in self.rows if row.policy == policy]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Ids of the tasks that are not in `table`: a lane alone had no time, no budget or no model to answer them."""
        lost = {row.id for row in self.rows if row.policy in self.lanes and row.failure in PASSING}
        return tuple(task.id for task in self.tasks if task.id in lost)

    def frame(self) -> pandas.DataFrame:
        """One line per row; escalations as `from>to:reason`, joined by spaces."""
        try:
            import pandas
        except ImportError as error:
            raise UsageError(
                "data frames need pandas; install it with: pip install 'pilotfish[lab]'"
            ) from error
        return pandas.DataFrame([_flat(row) for row in self.rows])

    def summary(self) -> list[dict[str, Any]]:
        """One record per policy, see `summarise`, with the same again by kind and by group; lanes alone come last."""
        return [
            {"policy": name, **summarise(found), "by_kind": _by(found, _kind), "by_group": _by(found, _group)}
            for name in (*self.policies, *self.lanes)
            for found in [self.of(name)]
        ]

    def table(self) -> OutcomeTable:
        """The lanes' own answers as an outcome table, which policies are replayed and calibrated on.

        Tasks in `left_out` are not in it. Raises `UsageError` unless the lanes were run alone.
        """
        if not self.lanes:
            raise UsageError(
                "an outcome table needs every lane's own answers; run with lanes_alone=True or --log"
            )
        left_out = set(self.left_out)
        measured = [task for task in self.tasks if task.id not in left_out]
        columns = [[row for row in self.of(label) if row.id not in left_out] for label in self.lanes]

        def values(of: Callable[[Row], float]) -> Any:
            return np.array([[of(row) for row in column] for column in columns], dtype=np.float64).T

        groups = tuple(task.group or task.kind or "" for task in measured)
        return OutcomeTable(
            name=str(self.setting.get("name", "tasks")),
            ids=tuple(task.id for task in measured),
            prompts=tuple(task.text for task in measured),
            groups=groups if any(groups) else None,
            models=tuple(self.lanes.values()),
            correct=values(lambda row: row.score),
            cost=values(lambda row: row.cost_usd),
            latency_ms=values(lambda row: row.latency_ms),
            confidence=values(lambda row: row.confidence),
        )


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of some rows of one policy. Shares are 0 to 1; what is divided by nothing is None.

    `accuracy` counts a withheld answer as wrong and has its 95 % interval by Wilson (1927) as `low` and `high`, which
    is approximate where a check gives parts of a point. Costs are per accepted answer; `model_s` are seconds of model
    calls and `latency_ms` whole tasks, both as when the calls were first made.
    """
    accepted = [row for row in rows if row.accepted]
    accuracy, low, high = wilson([row.score for row in rows])
    own, own_low, own_high = wilson([row.score for row in accepted])
    calls = sum(row.made + row.replayed for row in rows)
    return {
        "n": len(rows),
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "answered": _share(sum(bool(row.answer) for row in rows), len(rows)),
        "accepted": _share(len(accepted), len(rows)),
        "accuracy_accepted": own,
        "accepted_low": own_low,
        "accepted_high": own_high,
        "cost_usd": sum(row.cost_usd for row in rows),
        "cost_usd_per_accepted": _share(sum(row.cost_usd for row in rows), len(accepted)),
        "model_s_per_accepted": _share(sum(row.model_ms for row in rows) / 1000, len(accepted)),
        "tokens_per_accepted": _share(
            sum(row.input_tokens + row.output_tokens for row in rows), len(accepted)
        ),
        "latency_ms": _percentiles([row.latency_ms for row in rows]),
        "lanes": _shares(Counter(row.lane or "none" for row in rows)),
        "escalations": dict(Counter(step.reason for row in rows for step in row.escalations).most_common()),
        "escalated": _share(sum(bool(row.escalations) for row in rows), len(rows)),
        "failures": dict(Counter(row.failure for row in rows if row.failure).most_common()),
        "calls": sum(row.calls for row in rows),
        "replayed": _share(sum(row.replayed for row in rows), calls),
        "version": " ".join(dict.fromkeys(row.version for row in rows if row.version)),
    }


def wilson(scores: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Mean of scores of 0 to 1 and Wilson's 95 % interval around it; three times None without scores."""
    n = len(scores)
    if not n:
        return None, None, None
    mean = sum(scores) / n
    centre = mean + _Z**2 / (2 * n)
    spread = _Z * math.sqrt(max(0.0, mean * (1 - mean)) / n + (_Z / (2 * n)) ** 2)
    scale = 1 + _Z**2 / n
    return mean, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def _by(rows: Sequence[Row], label: Callable[[Row], str | None]) -> dict[str, dict[str, Any]]:
    labels = dict.fromkeys(label(row) for row in rows)
    return {name: summarise([row for row in rows if label(row) == name]) for name in labels if name}


def _kind(row: Row) -> str | None:
    return row.kind


def _group(row: Row) -> str | None:
    return row.group


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {name: count / counts.total() for name, count in counts.most_common()}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.percentile(values, (50, 90, 99))
    return {name: round(float(value), 1) for name, value in zip(("p50", "p90", "p99"), found, strict=True)}


def _flat(row: Row) -> dict[str, Any]:
    steps = " ".join(f"{step.source}>{step.target}:{step.reason}" for step in row.escalations)
    return {**asdict(row), "escalations": steps, "accepted": row.accepted}
