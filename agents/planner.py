"""The `Planner` seam: a task becomes a plan. Any callable does; a workflow is a function that returns a `Plan`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from .. import UsageError
from .caller import Caller
from .plan import Plan


@runtime_checkable
class Planner(Protocol):
    """Turns a task into a plan."""

    def plan(self, task: str, /) -> Plan | Awaitable[Plan]:
        """The plan for `task`; raises `PlanError` when none can be made."""
        ...


@runtime_checkable
class CallingPlanner(Protocol):
    """A planner that calls models, and does so within a run's budget and ledger."""

    def with_caller(self, caller: Caller, /) -> Planner:
        """The same planner, calling through `caller`."""
        ...


@runtime_checkable
class IdentifiedPlanner(Protocol):
    """A planner whose recorded plan is as good as a new one, as long as its identity is the same."""

    @property
    def identity(self) -> str:
        """A digest of all that its plans depend on besides the task."""
        ...


@dataclass(frozen=True, slots=True)
class Workflow:
    """A planner made of a function: the way to write a workflow in Python."""

    function: Callable[[str], Plan | Awaitable[Plan]]

    def plan(self, task: str, /) -> Plan | Awaitable[Plan]:
        """What the function returns."""
        return self.function(task)


def as_planner(value: Plan | Planner | Callable[[str], Any]) -> Planner:
    """Accept a planner, a fixed `Plan` or a function from task to plan."""
    if isinstance(value, Planner):
        return value
    if isinstance(value, Plan):
        return Workflow(lambda _task: value)
    return Workflow(value)


async def make_plan(planner: Planner, task: str, caller: Caller) -> Plan:
    """Run a planner, sync or async, and insist on a `Plan`."""
    bound = planner.with_caller(caller) if isinstance(planner, CallingPlanner) else planner
    made = cast("object", bound.plan(task))  # a user's function may return anything
    plan = await made if inspect.isawaitable(made) else made
    if not isinstance(plan, Plan):
        raise UsageError(f"the planner {planner!r} returned {type(plan).__name__}, not a Plan")
    return plan
