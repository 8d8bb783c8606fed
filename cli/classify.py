"""`pilotfish classify`: subtasks in, decisions out, a JSON object a line."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import Annotated

import typer


def classify(
    *,
    policy: Annotated[str, typer.Option(help="Router policy.")] = "learned",
    json: Annotated[
        bool, typer.Option("--json", help="For symmetry: the output is JSON lines anyway.")
    ] = False,
) -> None:
    """Read {"id", "text"} lines on standard input, write their decisions on standard output."""
    from ..router.classify import classify_rows, read_rows
    from ..router.load import load_policy

    del json
    for row in classify_rows(load_policy(policy), read_rows(sys.stdin)):
        typer.echo(jsonlib.dumps(row, ensure_ascii=False))
