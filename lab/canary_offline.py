"""The offline stage of a canary: both arms on recorded outcomes, judged by the same gates as requests are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..rollout.gates import Gates
from ..rollout.observation import Observation
from .importers import load_table

if TYPE_CHECKING:
    from ..rollout.identity import Identity
    from ..rollout.observation import Arm
    from ..rollout.plan import RolloutPlan
    from ..rollout.rollout import Rollout
    from .table import OutcomeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An outcome table, and which of its columns are the arms'."""

    table: OutcomeTable
    candidate: int
    baseline: int


def read_recorded(plan: RolloutPlan, *, candidate: Identity, baseline: Identity) -> Recorded:
    """The outcome table that the plan names: `UsageError` when it cannot be read or lacks an arm.

    The arms' columns are called `candidate` and `baseline`, or by SPEC or model id.
    """
    table = load_table(plan.outcomes)
    columns = _column(table, "candidate", candidate), _column(table, "baseline", baseline)
    _check_columns(table, *columns)
    return Recorded(table=table, candidate=columns[0], baseline=columns[1])


def evaluate_offline(rollout: Rollout, recorded: Recorded | None = None) -> None:
    """Judge the outcome table that the plan names, read already or not, and take the canary on or back."""
    if recorded is None:
        recorded = read_recorded(rollout.plan, candidate=rollout.candidate, baseline=rollout.baseline)
    table, candidate, baseline = recorded.table, recorded.candidate, recorded.baseline
    gates = Gates(rollout.plan)
    gates.enter("offline")
    for row in range(len(table)):
        for arm, column in (("baseline", baseline), ("candidate", candidate)):
            gates.add(_observation(table, row, column, arm))  # pyright: ignore[reportArgumentType] - the two arms there are
    look = gates.look("offline", hours=0.0)
    evidence: dict[str, Any] = {"outcomes": table.name, "digest": table.digest, **gates.evidence()}
    rates = [float(np.nanmean(table.correct[:, column])) for column in (candidate, baseline)]
    told = f"{100 * rates[0]:.1f} % beside {100 * rates[1]:.1f} % on {len(table)} recorded outcomes"
    why = f"{told}; {'; '.join(look.reasons)}"
    rollout.decide_offline(passed=look.action == "advance", why=why, evidence=evidence)


def _check_columns(table: OutcomeTable, candidate: int, baseline: int) -> None:
    if candidate == baseline:
        raise UsageError(
            f"{table.name!r} has one column for both arms, {table.models[candidate]!r}: "
            "call them 'candidate|correct' and 'baseline|correct'"
        )
    empty = [name for name in (candidate, baseline) if np.isnan(table.correct[:, name]).all()]
    if empty:
        raise UsageError(f"column '{table.models[empty[0]]}|correct' of {table.name!r} is empty: fill it in")


def _column(table: OutcomeTable, arm: str, identity: Identity) -> int:
    names = (arm, identity.spec, identity.model_id)
    found = next((name for name in names if name in table.models), None)
    if found is None:
        raise UsageError(
            f"{table.name!r} has no outcomes of the {arm} (looked for {', '.join(map(repr, names))}; "
            f"it has {', '.join(map(repr, table.models))})"
        )
    return table.models.index(found)


def _observation(table: OutcomeTable, row: int, column: int, arm: Arm) -> Observation:
    correct = float(table.correct[row, column])
    cost = 0.0 if table.cost is None else float(np.nan_to_num(table.cost[row, column]))
    latency = 0.0 if table.latency_ms is None else float(np.nan_to_num(table.latency_ms[row, column]))
    return Observation(
        arm=arm,
        unit=table.ids[row],
        passed=None if np.isnan(correct) else correct >= 0.5,
        stratum=table.groups[row] if table.groups else "",
        pair=str(row),
        cost_usd=cost,
        latency_ms=latency,
    )
