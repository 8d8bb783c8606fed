"""Replays policies on an outcome table: what each would have earned and cost, beside the baselines that need no policy.

No model that answers is called: only `llm` asks its own, about each prompt. Nothing is scored that a policy was trained
on, and no policy whose model is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..router.policy import Policy
from .baselines import Baseline, at_random, baselines_of
from .contenders import Contenders, Progress, recipe_of
from .intervals import over_seeds
from .leakage import Clean, identities, refuse_few, sort_out, without_prompts
from .recipes import Recipe
from .scored import Row, Scene, Scored, rows_of
from .splits import Split, sample_rows, splits_of
from .table import Floats, OutcomeTable, Pair, costs_of, pair_of

if TYPE_CHECKING:
    import pandas

__all__ = ["Progress", "Replay", "Row", "Scored", "replay", "row_dict"]

SUMMARISED = (
    "quality",
    "cost",
    "large_share",
    "random_quality",
    "apgr",
    "cpt50",
    "cpt80",
    "aiq",
    "oracle_gap",
)
"""The figures of a `Row` that a summary averages over seeds."""
MOST_GAPS = 0.05
"""A model without results on a larger share of the rows is left out, unless it is named; else the rows are."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What every policy earned on a table, per prompt and in figures."""

    table: OutcomeTable
    """As replayed: without the rows and models that were left out; `Scored.rows` are rows of this one."""
    pair: Pair
    cost_unit: str
    scored: tuple[Scored, ...]
    """By seed, then policies in the order given, then baselines."""
    rows: tuple[Row, ...]
    """The figures of `scored`, in its order."""
    notes: tuple[str, ...] = ()
    """What was left out or chosen with hindsight, for a reader."""

    def frame(self) -> pandas.DataFrame:
        """A data frame with a line per policy and seed, and the columns of `Row`."""
        try:
            import pandas as pd
        except ImportError as error:
            raise UsageError(
                "a data frame needs pandas; install it with: pip install 'pilotfish[lab]'"
            ) from error
        return pd.DataFrame([row_dict(row) for row in self.rows])

    def summary(self) -> list[dict[str, Any]]:
        """A dict per policy: mean over seeds of every figure, with the ends of a 95 % interval where there is one.

        `interval` says over what: `seeds` (t interval) or, of a single seed, `prompts` (bootstrap).
        """
        names = dict.fromkeys((row.policy, row.baseline) for row in self.rows)
        return [_summary([row for row in self.rows if (row.policy, row.baseline) == name]) for name in names]


