"""`pilotfish runs purge`: deletes what is old."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import UsageError
from .ledger import open_ledger
from .output import Json, print_json

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger
    from ..tracing.retention import Purged


def purge_runs(
    *,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Runs whose last record is older: 30d, 12h, 2w, or a date.")
    ],
    content_only: Annotated[
        bool, typer.Option("--content-only", help="Delete their texts and keep the records.")
    ] = False,
    anchor: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An anchor to compare with before, and to write anew after."),
    ] = None,
    json: Json = False,
) -> None:
    """Delete the records of old runs, or their texts only.

    The hash chain holds: a sealed record says what was deleted. What canaries wrote stays.
    """
    from ..agents.codec import to_json
    from ..tracing.retention import moment, purge

    before, ledger = moment(older_than), open_ledger()
    if anchor is not None:
        _refuse_broken(ledger, anchor)
    done = purge(ledger, before=before, content_only=content_only)
    if anchor is not None:
        from ..tracing.chain import write_anchor

        write_anchor(anchor, ledger.inspect().end)
    if json:
        print_json(to_json(done))
    else:
        _tell(done)


def _refuse_broken(ledger: Ledger, anchor: Path) -> None:
    from ..tracing.chain import read_anchor

    problems = ledger.verify(read_anchor(anchor))
    if problems:
        raise UsageError(
            f"the ledger is not as it was written, so nothing was deleted: {'; '.join(problems)}"
        )


def _tell(done: Purged) -> None:
    typer.echo(
        f"{done.runs} runs older than {done.older_than[:16].replace('T', ' ')} UTC: "
        f"{done.records} records and {done.contents} texts deleted"
    )
    if done.inline:
        typer.echo(
            f"{done.inline} runs of an older format hold their texts in the records themselves; "
            "only a purge without --content-only deletes those",
            err=True,
        )
    if not done.wiped:
        typer.echo(
            "another process has the ledger open: the deleted texts stay in its journal until the next purge",
            err=True,
        )
