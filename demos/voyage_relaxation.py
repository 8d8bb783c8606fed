"""Why nothing is feasible, and the smallest change of the request that would make something so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

from .voyage import Check, Kind, Voyage
from .voyage_query import VoyageQuery

RELAXABLE: tuple[Kind, ...] = ("arrive_by", "max_cost", "draft", "avoid")
"""What the one who asked can change."""


def explain_infeasible(query: VoyageQuery, voyages: Sequence[Voyage]) -> str:
    """The smallest relaxations, the least first; a combination if no single one does; the reasons if none does."""
    if not voyages:
        return "there is no way by sea between the two ports"
    single = [found for kind in RELAXABLE if (found := _nearest(voyages, (kind,)))]
    if single:
        return "it would do to " + ", or to ".join(
            _wording(query, each) for each in sorted(single, key=_effort)
        )
    combined = _nearest(voyages, RELAXABLE)
    if combined:
        return f"it would take all of this: {_wording(query, combined)}"
    nearest = min(voyages, key=_effort)
    reasons = "; ".join(check.reason for check in nearest.violations if check.kind not in RELAXABLE)
    return f"nothing in the request could be changed to make it feasible: {reasons}"


def _nearest(voyages: Sequence[Voyage], kinds: Sequence[Kind]) -> Voyage | None:
    """The voyage that asks least of these kinds and breaks nothing else."""
    fitting = [each for each in voyages if each.violations and all(c.kind in kinds for c in each.violations)]
    return min(fitting, key=lambda each: (_effort(each), each.cost_usd["total"], each.label), default=None)


def _effort(voyage: Voyage) -> float:
    """How much a voyage asks: each broken limit by its share, and a whole point for one that is a yes or no."""
    return sum(1.0 if check.limit is None else -check.tightness for check in voyage.violations)


def _wording(query: VoyageQuery, voyage: Voyage) -> str:
    worst: dict[str, Check] = {}
    for check in voyage.violations:
        key = check.name if check.kind == "avoid" else check.kind
        if key not in worst or check.slack < worst[key].slack:
            worst[key] = check
    order = get_args(Kind)
    changes = [
        _change(query, each) for each in sorted(worst.values(), key=lambda c: (order.index(c.kind), c.name))
    ]
    return f"{' and '.join(changes)} (by {voyage.label} at {voyage.speed_kn:g} kn)"


def _change(query: VoyageQuery, check: Check) -> str:
    short = -check.slack
    if check.kind == "arrive_by" and query.arrive_by is not None:
        days = math.ceil(short - 1e-9)
        until = query.arrive_by + timedelta(days=days)
        return f"arrive {days} day{'s' if days > 1 else ''} later, on {until.isoformat()}"
    if check.kind == "max_cost":
        return f"raise the budget by ${math.ceil(short):,}"
    if check.kind == "draft":
        return f"load to {math.ceil(round(short * 100, 6)) / 100:.2f} m less draft"
    return f"allow the {check.name.removeprefix('avoid ')}"
