"""What every command prints with: JSON for machines on standard output, progress for people on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ..agents.result import Result

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, and nothing else.")]
EXIT_WRONG, EXIT_UNANSWERED, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 2, 3, 4, 130
PIPE_WIDTH = 110
"""Columns of readable output that no terminal shows."""


def print_json(value: Any) -> None:
    """One JSON value on standard output; a number that JSON does not have, such as NaN, is null."""
    typer.echo(json.dumps(_finite(value), ensure_ascii=False, indent=2, allow_nan=False))


def console(*, stderr: bool = False) -> Console:
    """A console for readable output: as wide as the terminal or COLUMNS says, else `PIPE_WIDTH`."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, emoji=False)


def exit_unless_answered(result: Result, *, partly: bool = False) -> None:
    """End the command with 3 where there is no answer, with 4 where only unreachable models are to blame.

    `partly`: an answer to a part of the task counts.
    """
    if result.status == "answered" or (partly and result.status == "partial"):
        return
    failures = {subtask.failure for subtask in result.subtasks if subtask.status == "failed"}
    unreachable = result.status == "failed" and failures == {"model_unavailable"}
    raise typer.Exit(EXIT_UNREACHABLE if unreachable else EXIT_UNANSWERED)


def download_progress() -> Callable[[str, int, int], None]:
    """A callback (name, bytes done, bytes in all) that prints a line per tenth of a download on standard error."""
    shown: dict[str, int] = {}

    def show(name: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 0
        if shown.get(name) != tenth:
            shown[name] = tenth
            bar = "#" * tenth + "." * (10 - tenth)
            typer.echo(f"{name} [{bar}] {done / 1e6:.0f} of {total / 1e6:.0f} MB", err=True)

    return show


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in cast("Sequence[Any]", value)]
    return value
