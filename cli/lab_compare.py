"""`pilotfish lab compare`: two policies on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .lab_table_options import (
    TABLE_HELP,
    Folds,
    Labels,
    Large,
    Resamples,
    RowsOption,
    Seeds,
    Small,
    Without,
    replay_bar,
    spelt,
)
from .output import Json, console, print_json

if TYPE_CHECKING:
    from ..lab.compare import Comparison

_POLICY = "NAME[:option=value,…]"


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"The policy to beat, {_POLICY}.")],
    b: Annotated[str, typer.Argument(metavar="B", help=f"The policy that may be better, {_POLICY}.")],
    *,
    table: Annotated[Path, typer.Option(help=TABLE_HELP)],
    small: Small = None,
    large: Large = None,
    labels: Labels = None,
    seeds: Seeds = 1,
    folds: Folds = None,
    without: Without = None,
    rows: RowsOption = None,
    resamples: Resamples = 2000,
    json: Json = False,
) -> None:
    """Tell whether policy B is better than A on a table.

    By how much, how surely, and on which kinds of prompt. Both answer the same rows. No model is called.
    """
    from ..lab.compare import compare as compare_policies
    from ..lab.importers import load_table
    from ..lab.provenance import provenance, spell

    with replay_bar(quiet=json) as progress:
        found = compare_policies(
            load_table(table),
            a,
            b,
            small=small,
            large=large,
            labels=labels,
            seeds=seeds,
            folds=folds,
            resamples=resamples,
            rows=rows,
            without=None if without is None else load_table(without),
            progress=progress,
        )
    if not json:
        _show(found)
        return
    options = spelt(
        table=table, small=small, large=large, labels=labels, folds=folds, without=without, rows=rows
    )
    options |= spelt(seeds=seeds if seeds != 1 else None, resamples=resamples if resamples != 2000 else None)
    print_json({**found.json(), **provenance(spell(["lab", "compare", a, b], options))})


def _show(found: Comparison) -> None:
    from .render_compare import render_comparison

    render_comparison(console(), found)
