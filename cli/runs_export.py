"""`pilotfish runs export`: the ledger's records as a file for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .ledger import open_ledger
from .output import Json, print_json


def export_runs(
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .jsonl or .parquet file.")],
    run: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Of this run only.")] = None,
    content: Annotated[
        bool, typer.Option("--content/--no-content", help="With the texts, or with their hashes only.")
    ] = True,
    json: Json = False,
) -> None:
    """Write the records to a file.

    A row per record, with its hash. The file appears whole or not at all.
    """
    from ..tracing.export import export

    done = export(open_ledger(), out, run_id=run, content=content)
    if json:
        print_json({"path": str(done.path), "records": done.records, "content": done.content})
    else:
        typer.echo(
            f"{done.records} records in {str(done.path)!r}{'' if content else ', without their texts'}"
        )
