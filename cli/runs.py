"""`pilotfish runs`: what the ledger holds."""

from __future__ import annotations

from typing import Annotated

import typer

from .ledger import open_ledger
from .output import Json, console, print_json
from .runs_costs import show_costs
from .runs_diff import diff
from .runs_export import export_runs
from .runs_purge import purge_runs
from .runs_replay import replay
from .runs_verify import verify

_GIST = 160
"""Most characters shown of one recorded value."""
_SHOWN = {
    "run": ("task", "data_class", "tenant"),
    "plan": ("planner", "note"),
    "approval": ("approved",),
    "decision": ("kind", "lane", "confidence", "reason"),
    "call": (
        "purpose",
        "model_id",
        "prompt_name",
        "prompt_version",
        "attempt",
        "arm",
        "output_tokens",
        "latency_ms",
        "cost_usd",
        "price_version",
        "finish_reason",
        "failure",
    ),
    "tool": ("tool", "text", "fault"),
    "verdict": ("attempt", "lane", "status", "checked", "reason"),
    "subtask": ("status", "lane", "answer"),
    "answer": ("status", "text"),
}
"""What `runs show` tells of each kind; of any other everything."""
runs_app = typer.Typer(help="What the ledger holds.", no_args_is_help=True)


@runs_app.command("list")
def list_runs(
    *, limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20, json: Json = False
) -> None:
    """List the latest runs, newest first."""
    from ..agents.codec import to_json

    runs = open_ledger().runs(limit=limit)
    if json:
        print_json([to_json(run) for run in runs])
        return
    if not runs:
        typer.echo("no runs yet; `pilotfish ask` makes one", err=True)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False, header_style="dim", box=None, expand=True)
    for name in ("run", "started (UTC)", "status", "calls", "cost", "task"):
        justify = "right" if name in ("calls", "cost") else "left"
        table.add_column(name, no_wrap=True, justify=justify, ratio=1 if name == "task" else None)
    for run in runs:
        task = Text(" ".join(run.task.split()) or "(content not kept)", overflow="ellipsis")
        table.add_row(
            run.run_id,
            run.started[:16].replace("T", " "),
            run.status,
            str(run.calls),
            f"${run.cost_usd:.4f}",
            task,
        )
    console().print(table)


@runs_app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="As `runs list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Show what was recorded of a run.

    Everything is told in the order it happened.
    """
    from ..agents.codec import to_json

    ledger = open_ledger()
    summary, records = ledger.summary(run_id), ledger.records(run_id)
    if json:
        print_json({**to_json(summary), "records": [to_json(record) for record in records]})
        return
    screen = console()
    screen.print(
        f"run {run_id}: {summary.status}, started {summary.started[:19].replace('T', ' ')} UTC", style="bold"
    )
    for record in records:
        about = f" {record.subtask_id}" if record.subtask_id else ""
        gone = " (content not kept)" if record.content_missing else ""
        screen.print(
            f"{record.at[11:23]} {record.kind}{about}: {_gist(record.kind, record.body)}{gone}",
            markup=False,
            soft_wrap=not screen.is_terminal,
        )


runs_app.command()(diff)
runs_app.command()(replay)
runs_app.command()(verify)
runs_app.command("export")(export_runs)
runs_app.command("purge")(purge_runs)
runs_app.command("costs")(show_costs)


def _gist(kind: str, body: dict[str, object]) -> str:
    keys = _SHOWN.get(kind, tuple(body))
    return ", ".join(f"{key} {_short(body[key])}" for key in keys if body.get(key) not in (None, "", [], {}))


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= _GIST else f"{text[: _GIST - 1]}…"
