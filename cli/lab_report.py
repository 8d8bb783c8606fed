"""`pilotfish lab report`: a replay as a page for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import UsageError
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
    from ..lab.report import Report


def report(
    table: Annotated[Path | None, typer.Argument(metavar="TABLE", help=TABLE_HELP)] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the report; one that is there is replaced.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:option=value,…]", help="May be given again; `lab policies` lists them."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--from", help="Instead of TABLE: what `lab replay --json` printed.")
    ] = None,
    small: Small = None,
    large: Large = None,
    labels: Labels = None,
    seeds: Seeds = 1,
    folds: Folds = None,
    without: Without = None,
    rows: RowsOption = None,
    resamples: Resamples = 1000,
    show_prompts: Annotated[
        bool, typer.Option("--show-prompts", help="Quote prompts of the table where the best policy lost.")
    ] = False,
    json: Json = False,
) -> None:
    """Write report.html and report.md on policies replayed on TABLE.

    The page needs nothing from elsewhere. No model answers anything: only the policy `llm` calls one, to
    decide. No prompt is quoted unless asked for.
    """
    if (table is None) == (results is None):
        raise UsageError(
            "give either TABLE, to replay policies on it, or --from FILE with the JSON of a replay"
        )
    if results is not None:
        from ..lab.report import write_thin_report

        _say(write_thin_report(results, out), out, json=json)
        return
    if not policy:
        raise UsageError(
            "a report needs a policy: add --policy NAME, such as --policy learned; it may be repeated"
        )
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
    assert table is not None  # noqa: S101 - said above, for the type checker
    made = _replay(table, policy, options, out=out, show_prompts=show_prompts, json=json)
    _say(made, out, json=json)


def _replay(
    table: Path,
    policies: list[str],
    options: ReplayOptions,
    *,
    out: Path,
    show_prompts: bool,
    json: bool,
) -> Report:
    from ..lab.importers import load_table
    from ..lab.provenance import spell
    from ..lab.replay import replay
    from ..lab.report import write_report
    from ..lab.report_folder import check_folder

    check_folder(out)
    with replay_bar(quiet=json) as progress:
        found = replay(load_table(table), policies, progress=progress, **options.arguments())
    given = spelt(policy=policies) | options.spelt(resamples=1000) | spelt(show_prompts=show_prompts, out=out)
    return write_report(
        found, out, command=spell(["lab", "report", str(table)], given), show_prompts=show_prompts
    )


def _say(report: Report, out: Path, *, json: bool) -> None:
    if json:
        files = sorted(path.name for path in out.iterdir())
        print_json(
            {"folder": str(out), "files": files, "answer": list(report.answer), "source": report.source}
        )
        return
    for paragraph in report.answer:
        console().print(paragraph, markup=False)
    console().print(f"Written: {out / 'report.html'}", markup=False, style="dim")
