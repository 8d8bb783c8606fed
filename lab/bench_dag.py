"""Makespan of random DAGs with sleeping lanes, against their critical path and against execution in waves."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from ..agents.lane import LaneContext
from ..agents.plan import Plan
from ..router.subtask import Subtask
from ..testing.lanes import FakeLane
from ..testing.services import fake_services, run_plan
from .bench import Report

_DAGS = 12
_SUBTASKS = 16
_SECONDS = (0.05, 0.6)


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """Mean ratios over seeded random DAGs."""
    over_critical: list[float] = []
    waves: list[float] = []
    for seed in range(_DAGS):
        plan, sleeps = _random_plan(random.Random(seed))  # noqa: S311 - a reproducible experiment
        took = asyncio.run(_makespan(plan, sleeps))
        over_critical.append(took / _critical_path(plan, sleeps))
        waves.append(took / _waves(plan, sleeps))
    figures = {
        "makespan_over_critical_path": statistics.mean(over_critical),
        "makespan_over_critical_path_worst": max(over_critical),
        "makespan_over_waves": statistics.mean(waves),
    }
    text = (
        f"{_DAGS} random DAGs of {_SUBTASKS} subtasks, each sleeping {_SECONDS[0]} to {_SECONDS[1]} s:\n\n"
        "| makespan over | mean | worst |\n|---|---|---|\n"
        f"| the critical path | {figures['makespan_over_critical_path']:.3f} | {max(over_critical):.3f} |\n"
        f"| the same plan in waves, without any overhead | {statistics.mean(waves):.3f} | {max(waves):.3f} |\n"
    )
    return Report(figures=figures, text=text)


async def _makespan(plan: Plan, sleeps: dict[str, float]) -> float:
    async def sleep(subtask: Subtask, _context: LaneContext) -> str:
        await asyncio.sleep(sleeps[subtask.id])
        return "done"

    with tempfile.TemporaryDirectory() as home:
        services = fake_services(Path(home), {"local": FakeLane("local", sleep)}, slots={"local": _SUBTASKS})
        await run_plan(services, plan)  # loads what is loaded once
        start = time.perf_counter()
        await run_plan(services, plan)
        return time.perf_counter() - start


def _random_plan(draw: random.Random) -> tuple[Plan, dict[str, float]]:
    subtasks: list[Subtask] = []
    for number in range(_SUBTASKS):
        earlier = [subtask.id for subtask in subtasks]
        needs = draw.sample(earlier, k=min(len(earlier), draw.choice((0, 1, 1, 2, 3))))
        subtasks.append(Subtask(id=f"s{number}", text=f"step {number}", depends_on=tuple(needs)))
    return Plan(subtasks), {subtask.id: draw.uniform(*_SECONDS) for subtask in subtasks}


def _critical_path(plan: Plan, sleeps: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for subtask in plan:
        ends[subtask.id] = sleeps[subtask.id] + max((ends[name] for name in subtask.depends_on), default=0.0)
    return max(ends.values())


def _waves(plan: Plan, sleeps: dict[str, float]) -> float:
    depth: dict[str, int] = {}
    for subtask in plan:
        depth[subtask.id] = 1 + max((depth[name] for name in subtask.depends_on), default=-1)
    return sum(max(sleeps[name] for name in depth if depth[name] == level) for level in set(depth.values()))
