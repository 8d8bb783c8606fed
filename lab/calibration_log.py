"""The rows a threshold is calibrated on: what the small and the large model earn and cost, and the policy's score.

Rows that the policy was fitted or trained on are not among them.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from .. import UsageError
from ..router.cascade import NAME as CASCADE
from ..router.cascade import Cascade, inside
from ..router.load import load_inner, parse_policy
from ..router.policy import Policy
from ..router.threshold import Threshold
from ..router.wrapper import learner
from .contenders import recipe_of, refuse_stand_in
from .leakage import clean_rows, identities
from .recipes import Context, Recipe
from .risk_control import Outcomes
from .routed import confidences_of, route
from .splits import splits_of
from .table import Floats, OutcomeTable, Pair, costs_of, pair_of
from .table_train import TABLE_POLICIES

PAIR = Pair(small=0, large=1)
"""Of a table cut down to the two models."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationLog:
    """Independent rows in random order, and whose score they carry."""

    table: OutcomeTable
    """As given, fitted and left-out rows included."""
    small: str
    large: str
    outcomes: Outcomes
    measure: Literal["large_score", "confidence"]
    """A confidence is the score with its sign turned: the less sure, the sooner large."""
    cost_unit: str
    dropped_trained: int
    recipe: str
    """What was asked for, by name."""
    train: OutcomeTable
    """The labelled rows, none of them calibrated on."""
    fitted: Policy
    """The policy whose score it is."""
    policy: str
    version: str
    spec: str | None


def read_log(
    table: OutcomeTable,
    policy: str | Recipe | Policy,
    *,
    small: str | None = None,
    large: str | None = None,
    labels: float | None = None,
    seed: int = 0,
) -> CalibrationLog:
    """The log of `policy` on `table`: what needs labels is fitted on `labels` random rows, or that share of them, and
    these are left out. Raises `UsageError` where labels or, for a cascade, confidences are missing, and for a policy
    that goes on learning."""
    pair = pair_of(table, small=small, large=large)
    whole, table = table, table.only((table.models[pair.small], table.models[pair.large])).complete()
    asked = _asked(policy)
    if asked.recipe.needs_labels and labels is None:
        raise UsageError(
            f"policy {asked.recipe.name!r} is fitted on labelled rows; add --labels N to fit it on N of them and "
            "calibrate it on the rest, or give it trained weights"
        )
    split = splits_of(table, labels=labels, seeds=1 if labels is None else seed + 1)[-1]
    fitted = asked.recipe.fit(table.take(split.train), context=Context(pair=PAIR, seed=seed))
    while isinstance(fitted, (Threshold, Cascade)):
        asked = _Asked(recipe=asked.recipe, cascade=asked.cascade or isinstance(fitted, Cascade))
        fitted = fitted.inner
    refuse_stand_in(fitted)
    if learner(fitted) is not None:
        raise UsageError(
            f"policy {asked.recipe.name!r} goes on learning, and what is promised of its scores today would not hold "
            "after the next lesson; calibrate one that stays as it is, such as --policy capability --labels N"
        )
    rows = clean_rows(
        split.test, known=identities(table), labelled=split.train, policies=[(asked.recipe.name, fitted)]
    )
    # A seed's own order, from which the check draws its halves.
    order = np.random.default_rng(seed).permutation(rows)
    test = table.take(order)
    routed = route(fitted, test.take([0]) if asked.cascade else test, PAIR)
    first = routed.decisions[0]
    return CalibrationLog(
        table=whole,
        small=table.models[PAIR.small],
        large=table.models[PAIR.large],
        outcomes=cascade_outcomes(test) if asked.cascade else _outcomes(test, routed.score),
        measure="confidence" if asked.cascade else "large_score",
        cost_unit=costs_of(table, PAIR)[1],
        dropped_trained=len(split.test) - len(rows),
        recipe=asked.recipe.name,
        train=table.take(split.train),
        fitted=fitted,
        policy=CASCADE if asked.cascade else first.policy,
        version=inside(first) if asked.cascade else first.version,
        spec=asked.spec,
    )


def keep_policy(log: CalibrationLog, folder: Path, *, command: str) -> str:
    """What `load_policy` makes the log's policy from; one that was fitted just now is written into `folder` for
    it, and keeps the options it was asked for with.

    Raises `UsageError` where it is of no kind that can be written.
    """
    if log.spec is not None:
        return log.spec
    name, _, options = log.recipe.partition(":")
    if name not in TABLE_POLICIES:
        raise UsageError(
            f"a calibration of {log.recipe!r} could not be used: the policy is not kept when the command ends; train "
            "it to a file first and calibrate it with --policy NAME:weights=FILE, on other rows"
        )
    module = importlib.import_module(f".{name}_fit", __package__)
    weights: Path = module.save(log.fitted, folder.absolute(), train=log.train, figures={}, command=command)
    spelling = getattr(module, "spelling", None)
    spelt = spelling(log.fitted, weights) if spelling else f"{name}:weights={weights}"
    return f"{spelt},{options}" if options else spelt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is to be calibrated."""

    recipe: Recipe
    """Of the policy inside, where a cascade or a threshold was named."""
    cascade: bool = False
    spec: str | None = None


def _asked(policy: str | Recipe | Policy) -> _Asked:
    """A cascade or threshold by name is the policy it stands around: its own threshold is what is looked for."""
    if not isinstance(policy, str):
        return _Asked(recipe=recipe_of(policy))
    name, options = parse_policy(policy)
    if name not in (CASCADE, "threshold"):
        recipe = recipe_of(policy)
        return _Asked(recipe=recipe, spec=None if recipe.needs_labels else policy)
    inner = options.get("policy", "learned")
    spec = inner.replace(";", ",") if isinstance(inner, str) else None
    recipe = recipe_of(spec or load_inner(inner))
    return _Asked(recipe=recipe, cascade=name == CASCADE, spec=None if recipe.needs_labels else spec)


def cascade_outcomes(test: OutcomeTable) -> Outcomes:
    """Of a table of the two models: the small one is asked first and paid for everywhere."""
    found = _outcomes(test, -confidences_of(test, PAIR))
    return replace(found, large_cost=found.large_cost + found.small_cost)


def _outcomes(test: OutcomeTable, score: Floats) -> Outcomes:
    cost, _ = costs_of(test, PAIR)
    return Outcomes(
        score=score,
        small=test.correct[:, PAIR.small],
        large=test.correct[:, PAIR.large],
        small_cost=cost[:, PAIR.small],
        large_cost=cost[:, PAIR.large],
    )
