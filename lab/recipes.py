"""Recipes: how the lab comes to a policy for an outcome table, by fitting it on labelled rows where it needs them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .. import UsageError
from ..router.load import load_policy, parse_policy, shipped_policies
from ..router.options import check_values
from ..router.policy import Policy
from .table import OutcomeTable, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a recipe may use besides the labelled rows."""

    pair: Pair
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the policy from the command line, such as `k` or `weights`."""


class Fit(Protocol):
    """Makes a policy from the labelled rows of `train`, of which nothing is scored afterwards."""

    def __call__(self, train: OutcomeTable, /, *, context: Context) -> Policy:
        """The fitted policy; the same rows and seed give the same."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A contender of an experiment."""

    name: str
    needs_labels: bool
    fit: Fit
    """Called with an empty table when no labels are needed."""


_FITS: Mapping[str, str] = {
    "bandit": "bandit_fit",
    "capability": "capability_fit",
    "cascade": "cascade_fit",
    "knn": "knn_fit",
}
"""Policies that are fitted on a table, to the module of this folder whose function `fit` does it."""

_READY = frozenset(("weights", "exemplars", "calibration", "min_confidence", "state"))
"""Options that bring what would else be fitted."""


def check_options(name: str, options: Mapping[str, Any], *, known: Sequence[str]) -> None:
    """Refuses options that policy `name` does not take when it is fitted, and values that will not do."""
    unknown = [option for option in options if option not in known]
    if unknown:
        takes = ", ".join(known)
        raise UsageError(f"policy {name!r} fitted on a table has no option {unknown[0]!r}; it takes {takes}")
    check_values(name, shipped_policies()[name].make, options, strict=True)


def find_recipe(text: str) -> Recipe:
    """The recipe for `NAME` or `NAME:option=value,…`, as given to `--policy`.

    A policy that was given trained `weights` or labelled `exemplars` is loaded and not fitted. Raises `UsageError` as
    `load_policy` does.
    """
    name, options = parse_policy(text)
    if name in _FITS and not _READY & options.keys():
        module = _FITS[name]

        def fit(train: OutcomeTable, /, *, context: Context) -> Policy:
            found = importlib.import_module(f".{module}", __package__)
            return found.fit(train, context=replace(context, options=options))

        return Recipe(name=text, needs_labels=True, fit=fit)

    def load(_: OutcomeTable, /, *, context: Context) -> Policy:  # noqa: ARG001 - the same for every seed
        return load_policy(name, **options)

    return Recipe(name=text, needs_labels=False, fit=load)
