"""`pilotfish canary simulate`: how often the gates are wrong and how soon they are right, on made-up traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Json, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

Runs = Annotated[int, typer.Option(min=1, help="Simulated canaries per figure.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")]
Baseline = Annotated[float, typer.Option(help="Pass rate of the baseline.")]
Correlation = Annotated[
    float, typer.Option(help="Between the verdicts of both arms on one request, in shadow.")
]
Share = Annotated[float, typer.Option(help="Share of the ramp in which drops are detected.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]
Sensitivity = Annotated[
    bool, typer.Option("--sensitivity", help="Also at other pass rates and correlations; takes longer.")
]
Plot = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Also draw it; needs the extra 'plots'.")]
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("false_rollback", "share", "harmless candidate rolled back within 10,000 requests"),
    ("false_rollback_lifecycle", "share", "  … from shadow to promotion"),
    ("false_rollback_tenants", "share", "  … when requests come from 200 unequal tenants"),
    ("peeked_z_test", "share", "  … by a z-test looked at as often"),
    ("error_guard_calls", "count", "calls until the error guard fires, half of them errors"),
    ("detect_5pt_ramp_requests", "count", "requests to detect a drop of 5 points in the ramp"),
    ("detect_10pt_ramp_requests", "count", "  … of 10 points"),
    ("detect_20pt_ramp_requests", "count", "  … of 20 points"),
    ("detect_5pt_shadow_pairs", "count", "pairs to detect a drop of 5 points in shadow"),
    ("detect_10pt_shadow_pairs", "count", "  … of 10 points"),
    ("detect_20pt_shadow_pairs", "count", "  … of 20 points"),
    ("promoted_3pt_worse", "share", "candidate 3 points worse promoted"),
    ("promoted_equal", "share", "equal candidate promoted"),
    ("promote_equal_requests", "count", "  … after requests in all"),
    ("expired_equal", "share", "  … ended for want of proof in time"),
    ("exposure_5pt_mean", "count", "users' requests a candidate 5 points worse answered, mean"),
    ("exposure_5pt_p95", "count", "  … in the worst twentieth of runs at least"),
    ("caught_in_shadow_5pt", "share", "  … caught before any"),
    ("exposure_5pt_without_shadow", "count", "  … median where the plan leaves shadow out"),
    ("exposure_10pt_mean", "count", "users' requests a candidate 10 points worse answered, mean"),
    ("caught_in_shadow_10pt", "share", "  … caught before any"),
    ("exposure_10pt_without_shadow", "count", "  … median where the plan leaves shadow out"),
    ("exposure_20pt_mean", "count", "users' requests a candidate 20 points worse answered, mean"),
    ("caught_in_shadow_20pt", "share", "  … caught before any"),
    ("exposure_20pt_without_shadow", "count", "  … median where the plan leaves shadow out"),
)
_COLUMNS = (
    "false_rollback",
    "peeked_z_test",
    *(f"detect_{drop}pt_ramp_requests" for drop in (5, 10, 20)),
    *(f"detect_{drop}pt_shadow_pairs" for drop in (5, 10, 20)),
)


def simulate(
    *,
    runs: Runs = 1000,
    seed: Seed = 1,
    baseline: Baseline = 0.9,
    correlation: Correlation = 0.5,
    share: Share = 0.1,
    jobs: Jobs = 2,
    sensitivity: Sensitivity = False,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """Try the gates of a canary on made-up traffic.

    The same code that judges a live canary, on candidates that are equal, worse or broken: false rollbacks, requests
    until a drop is found, users exposed. Medians are over all runs.
    """
    from ..rollout.simulate import Assumptions
    from ..rollout.simulate import sensitivity as sensitivity_of
    from ..rollout.simulate import simulate as run

    assumed = Assumptions(runs=runs, seed=seed, baseline=baseline, correlation=correlation, share=share)
    say = None if json else _say
    found = run(assumed, jobs=jobs, progress=say)
    rows = sensitivity_of(assumed, jobs=jobs, progress=say) if sensitivity else None
    if plot:
        from ..lab.canary_plot import draw_simulation

        draw_simulation(found, plot)
    if json:
        more = {} if rows is None else {"sensitivity": rows}
        print_json({**found.figures, "assumptions": asdict(assumed), **more})
        return
    screen = console()
    screen.print(
        f"{runs:,} simulated canaries per figure, seed {seed}: the baseline passes {100 * baseline:.3g} %, ramp at "
        f"{100 * share:.3g} %, correlation in shadow {correlation:.2g}\n",
        soft_wrap=True,
    )
    screen.print(_figures(found.figures))
    if rows is not None:
        screen.print()
        screen.print(_sensitivity(rows))


def _say(what: str) -> None:
    typer.echo(what, err=True)


def _figures(figures: Mapping[str, float | None]) -> Table:
    from rich.table import Table

    from ..rollout.simulate import AIMS, REFERENCES

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("what")
    table.add_column("simulated", justify="right")
    table.add_column("reference", justify="right", style="dim")
    for key, unit, words in _WORDS:
        limit = "≤ " if key in AIMS else ""
        table.add_row(words, _told(figures[key], unit), limit + _told(REFERENCES.get(key), unit, none=""))
    return table


def _sensitivity(rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    heads = ("A/A", "z-test", "ramp 5", "10", "20", "pairs 5", "10", "20")
    for head in ("baseline", "correlation", *heads):
        table.add_column(head, justify="right")
    for row in rows:
        told = (
            _told(row.get(key), "count" if key.startswith("detect") else "share", none="") for key in _COLUMNS
        )
        table.add_row(f"{row['baseline']:.2f}", f"{row['correlation']:.1f}", *told)
    return table


def _told(figure: float | None, unit: str, *, none: str = "not found") -> str:
    if figure is None:
        return none
    return f"{100 * figure:.1f} %" if unit == "share" else f"{figure:,.0f}"
