"""The `pilotfish` command: its subcommands, and how an error becomes a message and an exit code.

Exit codes: 0 answered, 2 the command was wrong, 3 ran but could not answer, 4 a dependency was unreachable.
"""

from __future__ import annotations

import logging
import sys

import typer

from .. import PilotfishError
from .ask import ask
from .classify import classify
from .demo import demo_app
from .lab import lab_app
from .models import models_app
from .runs import runs_app
from .store import ingest, search

app = typer.Typer(
    name="pilotfish",
    help="Hybrid agents: logic to a small local model, facts to a retriever or a large model, every answer checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(ask)
app.add_typer(demo_app, name="demo")
app.command()(classify)
app.command()(ingest)
app.command()(search)
app.add_typer(models_app, name="models")
app.add_typer(lab_app, name="lab")
app.add_typer(runs_app, name="runs")


def main() -> None:
    """Entry point of the `pilotfish` command."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except PilotfishError as error:
        typer.echo(f"pilotfish: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo(
            "pilotfish: interrupted; `pilotfish runs list` shows the run, --resume goes on with it", err=True
        )
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
