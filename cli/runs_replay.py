"""`pilotfish runs replay`: a recorded run again, under another policy, model or prompt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Large, Local, Policy, Prompts
from .output import Json, console, exit_unless_answered, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from ..agents.agent import Agent
    from ..agents.replay import ReplayCounts
    from ..tracing.ledger import Record


def replay(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="As `runs list` shows it.")],
    *,
    policy: Policy = None,
    local: Local = None,
    large: Large = None,
    prompt: Prompts = None,
    task: Annotated[
        str | None, typer.Option(help="The run's task, where the ledger does not hold its text.")
    ] = None,
    json: Json = False,
) -> None:
    """Carry RUN_ID out again as a new run, and show what changed.

    What a model answered then is taken from the ledger wherever the request is the same; a model is called only for
    what changed.
    """
    from ..agents.replay import replay_counts
    from ..agents.run_diff import diff_runs

    given = {"policy": policy, "local": local, "large": large}
    agent = _agent(run_id, {name: value for name, value in given.items() if value}, prompt or [])
    result = agent.replay(run_id, task=task)
    ledger = agent.services.ledger
    found, counts = diff_runs(ledger, run_id, result.run_id), replay_counts(ledger, result.run_id)
    assert counts is not None  # noqa: S101 - a replay has them
    if json:
        from ..agents.codec import to_json

        print_json({"run_id": result.run_id, **to_json(counts), "diff": found.to_json()})
    else:
        from .runs_diff import render_diff

        render_diff(console(), found)
        _render_counts(console(), result.run_id, counts)
    exit_unless_answered(result, partly=True)


def _agent(run_id: str, given: dict[str, str], prompts: list[str]) -> Agent:
    """The agent as it was when the run began, but for what is given."""
    from ..agents.agent import Agent
    from ..demos.shipping import WORKFLOW, shipping_agent
    from ..models.settings import load_settings
    from ..prompts import choose_prompts
    from .ledger import open_ledger
    from .set_up import began, refuse_objects, spelt

    ledger = open_ledger()
    start = began(ledger, run_id)
    names = {name: start.body.get(name) for name in ("local", "large", "corpus", "policy")} | given
    parts: dict[str, Any] = {
        **names,
        "prompts": spelt({**(start.body.get("prompts") or {}), **choose_prompts(prompts).versions()}),
        # A large model that the settings name today was not there then.
        "settings": load_settings().model_copy(update={"large": None}),
    }
    if start.body.get("workflow") == WORKFLOW:
        refuse_objects(start, names, verb="replay")
        return shipping_agent(**parts, today=_day_of(start, ledger.records(run_id, "plan")))
    more = {name: start.body.get(name) for name in ("planner", "data_policy")}
    refuse_objects(start, {**names, **more}, start.body.get("objects") or [], verb="replay")
    limits = {name: start.body[name] for name in ("seed", "votes", "timeout_s") if name in start.body}
    return Agent(**parts, **more, **limits, name=start.body.get("workflow") or "")


def _day_of(start: Record, plans: list[Record]) -> date:
    """The day that the request's relative dates were counted from: the plan has it, else the run's first day."""
    rows = plans[-1].body["subtasks"] if plans else []
    days = [row["arguments"]["today"] for row in rows if row.get("arguments", {}).get("today")]
    return date.fromisoformat(days[0] if days else start.at[:10])


def _render_counts(screen: Console, run_id: str, counts: ReplayCounts) -> None:
    from .render import print_text

    calls = f"{counts.replayed} model {'call' if counts.replayed == 1 else 'calls'}"
    print_text(
        screen,
        f"run {run_id} replays {counts.replays}: {calls} from the record "
        f"(${counts.saved_usd:.4f} and {counts.recorded_ms / 1000:.2f} s of latency saved), {counts.called} made anew "
        f"({counts.called_ms / 1000:.2f} s)",
        style="bold",
    )
    if counts.not_kept:
        print_text(
            screen,
            f"{counts.not_kept} of them did not change, but their answers are not kept in the ledger",
            style="yellow",
        )
    if counts.tools_run:
        ran = ", ".join(f"{name} {times}" for name, times in counts.tools_run.items())
        print_text(screen, f"tools that ran again: {ran}", style="yellow")
