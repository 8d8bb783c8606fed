"""What a policy does with every prompt of an outcome table: which model it chooses and how it ranks the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..router.deciding import decide_now
from ..router.policy import Decision, Policy, RunPolicy, large_score, wants_large
from ..router.subtask import Subtask
from .table import Floats, OutcomeTable, Pair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Routed:
    """A policy's choices on `n` prompts."""

    choice: NDArray[np.intp]
    """Column of the model chosen, shape (n,)."""
    score: Floats
    """How strongly the large model is asked for, shape (n,); its order is what thresholds cut."""
    decisions: tuple[Decision, ...]


def route(policy: Policy, table: OutcomeTable, pair: Pair) -> Routed:
    """Every prompt of `table` as a subtask, decided on by `policy`.

    A decision that names a model of the table is taken at its word; one that names a lane becomes the large model
    where it wants it, see `wants_large`, and the small one elsewhere.
    """
    decisions = decide(policy, subtasks_of(table))
    columns = {name: column for column, name in enumerate(table.models)}

    def chosen(decision: Decision) -> int:
        if decision.model is not None and decision.model in columns:
            return columns[decision.model]
        return pair.large if wants_large(decision) else pair.small

    return Routed(
        choice=np.array([chosen(decision) for decision in decisions], dtype=np.intp),
        score=np.array([large_score(decision) for decision in decisions], dtype=np.float64),
        decisions=tuple(decisions),
    )


def subtasks_of(table: OutcomeTable) -> list[Subtask]:
    """One subtask per prompt, with the row's id."""
    return [Subtask(id=name, text=text) for name, text in zip(table.ids, table.prompts, strict=True)]


def decide(policy: Policy, subtasks: Sequence[Subtask]) -> list[Decision]:
    """The decisions of any policy: one that looks at whole runs gets all of these as one run, and an asynchronous
    one is awaited."""
    if isinstance(policy, RunPolicy):
        policy = policy.for_run(subtasks, record=lambda _: None)
    return decide_now(policy, subtasks)
