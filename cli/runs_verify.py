"""`pilotfish runs verify`: whether the ledger is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import UsageError
from .ledger import open_ledger
from .output import EXIT_UNANSWERED, Json, print_json

if TYPE_CHECKING:
    from ..tracing.chain import Inspection


def verify(
    *,
    anchor: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare with where the ledger ended when FILE was written; keep it elsewhere.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Then write the anchor anew, or a first one.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the ledger's hash chain and the texts it keeps.

    It tells whether any record was edited, removed or moved; with an anchor also whether any was cut off the end, or
    everything was written anew.
    """
    from ..tracing.chain import read_anchor, write_anchor

    if write and anchor is None:
        raise UsageError("--write needs --anchor FILE, the file to write")
    known = None if anchor is None or (write and not anchor.exists()) else read_anchor(anchor)
    found = open_ledger().inspect(known)
    if anchor is not None and write and not found.problems:
        write_anchor(anchor, found.end)
    if json:
        print_json(_row(found, anchored=None if anchor is None else known is not None))
    else:
        typer.echo("\n".join(found.problems) or "every record is as it was written")
        typer.echo(_counts(found))
    if found.problems:
        raise typer.Exit(EXIT_UNANSWERED)


def _row(found: Inspection, *, anchored: bool | None) -> dict[str, object]:
    return {
        "ok": not found.problems,
        "problems": list(found.problems),
        "records": found.records,
        "removed": found.removed,
        "contents": found.contents,
        "contents_missing": found.contents_missing,
        "anchored": anchored,
        "end": {"seq": found.end.seq, "hash": found.end.hash},
    }


def _counts(found: Inspection) -> str:
    parts = [f"{found.records} records, {found.contents} texts kept"]
    if found.contents_missing:
        parts.append(f"{found.contents_missing} records without their texts")
    if found.removed:
        parts.append(f"{found.removed} records removed by purges that say so")
    return "; ".join(parts)
