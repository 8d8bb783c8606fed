"""The `pilotfish` command: its subcommands, and how an error becomes a message and an exit code.

Exit codes: 0 answered, 2 the command was wrong, 3 ran but could not answer, 4 a dependency was unreachable.
With --json an error is also one JSON object on standard output: `{"error": {"message", "exit_code"}}`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any, cast

import typer
from typer.main import get_command

from .. import PilotfishError
from ..agents.shadow import finish_shadows
from ..tracing.telemetry import carried_from
from .ask import ask
from .canary import canary_app
from .classify import classify
from .demo import demo_app
from .lab import lab_app
from .models import models_app
from .output import EXIT_INTERRUPTED, EXIT_UNREACHABLE, EXIT_WRONG, print_json
from .runs import runs_app
from .store import ingest, search

# Typer's wrong-command errors, whose base it does not export; older ones are click's own.
_WrongCommandError = cast("type[Exception]", typer.BadParameter.__bases__[0])
_WRONG_PATH = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)

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
app.add_typer(canary_app, name="canary")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pilotfish {version('pilotfish')}")
        raise typer.Exit


@app.callback()
def pilotfish(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Hybrid agents: logic to a small local model, facts to a retriever or a large one, every answer checked."""
    del version


def main() -> None:
    """Entry point of the `pilotfish` command."""
    _set_up_streams()
    # Told to end by whoever runs it is interrupted by hand; asyncio has put its own handler there meanwhile.
    signal.signal(signal.SIGTERM, _told_to_end)
    with carried_from(os.environ):
        code = run(sys.argv[1:])
        _finish()
        sys.exit(code)


def _told_to_end(number: int, frame: FrameType | None) -> None:
    """SIGTERM acts like Ctrl-C, also where a shell that began the command in the background had Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.default_int_handler(number, frame)
    signal.raise_signal(signal.SIGINT)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command and return its exit code."""
    json = "--json" in arguments
    try:
        with get_command(app).make_context("pilotfish", list(arguments)) as context:
            context.command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    except PilotfishError as error:
        return _fail(str(error), error.exit_code, json=json)
    except _WrongCommandError as error:
        return _explain(error, json=json)
    except KeyboardInterrupt:
        kept = arguments[0] in ("ask", "demo") if arguments else False
        hint = "; `pilotfish runs list` shows the run, --resume goes on with it" if kept else ""
        return _fail(f"interrupted{hint}", EXIT_INTERRUPTED, json=json)
    except BrokenPipeError:
        _silence_output()
        return 0
    except OSError as error:
        code = EXIT_WRONG if isinstance(error, _WRONG_PATH) else EXIT_UNREACHABLE
        return _fail(f"{error.strerror or error}: {str(error.filename or '')!r}", code, json=json)
    return 0


def _finish() -> None:
    """What canaries carry out in shadow ends once the answer is out, and before the interpreter begins to end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_output()
    finish_shadows()


def _fail(message: str, code: int, *, json: bool) -> int:
    typer.echo(f"pilotfish: {message}", err=True)
    if json:
        print_json({"error": {"message": message, "exit_code": code}})
    return code


def _explain(error: Any, *, json: bool) -> int:
    error.show()
    if json:
        print_json({"error": {"message": error.format_message(), "exit_code": error.exit_code}})
    return error.exit_code


def _set_up_streams() -> None:
    """UTF-8 whatever the locale, our own warnings only, and nothing of what libraries chat about."""
    for stream in (sys.stdout, sys.stderr):
        # A lone surrogate is written as \udcXX, which is also how JSON spells it.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue] - a text stream of the interpreter has it
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)  # on the handler too: a library may have set a level of its own
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s", handlers=[handler])
    logging.getLogger("pilotfish").setLevel(logging.WARNING)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _silence_output() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, without a word at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
