"""Runs an agent and shows what happens while it does, a line per event on standard error."""

from __future__ import annotations

from ..agents.agent import Agent
from ..agents.events import (
    Attempted,
    Decided,
    Escalated,
    Event,
    Planned,
    RunFinished,
    RunStarted,
    SubtaskFinished,
)
from ..agents.result import Result
from .output import console

_PIPE_WIDTH = 200
"""Most characters of a line that goes to no terminal."""


def watch(
    agent: Agent,
    task: str | None,
    *,
    run_id: str | None = None,
    approve: bool | None = None,
    data_class: str | None = None,
    quiet: bool = False,
) -> Result:
    """The run's result; `quiet` shows nothing on the way."""
    return agent.blocking(_watched(agent, task, run_id, approve, data_class, quiet=quiet))


async def _watched(
    agent: Agent,
    task: str | None,
    run_id: str | None,
    approve: bool | None,
    data_class: str | None,
    *,
    quiet: bool,
) -> Result:
    screen = console(stderr=True)
    async for event in agent.astream(task, run_id=run_id, approve=approve, data_class=data_class):
        if isinstance(event, RunFinished):
            return event.result  # what canaries do in shadow may still go on
        line = None if quiet else _line(event)
        if line:
            width = screen.width if screen.is_terminal else _PIPE_WIDTH
            line = line if len(line) <= width else line[: width - 1] + "…"
            screen.print(line, style="dim", markup=False, soft_wrap=True)
    raise AssertionError("a run ends with RunFinished")


def _line(event: Event) -> str | None:
    match event:
        case RunStarted():
            return f"run {event.run_id}{' resumed' if event.resumed else ''}"
        case Planned():
            count = len(event.plan)
            note = f" - {event.plan.note}" if event.plan.note else ""
            return f"plan: {count} subtask{'s' if count > 1 else ''} by {event.plan.planner}{note}"
        case Decided():
            decision = event.decision
            return f"{event.subtask_id}: {decision.kind} ({decision.confidence:.0%}), starts in {event.lane}"
        case Attempted():
            attempt = event.attempt
            said = " ".join((attempt.detail if attempt.failure else attempt.text).split())
            verb = f"failed ({attempt.failure})" if attempt.failure else "says"
            return f"{event.subtask_id}: {attempt.lane} {verb}: {said}"
        case Escalated():
            step = event.escalation
            return f"{event.subtask_id}: {step.source} -> {step.target} ({step.reason})"
        case SubtaskFinished():
            again = " (kept from before)" if event.from_ledger else ""
            return f"{event.subtask_id}: {event.result.status}{again}"
        case _:
            return None
