"""`pilotfish runs`: what the ledger holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .output import EXIT_UNANSWERED, Json, console, print_json
from .runs_diff import diff
from .runs_replay import replay

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger

_GIST = 160
"""Most characters shown of one recorded value."""
runs_app = typer.Typer(help="What the ledger holds.", no_args_is_help=True)


@runs_app.command("list")
def list_runs(
    *, limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20, json: Json = False
) -> None:
    """List the latest runs, newest first."""
    from ..agents.codec import to_json

    runs = _ledger().runs(limit=limit)
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
        task = Text(" ".join(run.task.split()), overflow="ellipsis")
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

    ledger = _ledger()
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
        screen.print(
            f"{record.at[11:23]} {record.kind}{about}: {_gist(record.kind, record.body)}",
            markup=False,
            soft_wrap=not screen.is_terminal,
        )


runs_app.command()(diff)
runs_app.command()(replay)


@runs_app.command()
def verify(*, json: Json = False) -> None:
    """Check the ledger's hash chain.

    It tells whether any record was edited, removed or moved.
    """
    problems = _ledger().verify()
    if json:
        print_json({"ok": not problems, "problems": problems})
    else:
        typer.echo("\n".join(problems) or "every record is as it was written")
    if problems:
        raise typer.Exit(EXIT_UNANSWERED)


def _ledger() -> Ledger:
    from ..models.settings import load_settings
    from ..tracing.ledger import Ledger

    return Ledger(load_settings().home / "ledger.db")


def _gist(kind: str, body: dict[str, object]) -> str:
    keys = {
        "run": ("task",),
        "decision": ("kind", "lane", "confidence", "reason"),
        "call": ("model_id", "prompt_name", "prompt_version", "output_tokens", "latency_ms", "finish_reason"),
        "subtask": ("status", "lane", "answer"),
        "tool": ("tool", "text", "fault"),
        "answer": ("status", "text"),
        "approval": ("approved",),
        "plan": ("planner", "note"),
    }[kind]
    return ", ".join(f"{key} {_short(body[key])}" for key in keys if body.get(key) not in (None, ""))


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= _GIST else f"{text[: _GIST - 1]}…"
