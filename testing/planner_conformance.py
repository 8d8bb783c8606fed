"""What every planner must keep, as one check to call from a test of your own planner."""

from __future__ import annotations

from collections.abc import Sequence

from ..agents.budget import Meter
from ..agents.caller import Caller
from ..agents.plan import Plan
from ..agents.planner import Planner, make_plan
from ..models.calling import Calling
from ..tracing.call import Call, CallContext
from .promises import require

TASKS: tuple[str, ...] = (
    "What is the capital of Peru?",
    "Who wrote Emma, and when was it published?",
    "First find the draft limit of the canal, then convert it to feet.",
    "Größe? 東京 🚢",
    "word " * 2000,
)


async def check_planner(planner: Planner, tasks: Sequence[str] = TASKS) -> None:
    """Raises `AssertionError` naming the first promise of the `Planner` seam that `planner` breaks.

    A planner gives a `Plan` for every task, the same one for the same task, which survives being written down; its
    calls go through the run's caller.
    """
    for task in tasks:
        plan = await make_plan(planner, task, _caller())
        require(
            plan == await make_plan(planner, task, _caller()), f"another plan for the same task {task[:40]!r}"
        )
        require(
            Plan.from_json(plan.to_json()) == plan, f"the plan for {task[:40]!r} does not survive as JSON"
        )
        known = {subtask.id for subtask in plan}
        require(bool(plan.outputs), f"the plan for {task[:40]!r} has no outputs")
        require(set(plan.outputs) <= known, f"the plan for {task[:40]!r} names outputs that it lacks")


def _caller() -> Caller:
    calls: list[Call] = []
    context = CallContext(data_classes=("internal",), purpose="plan")
    return Caller(meter=Meter(), calling=Calling(record=calls.append), context=context)
