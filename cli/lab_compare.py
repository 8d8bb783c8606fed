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
    ReplayOptions,
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

    By how much, how surely, and on which kinds of prompt. Both answer the same rows. No model answers
    anything: only the policy `llm` calls one, to decide.
    """
    from ..lab.compare import compare as compare_policies
    from ..lab.importers import load_table
    from ..lab.provenance import provenance, spell

    options = ReplayOptions(
        small=small,
        large=large,
        labels=labels,
        seeds=seeds,
        folds=folds,
        without=without,
        rows=rows,
        resamples=resamples,
    )
    with replay_bar(quiet=json) as progress:
        found = compare_policies(load_table(table), a, b, progress=progress, **options.arguments())
    if not json:
        _show(found)
        return
    given = spelt(table=table) | options.spelt(resamples=2000)
    print_json({**found.json(), **provenance(spell(["lab", "compare", a, b], given))})


def _show(found: Comparison) -> None:
    from .render_compare import render_comparison

    render_comparison(console(), found)
