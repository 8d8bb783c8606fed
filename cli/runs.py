"""`pilotfish runs`: what the ledger holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .output import EXIT_UNANSWERED, Json, console, print_json

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger

runs_app = typer.Typer(help="What the ledger holds.", no_args_is_help=True)


@runs_app.command("list")
def list_runs(
    *, limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20, json: Json = False
) -> None:
    """The latest runs, newest first."""
    from ..agents.codec import to_json

    runs = _ledger().runs(limit=limit)
    if json:
        print_json([to_json(run) for run in runs])
        return
    screen = console()
    for run in runs:
        screen.print(
            f"{run.run_id}  {run.started[:19]}  {run.status:10}  {run.calls:3} calls  ${run.cost_usd:.4f}  "
            f"{' '.join(run.task.split())[:60]}",
            markup=False,
        )


@runs_app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="As `runs list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Everything recorded of one run, in the order it happened."""
    from ..agents.codec import to_json

    ledger = _ledger()
    summary, records = ledger.summary(run_id), ledger.records(run_id)
    if json:
        print_json({**to_json(summary), "records": [to_json(record) for record in records]})
        return
    screen = console()
    screen.print(f"run {run_id}: {summary.status}", style="bold")
    for record in records:
        about = f" {record.subtask_id}" if record.subtask_id else ""
        screen.print(
            f"{record.at[11:23]} {record.kind}{about}: {_gist(record.kind, record.body)}", markup=False
        )


@runs_app.command()
def verify(*, json: Json = False) -> None:
    """Check the ledger's hash chain: has any record been edited, removed or moved?"""
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
        "answer": ("status", "text"),
        "approval": ("approved",),
        "plan": ("planner", "note"),
    }[kind]
    return ", ".join(f"{key} {body[key]!s:.100}" for key in keys if body.get(key) not in (None, ""))
