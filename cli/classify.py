"""`pilotfish classify`: subtasks in, decisions out, a JSON object a line."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer


def classify(
    *,
    policy: Annotated[str | None, typer.Option(help="Router policy; `learned` unless set otherwise.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="For symmetry: the output is JSON lines anyway.")
    ] = False,
) -> None:
    """Read subtasks, write decisions, as JSON lines.

    Standard input holds an {"id", "text"} a line, with a "data_class" if it has one; standard output gets an
    {"id", "kind", "p_reasoning", "lane", "policy", "version"} for each, in order.
    """
    from ..models.settings import load_settings
    from ..router.classify import classify_rows, read_rows
    from ..router.load import policy_from

    del json
    chosen = policy_from(load_settings(policy=policy).policy)
    for row in classify_rows(chosen, read_rows(_lines())):
        typer.echo(jsonlib.dumps(row, ensure_ascii=False))


def _lines() -> Iterator[str]:
    """Standard input as UTF-8, whatever the locale, with or without a byte order mark."""
    from .. import UsageError

    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"line {number} is not UTF-8 ({error.reason} at byte {error.start})") from None
