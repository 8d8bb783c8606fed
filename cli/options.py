"""Options that more than one command takes, in one wording."""

from __future__ import annotations

from typing import Annotated

import typer

Policy = Annotated[str | None, typer.Option(help="Router policy; `learned` unless set otherwise.")]
Local = Annotated[
    str | None, typer.Option(help="Small model: an id of `pilotfish models list`, a file, or openai/NAME.")
]
Large = Annotated[str | None, typer.Option(help="Large model, such as openai/NAME; none unless given.")]
