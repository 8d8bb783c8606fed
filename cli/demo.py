"""`pilotfish demo`: the shipping-route planner."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from .output import EXIT_UNANSWERED, Json, console, download_progress, print_json

demo_app = typer.Typer(help="Demonstrations on real models.", no_args_is_help=True)


@demo_app.callback()
def demos() -> None:
    """Demonstrations on real models."""
