"""What every command prints with: JSON for machines on standard output, progress for people on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
EXIT_UNANSWERED = 3


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def console(*, stderr: bool = False) -> Console:
    """A console for readable output; its width is at least 100 where the output is not a terminal."""
    from rich.console import Console

    width = None if (sys.stderr if stderr else sys.stdout).isatty() else 110
    return Console(stderr=stderr, width=width, highlight=False)


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
