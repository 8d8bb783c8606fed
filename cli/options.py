"""Options that more than one command takes, in one wording."""

from __future__ import annotations

from typing import Annotated

import typer

Policy = Annotated[str | None, typer.Option(help="Router policy; `learned` unless set otherwise.")]
Local = Annotated[
    str | None, typer.Option(help="Small model: an id of `pilotfish models list`, a file, or openai/NAME.")
]
Prompts = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        metavar="NAME@VERSION",
        help="Another version of a prompt; NAME@V1,V2 splits runs in two, NAME=FILE.md takes your own. Repeatable.",
    ),
]
DataClass = Annotated[
    str | None, typer.Option(help="Who may see the task: public, internal, restricted, or your own class.")
]
Large = Annotated[
    str | None,
    typer.Option(help="Large model, such as openai/NAME; none unless given. Several, with commas, in order."),
]
