"""The offline stage of a canary: both arms on recorded outcomes, judged by the same gates as requests are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..rollout.gates import Gates
from ..rollout.observation import Observation
from .importers import load_table

if TYPE_CHECKING:
    from ..rollout.identity import Identity
    from ..rollout.observation import Arm
    from ..rollout.rollout import Rollout
    from .table import OutcomeTable


def evaluate_offline(rollout: Rollout) -> None:
    """Judge the outcome table that the plan names, and take the canary on or back.

    The arms' columns are called `candidate` and `baseline`, or by SPEC or model id. `UsageError` when there are none.
    """
    table = load_table(rollout.plan.outcomes)
    candidate = _column(table, "candidate", rollout.candidate)
    baseline = _column(table, "baseline", rollout.baseline)
    if candidate == baseline:
        raise UsageError(
            f"{table.name!r} has one column for both arms, {table.models[candidate]!r}: "
            "call them 'candidate|correct' and 'baseline|correct'"
        )
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
