"""Trains a policy on an outcome table and writes it, with its card and figures on the rows that were held out."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import UsageError
from ..router.policy import Policy
from ..tracing.whole import writing_whole
from .curves import LABELS, curve_points, curve_table, learning_curve, plot_curve
from .recipes import Context, Recipe, find_recipe
from .replay import Progress, replay
from .splits import splits_of
from .table import OutcomeTable, pair_of

if TYPE_CHECKING:
    import pandas

TABLE_POLICIES = ("capability", "knn", "bandit")
"""Policies that are trained on an outcome table, by functions `fit` and `save` of the module `NAME_fit`; one that is
loaded by more than its weights has `spelling` too."""
SHOWN = ("quality", "cost", "large_share", "apgr", "cpt50", "cpt80", "oracle_gap")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTrained:
    """What a training wrote and what it earns on rows it was not fitted on."""

    weights: Path
    card: Path
    policy: str
    """How to name it to `--policy`."""
    labels: int
    """Rows fitted on."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Means over seeds; ends of their 95 % intervals as `NAME_low` and `NAME_high`. Empty without held-out rows."""
    summary: Sequence[Mapping[str, Any]] = ()
    """The same for every baseline beside it, as `Replay.summary` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveDrawn:
    """A learning curve on disk."""

    csv: Path
    plot: Path
    figure: str
    """What is plotted."""
    points: Sequence[Mapping[str, Any]]
    text: str
    """The same as a Markdown table."""


def train_on_table(
    table: OutcomeTable,
    what: str,
    *,
    out: Path,
    command: str,
    labels: float | None = None,
    seed: int = 0,
    seeds: int = 1,
    small: str | None = None,
    large: str | None = None,
    progress: Progress | None = None,
) -> TableTrained:
    """Fits `what` on `labels` random rows, or on all, and writes it into `out`.

    With `labels` it is scored on the other rows, once per seed from 0; the policy written is that of `seed`. Raises
    `UsageError` for a policy that is not trained on tables.
    """
    recipe, module = _trainable(what)
    table = table.only((small, large)) if small and large and small != large else table
    if labels is None:
        pair = pair_of(table, small=small, large=large)
        policy = recipe.fit(table, context=Context(pair=pair, seed=seed))
        return _written(module, policy, what, out, train=table, command=command)
    fitted: dict[int, tuple[Policy, OutcomeTable]] = {}

    def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
        policy = recipe.fit(train, context=context)
        fitted[context.seed] = policy, train
        return policy

    found = replay(
        table,
        [replace(recipe, fit=fit)],
        small=small,
        large=large,
        labels=labels,
        seeds=seeds,
        progress=progress,
    )
    summary = found.summary()
    figures = _figures(next(row for row in summary if row["policy"] == what))
    if seed not in fitted:
        split = splits_of(found.table, labels=labels, seeds=seed + 1)[seed]
        fit(found.table.take(split.train), context=Context(pair=found.pair, seed=seed))
    policy, train = fitted[seed]
    done = _written(module, policy, what, out, train=train, command=command, figures=figures)
    return replace(done, summary=summary)


def draw_curve(
    table: OutcomeTable,
    what: str,
    *,
    out: Path,
    labels: Sequence[int] = LABELS,
    seeds: int = 5,
    small: str | None = None,
    large: str | None = None,
    progress: Progress | None = None,
) -> CurveDrawn:
    """The learning curve of `what` as `NAME.curve.csv` and `NAME.curve.png` in `out`: APGR, or quality without it."""
    recipe, _ = _trainable(what)
    frame = learning_curve(
        table, recipe, labels=labels, seeds=seeds, small=small, large=large, progress=progress
    )
    ranked = any(not point["baseline"] for point in curve_points(frame, "apgr"))
    title = f"{what} on {table.name}, {seeds} seeds"
    shown = (
        ("apgr", "cpt50", "cpt80", "quality", "large_share") if ranked else ("quality", "cost", "oracle_gap")
    )
    return write_curve(frame, what, out=out, figures=shown, title=title)


def write_curve(
    frame: pandas.DataFrame, what: str, *, out: Path, figures: Sequence[str], title: str
) -> CurveDrawn:
    """Writes a learning curve into `out`; the first of `figures` is plotted, all are in the text."""
    out.mkdir(parents=True, exist_ok=True)
    csv = out / f"{what}.curve.csv"
    with writing_whole(csv) as partial:
        frame.to_csv(partial, index=False)
    plot = plot_curve(frame, out / f"{what}.curve.png", figure=figures[0], title=title)
    return CurveDrawn(
        csv=csv,
        plot=plot,
        figure=figures[0],
        points=curve_points(frame, figures[0]),
        text=curve_table(frame, figures),
    )


def _trainable(what: str) -> tuple[Recipe, Any]:
    """The recipe of a policy and the module that fits and saves it."""
    if what not in TABLE_POLICIES:
        raise UsageError(
            f"{what!r} is not trained on an outcome table; these are: {', '.join(TABLE_POLICIES)}"
        )
    return find_recipe(what), importlib.import_module(f".{what}_fit", __package__)


def _written(
    module: Any,
    policy: Policy,
    what: str,
    out: Path,
    *,
    train: OutcomeTable,
    command: str,
    figures: Mapping[str, float] | None = None,
) -> TableTrained:
    weights: Path = module.save(policy, out, train=train, figures=figures or {}, command=command)
    spelling = getattr(module, "spelling", None)
    return TableTrained(
        weights=weights,
        card=weights.with_suffix(".card.md"),
        policy=spelling(policy, weights) if spelling else f"{what}:weights={weights}",
        labels=len(train),
        figures=figures or {},
    )


def _figures(row: Mapping[str, Any]) -> dict[str, float]:
    shown = [name for name in SHOWN if name != "cost" or row["cost_unit"] == "usd"]
    names = [end for name in shown for end in (name, f"{name}_low", f"{name}_high")]
    return {name: float(row[name]) for name in names if row.get(name) is not None}
