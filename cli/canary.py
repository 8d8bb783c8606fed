"""`pilotfish canary`: a candidate model or prompt on a part of the traffic."""

from __future__ import annotations

import typer

from .canary_simulate import simulate

canary_app = typer.Typer(help="Canaries of a model or a prompt.", no_args_is_help=True)
canary_app.command()(simulate)
