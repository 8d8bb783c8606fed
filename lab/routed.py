"""What a policy does with every prompt of an outcome table: which model it chooses and how it ranks the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..models.calling import Calling
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
    small_first: NDArray[np.bool_] | None = None
    """Where the small model was asked before the one chosen, so that its cost is paid too; None where nowhere."""

    def paid(self, cost: Floats, pair: Pair) -> Floats:
        """What every prompt cost, shape (n,), from the costs of every model, shape (n, m)."""
        found = cost[np.arange(len(self.choice)), self.choice]
        return (
            found
            if self.small_first is None
            else found + np.where(self.small_first, cost[:, pair.small], 0.0)
        )


def route(policy: Policy, table: OutcomeTable, pair: Pair) -> Routed:
    """Every prompt of `table` as a subtask, decided on by `policy`.

    A decision that names a model of the table is taken at its word; one that names a lane becomes the large model
    where it wants it, see `wants_large`, and the small one elsewhere. One that asks for a `min_confidence` asks the
    small model first, and the large one too where the table's confidence of the small one is below it; its score is
    then how unsure the small model was. Raises `UsageError` where the table has no such confidences.
    """
    decisions = decide(policy, subtasks_of(table))
    columns = {name: column for column, name in enumerate(table.models)}

    def chosen(decision: Decision) -> int:
        if decision.model is not None and decision.model in columns:
            return columns[decision.model]
        return pair.large if wants_large(decision) else pair.small

    choice = np.array([chosen(decision) for decision in decisions], dtype=np.intp)
    score = np.array([large_score(decision) for decision in decisions], dtype=np.float64)
    least = np.array([_least(decision) for decision in decisions], dtype=np.float64)
    asks = ~np.isnan(least)
    if not asks.any():
        return Routed(choice=choice, score=score, decisions=tuple(decisions))
    confidence = confidences_of(table, pair)
    escalates = asks & (confidence < least)
    return Routed(
        choice=np.where(asks, np.where(escalates, pair.large, pair.small), choice),
        score=np.where(asks, 1.0 - confidence, score),
        decisions=tuple(decisions),
        small_first=escalates,
    )


def confidences_of(table: OutcomeTable, pair: Pair) -> Floats:
    """How sure the small model was of each answer, shape (n,); raises `UsageError` where the table does not say."""
    small = table.models[pair.small]
    if table.confidence is None or np.isnan(table.confidence[:, pair.small]).any():
        raise UsageError(
            f"table {table.name!r} does not say how sure {small!r} was: a cascade needs a column "
            f"{small + '|confidence'!r} on every row, such as `pilotfish lab bench` writes, or choose a policy that "
            "decides beforehand, such as capability"
        )
    return table.confidence[:, pair.small]


def subtasks_of(table: OutcomeTable) -> list[Subtask]:
    """One subtask per prompt, with the row's id."""
    return [Subtask(id=name, text=text) for name, text in zip(table.ids, table.prompts, strict=True)]


def decide(policy: Policy, subtasks: Sequence[Subtask]) -> list[Decision]:
    """The decisions of any policy: one that looks at whole runs gets all of these as one run, and an asynchronous
    one is awaited."""
    if isinstance(policy, RunPolicy):
        policy = policy.for_run(subtasks, calling=Calling())
    return decide_now(policy, subtasks)


def _least(decision: Decision) -> float:
    """Not a number where the small model is not asked, or its answer stands as it is."""
    least = decision.min_confidence
    return float("nan") if least is None or decision.lane == "large" else least
