"""Learning curves: what a policy that is fitted on labelled rows earns by how many of them it is given.

Every budget of one seed is scored on the same rows, and the smaller budgets are part of the larger ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..router.policy import Policy
from ..tracing.whole import writing_whole
from .intervals import over_seeds
from .recipes import Context, Recipe, find_recipe
from .replay import SUMMARISED, Progress, replay
from .table import OutcomeTable

if TYPE_CHECKING:
    import pandas

LABELS = (50, 100, 200, 400, 800, 1500, 3000)
MOST = 0.75
"""Largest share of a table that is labelled: the rest is what the curve is measured on."""
COLUMNS = ("policy", "labels", "seed", "baseline", "n", "cost_unit", *SUMMARISED)
NAMES: Mapping[str, str] = {
    "quality": "quality",
    "apgr": "APGR",
    "cpt50": "CPT(50), % of large calls",
    "cpt80": "CPT(80), % of large calls",
    "cost": "mean cost",
    "aiq": "AIQ",
    "oracle_gap": "gap to the oracle",
    "large_share": "share of large calls",
    "accuracy": "accuracy",
    "balanced": "balanced accuracy",
}
"""Columns that can be plotted, and what the axis says."""


def learning_curve(
    table: OutcomeTable,
    recipe: str | Recipe,
    *,
    labels: Sequence[int] = LABELS,
    seeds: int = 5,
    small: str | None = None,
    large: str | None = None,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    """A line per budget and seed, then per baseline and seed (`labels` 0), with the columns `COLUMNS`.

    Budgets above `MOST` of the table are left out. Raises `UsageError` where none remains, or where the policy is not
    fitted on labels.
    """
    import pandas as pd

    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if not recipe.needs_labels:
        raise UsageError(
            f"policy {recipe.name!r} is not fitted on labelled rows, so it has no learning curve"
        )
    budgets = budgets_of(labels, len(table), name=table.name)
    named = {f"{recipe.name} on {budget} rows": budget for budget in budgets}
    contenders = [_limited(recipe, budget, name) for name, budget in named.items()]
    found = replay(
        table,
        contenders,
        small=small,
        large=large,
        labels=budgets[-1],
        seeds=seeds,
        resamples=0,
        progress=progress,
    )
    rows: list[dict[str, Any]] = []
    for row in found.rows:
        if any(row.policy != name and row.policy.endswith(name) for name in named):
            continue  # "random at the share of …": one for every budget
        known = {column: getattr(row, column) for column in COLUMNS if column != "labels"}
        budget = named.get(row.policy, 0)
        rows.append({**known, "policy": recipe.name if budget else row.policy, "labels": budget})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def budgets_of(labels: Sequence[int], rows: int, *, name: str) -> list[int]:
    """The budgets that leave enough of `rows` to be scored, ascending."""
    kept = sorted({budget for budget in labels if 0 < budget <= MOST * rows})
    if not kept:
        raise UsageError(
            f"{name!r} has {rows} rows: too few to label {min(labels)} and score the rest; "
            f"the largest budget it allows is {math.floor(MOST * rows)}"
        )
    return kept


def curve_points(frame: pandas.DataFrame, figure: str = "apgr") -> list[dict[str, Any]]:
    """Per policy and budget the mean of `figure` over seeds with its 95 % interval: `policy, labels, baseline, mean,
    low, high, seeds`.

    Policies without the figure are left out; one seed has no interval.
    """
    points: list[dict[str, Any]] = []
    groups: dict[tuple[str, int, bool], list[float | None]] = {}
    for line in frame.to_dict("records"):
        key = (str(line["policy"]), int(line["labels"]), bool(line["baseline"]))
        groups.setdefault(key, []).append(line[figure])
    for (policy, budget, baseline), found in groups.items():
        values = [float(value) for value in found if value is not None and not math.isnan(value)]
        if len(values) < len(found):
            continue
        ends = over_seeds(values) if len(values) > 1 else None
        points.append(
            {
                "policy": policy,
                "labels": budget,
                "baseline": baseline,
                "mean": float(np.mean(values)),
                "low": ends.low if ends else None,
                "high": ends.high if ends else None,
                "seeds": len(values),
            }
        )
    return sorted(points, key=lambda point: (point["baseline"], point["labels"]))


def curve_table(frame: pandas.DataFrame, figures: Sequence[str]) -> str:
    """A Markdown table with a line per budget; baselines below."""
    by_place: dict[tuple[str, int], dict[str, str]] = {}
    for figure in figures:
        for point in curve_points(frame, figure):
            text = f"{point['mean']:.4g}"
            if point["low"] is not None and point["high"] > point["low"]:
                text += f" [{point['low']:.4g}, {point['high']:.4g}]"
            by_place.setdefault((point["policy"], point["labels"]), {})[figure] = text
    lines = [f"| policy | labels | {' | '.join(NAMES.get(figure, figure) for figure in figures)} |"]
    lines.append("|---|---|" + "---|" * len(figures))
    for (policy, budget), cells in by_place.items():
        shown = " | ".join(cells.get(figure, "–") for figure in figures)
        lines.append(f"| {policy} | {budget or '–'} | {shown} |")
    return "\n".join(lines)


def _limited(recipe: Recipe, budget: int, name: str) -> Recipe:
    """The recipe that sees `budget` of the labelled rows, the same ones for a seed whatever the policy."""

    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        order = np.random.default_rng([context.seed, len(train)]).permutation(len(train))
        return recipe.fit(train.take(np.sort(order[:budget])), context=context)

    return replace(recipe, name=name, fit=fit)


def plot_curve(frame: pandas.DataFrame, path: Path, *, figure: str = "apgr", title: str = "") -> Path:
    """Draws `figure` by number of labels, with its interval over seeds and the baselines as lines; PNG or SVG.

    Raises `UsageError` where no policy has the figure.
    """
    points = curve_points(frame, figure)
    learned = [point for point in points if not point["baseline"]]
    if not learned:
        raise UsageError(
            f"there is no {figure!r} to plot: it needs a policy that ranks prompts between two models"
        )
    from .plots import GRID, INK, MUTED, SERIES

    drawing = _figure()
    axes: Any = drawing.add_axes((0.11, 0.13, 0.72, 0.79))
    for place, name in enumerate(dict.fromkeys(point["policy"] for point in learned)):
        mine = [point for point in learned if point["policy"] == name]
        x = [point["labels"] for point in mine]
        colour = SERIES[place % len(SERIES)]
        axes.plot(x, [p["mean"] for p in mine], color=colour, marker="o", markersize=4, label=name)
        if all(point["low"] is not None for point in mine):
            axes.fill_between(
                x, [p["low"] for p in mine], [p["high"] for p in mine], color=colour, alpha=0.18, linewidth=0
            )
    for point in _shown_baselines(points):
        axes.axhline(point["mean"], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.text(
            1.01,
            point["mean"],
            point["policy"],
            transform=axes.get_yaxis_transform(),
            color=MUTED,
            va="center",
        )
    ticks = sorted({point["labels"] for point in learned})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("labelled rows", color=INK)
    axes.set_ylabel(NAMES.get(figure, figure), color=INK)
    axes.set_title(title, loc="left", color=INK)
    axes.grid(color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with writing_whole(path) as partial:
        drawing.savefig(partial, dpi=160)
    return path


def _shown_baselines(points: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that lie near enough to the curve to leave it its shape: the oracle and the trivial ones seldom do."""
    values = [point["mean"] for point in points if not point["baseline"]]
    reach = 1.5 * max(max(values) - min(values), 0.02)
    return [
        point
        for point in points
        if point["baseline"] and min(values) - reach <= point["mean"] <= max(values) + reach
    ]


def _figure() -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "a plot needs matplotlib; install it with: pip install 'pilotfish[plots,lab]'"
        ) from error
    figure = Figure(figsize=(7.2, 4.2))
    FigureCanvasAgg(figure)
    return figure