def replay(
    table: OutcomeTable,
    policies: Sequence[str | Recipe | Policy],
    *,
    small: str | None = None,
    large: str | None = None,
    labels: float | None = None,
    seeds: int = 1,
    folds: int | None = None,
    resamples: int = 1000,
    rows: int | None = None,
    without: OutcomeTable | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Every policy on the rows of `table`, beside the baselines.

    A policy is named as on the command line, or is an object. What needs labels is fitted on `labels` random rows, or
    that share of them, and scored on the rest, once per seed; with `folds`, fitted on all folds but one and scored on
    that, all folds pooled. `rows` takes a random sample of the table, `without` leaves out the prompts of another
    one. With both `small` and `large` named the table becomes one of these two models. Raises `UsageError` that names
    the remedy where labels are missing, where folds meet a policy that decides by the whole run, or where too few rows
    are left that no policy was trained on; `UnavailableError` where a policy's model is missing.
    """
    recipes = [recipe_of(policy) for policy in policies]
    _check(recipes, labelled=labels is not None or folds is not None)
    table, notes = _measured(table if without is None else without_prompts(table, without), small, large)
    pair = pair_of(table, small=small, large=large)
    table = sample_rows(table, rows)
    known = identities(table)
    divisions = splits_of(table, labels=labels, seeds=seeds, folds=folds, identity=known.tolist())
    steps = len(divisions) * len(recipes)
    contenders = Contenders(recipes, table, pair, progress=progress, steps=steps, folded=folds is not None)
    parts: dict[int, list[_Part]] = {}
    for split in divisions:
        parts.setdefault(split.seed, []).append(_part(table, split, contenders, pair, known))
    return _gather(table, pair, parts, resamples, notes)


def row_dict(row: Row) -> dict[str, Any]:
    """A row as a dict of JSON values, None for what cannot be said."""
    found = {field.name: getattr(row, field.name) for field in fields(row)}
    return {**found, "shares": dict(row.shares)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """All policies on the rows of one split."""

    clean: Clean
    scored: list[Scored]
    """Empty where no row was left."""
    notes: list[str]


def _measured(table: OutcomeTable, small: str | None, large: str | None) -> tuple[OutcomeTable, list[str]]:
    """The models and rows to replay, every model with a result on every row, and notes on what was left out."""
    notes: list[str] = []
    named = {small, large} - {None}
    if len(named) == 2:
        table = table.only([str(small), str(large)])
    gaps = np.isnan(table.correct).mean(axis=0)
    sparse = [m for m, share in zip(table.models, gaps, strict=True) if share > MOST_GAPS and m not in named]
    if sparse:
        notes.append(f"left out for missing results: {', '.join(sparse)}; name one with --small or --large")
        table = table.only([model for model in table.models if model not in sparse])
    whole = table.complete()
    if len(whole) < len(table):
        notes.append(f"{len(table) - len(whole)} rows left out, on which a model has no result")
    if not len(whole):
        raise UsageError(f"table {table.name!r} has no row on which every model has a result")
    return whole, notes


def _check(recipes: Sequence[Recipe], *, labelled: bool) -> None:
    names = [recipe.name for recipe in recipes]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise UsageError(f"policy {twice[0]!r} is given twice; give each once, or with other options")
    needy = [recipe.name for recipe in recipes if recipe.needs_labels]
    if needy and not labelled:
        raise UsageError(
            f"policy {needy[0]!r} is fitted on labelled rows; add --labels N to fit it on N of them and score it on "
            "the rest, or --folds K, or give it what it was trained to, such as weights, a state or a calibration"
        )


def _part(
    table: OutcomeTable, split: Split, contenders: Contenders, pair: Pair, known: NDArray[np.int64]
) -> _Part:
    fitted = contenders.fit(split)
    clean = sort_out(split.test, known=known, labelled=split.train, policies=fitted)
    rows = clean.rows
    if not len(rows):
        return _Part(clean=clean, scored=[], notes=[])
    scored = [contenders.score(name, policy, rows, seed=split.seed) for name, policy in fitted]
    test = table.take(rows)
    cost, _ = costs_of(test, pair)
    found, notes = baselines_of(table.take(split.train), test, pair=pair, cost=cost)
    found += [at_random(one.policy, one.choice, models=len(table.models), seed=split.seed) for one in scored]
    scored += [_score_baseline(one, test, cost, rows, split.seed) for one in found]
    return _Part(clean=clean, scored=scored, notes=notes)


def _score_baseline(
    found: Baseline, test: OutcomeTable, cost: Floats, rows: NDArray[np.intp], seed: int
) -> Scored:
    place = np.arange(len(test))
    return Scored(
        policy=found.name,
        version=found.version,
        seed=seed,
        baseline=True,
        rows=rows,
        choice=found.choice,
        score=found.score,
        quality=test.correct[place, found.choice] if found.mixed is None else test.correct @ found.mixed,
        cost=cost[place, found.choice] if found.mixed is None else cost @ found.mixed,
    )


def _gather(
    table: OutcomeTable,
    pair: Pair,
    parts: dict[int, list[_Part]],
    resamples: int,
    notes: Sequence[str],
) -> Replay:
    scored: list[Scored] = []
    rows: list[Row] = []
    unit = costs_of(table.take([0]), pair)[1]
    for pieces in parts.values():
        refuse_few([piece.clean for piece in pieces])
        pooled = [_pool(same) for same in zip(*(p.scored for p in pieces if p.scored), strict=True)]
        test = table.take(pooled[0].rows)
        scene = Scene(
            test=test,
            pair=pair,
            cost=costs_of(test, pair)[0],
            cost_unit=unit,
            dropped=sum(piece.clean.asked - len(piece.clean.rows) for piece in pieces),
            resamples=resamples,
        )
        scored += pooled
        rows += rows_of(pooled, scene)
    found = [note for pieces in parts.values() for piece in pieces for note in piece.notes]
    dropped = max(row.dropped_trained for row in rows)
    if dropped:
        found.append(f"{dropped} rows are not scored: a policy was trained on them or on the same question")
    return Replay(
        table=table,
        pair=pair,
        cost_unit=unit,
        scored=tuple(scored),
        rows=tuple(rows),
        notes=tuple(dict.fromkeys([*notes, *found])),
    )


def _pool(parts: Sequence[Scored]) -> Scored:
    """One policy's scores on several folds as one, in the order of the table."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    first = parts[0]
    reasoning = [part.p_reasoning for part in parts if part.p_reasoning is not None]
    expected = [part.expected_quality for part in parts if part.expected_quality is not None]
    return Scored(
        policy=first.policy,
        version=_versions([part.version for part in parts]),
        seed=first.seed,
        baseline=first.baseline,
        rows=rows[order],
        choice=np.concatenate([part.choice for part in parts])[order],
        score=np.concatenate([part.score for part in parts])[order],
        quality=np.concatenate([part.quality for part in parts])[order],
        cost=np.concatenate([part.cost for part in parts])[order],
        p_reasoning=np.concatenate(reasoning)[order] if reasoning else None,
        expected_quality=np.concatenate(expected)[order] if len(expected) == len(parts) else None,
        small_first=any(part.small_first for part in parts),
    )


def _versions(versions: Sequence[str]) -> str:
    """One version, or how many there are besides the first."""
    distinct = list(dict.fromkeys(versions))
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} and {len(distinct) - 1} more"


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    first = rows[0]
    found: dict[str, Any] = {
        "policy": first.policy,
        "version": _versions([row.version for row in rows]),
        "baseline": first.baseline,
        "seeds": len(rows),
        "n": round(float(np.mean([row.n for row in rows]))),
        "cost_unit": first.cost_unit,
        "interval": "seeds" if len(rows) > 1 else "prompts",
    }
    for name in SUMMARISED:
        values = [getattr(row, name) for row in rows]
        found |= _ends(name, values, first)
    models = dict.fromkeys(model for row in rows for model in row.shares)
    found["shares"] = {m: float(np.mean([row.shares.get(m, 0.0) for row in rows])) for m in models}
    found["dropped_trained"] = max(row.dropped_trained for row in rows)
    return found


def _ends(name: str, values: Sequence[float | None], first: Row) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    if len(known) == 1:
        ends = (getattr(first, f"{name}_low", None), getattr(first, f"{name}_high", None))
        return {name: known[0], f"{name}_low": ends[0], f"{name}_high": ends[1]}
    found = over_seeds(known)
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
