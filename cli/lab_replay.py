"""`pilotfish lab replay`: policies on an outcome table, without asking any model for an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

_POLICY_HELP = "May be given again; `lab policies` lists them."


def replay(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help=TABLE_HELP)],
    *,
    policy: Annotated[list[str], typer.Option(metavar="NAME[:option=value,…]", help=_POLICY_HELP)],
    small: Small = None,
    large: Large = None,
    labels: Labels = None,
    seeds: Seeds = 1,
    folds: Folds = None,
    without: Without = None,
    rows: RowsOption = None,
    resamples: Resamples = 1000,
    out: Annotated[Path | None, typer.Option(help="Also write the rows to this CSV file.")] = None,
    json: Json = False,
) -> None:
    """Replay policies on a table of known outcomes.

    Prints quality, cost, APGR and CPT, beside the baselines. No model answers anything: only the policy `llm` calls
    one, to decide. Policies are never scored on rows they were trained on.
    """
    from ..lab.importers import load_table
    from ..lab.provenance import spell
    from ..lab.replay import replay as replay_table
    from ..lab.replay_output import replay_json, write_rows

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
        found = replay_table(load_table(table), policy, progress=progress, **options.arguments())
    if out is not None:
        write_rows(found, out)
    if not json:
        from .render_replay import render_replay

        render_replay(console(), found)
        return
    given = spelt(policy=policy) | options.spelt(resamples=1000)
    print_json(replay_json(found, command=spell(["lab", "replay", str(table)], given)))
