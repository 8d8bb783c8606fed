"""The policies of a replay: fitted once per division of the rows, or once for all where they need no labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..router.llm import LlmPolicy
from ..router.policy import Decision, Policy
from ..router.wrapper import Wrapper, decides_by_run
from .recipes import Context, Recipe, find_recipe
from .routed import Routed, route
from .scored import Scored
from .splits import Split
from .table import Floats, OutcomeTable, Pair, Rows, costs_of

Progress = Callable[[int, int, str], None]
"""Told how many steps are done, of how many, and what comes next."""


def recipe_of(policy: str | Recipe | Policy) -> Recipe:
    """The recipe of a name, of a recipe itself, or of a policy that is ready."""
    if isinstance(policy, str):
        return find_recipe(policy)
    if isinstance(policy, Recipe):
        return policy
    ready = policy

    def given(_: OutcomeTable, /, *, context: Context) -> Policy:  # noqa: ARG001 - the same for every seed
        return ready

    return Recipe(name=repr(ready), needs_labels=False, fit=given)


def refuse_stand_in(policy: Policy) -> None:
    """Raises `UnavailableError`, with the remedy, where a policy's model is missing: what it falls back to would be
    taken for the policy."""
    inmost = policy
    while isinstance(inmost, Wrapper):
        inmost = inmost.inner
    if isinstance(inmost, LlmPolicy):
        inmost.model.resolve()


class Contenders:
    """The policies of one replay of `table`.

    Those that need no labels are made once and, unless they decide by the whole run, decide on every prompt once: a
    policy is pure, so its decisions do not depend on the division of the rows.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        table: OutcomeTable,
        pair: Pair,
        *,
        progress: Progress | None,
        steps: int,
        folded: bool = False,
    ) -> None:
        self._recipes = recipes
        self._table = table
        self._pair = pair
        self._progress = progress
        self._steps = steps
        self._folded = folded
        self._done = 0
        self._ready: dict[str, Policy] = {}
        self._routed: dict[str, Routed] = {}

    def fit(self, split: Split) -> list[tuple[str, Policy]]:
        """Every policy for one division, by name."""
        train = self._table.take(split.train)
        return [(recipe.name, self._fit(recipe, train, split.seed)) for recipe in self._recipes]

    def score(self, name: str, policy: Policy, rows: Rows, *, seed: int) -> Scored:
        """What a policy earns on these rows."""
        routed = self._route(name, policy, rows)
        correct, (cost, _) = self._table.correct[rows], costs_of(self._table.take(rows), self._pair)
        place = np.arange(len(rows))
        return Scored(
            policy=name,
            version=routed.decisions[0].version,
            seed=seed,
            baseline=False,
            rows=rows,
            choice=routed.choice,
            score=routed.score,
            quality=correct[place, routed.choice],
            cost=routed.paid(cost, self._pair),
            p_reasoning=np.array([decision.p_reasoning for decision in routed.decisions]),
            expected_quality=_expected(routed.decisions),
            small_first=routed.small_first is not None,
        )

    def _fit(self, recipe: Recipe, train: OutcomeTable, seed: int) -> Policy:
        if self._progress is not None:
            self._progress(self._done, self._steps, f"{recipe.name}, seed {seed}")
        self._done += 1
        if recipe.name in self._ready:
            return self._ready[recipe.name]
        policy = recipe.fit(train, context=Context(pair=self._pair, seed=seed))
        refuse_stand_in(policy)
        if self._folded and decides_by_run(policy):
            raise UsageError(
                f"policy {recipe.name!r} decides by the whole run, and every fold would be a run, with a budget of its "
                "own; leave out --folds, or give --labels N where another policy needs labelled rows"
            )
        if not recipe.needs_labels:
            self._ready[recipe.name] = policy
        return policy

    def _route(self, name: str, policy: Policy, rows: Rows) -> Routed:
        if name not in self._ready or decides_by_run(policy):
            return _finite(name, route(policy, self._table.take(rows), self._pair))
        if name not in self._routed:
            self._routed[name] = _finite(name, route(policy, self._table, self._pair))
        return _taken(self._routed[name], rows)


def _taken(routed: Routed, rows: NDArray[np.intp]) -> Routed:
    return Routed(
        choice=routed.choice[rows],
        score=routed.score[rows],
        decisions=tuple(routed.decisions[row] for row in rows),
        small_first=None if routed.small_first is None else routed.small_first[rows],
    )


def _finite(name: str, routed: Routed) -> Routed:
    wrong = np.flatnonzero(~np.isfinite(routed.score))
    if len(wrong):
        raise UsageError(
            f"policy {name!r} gave prompt {wrong[0] + 1} the score {float(routed.score[wrong[0]])!r}, by which prompts "
            "cannot be ordered; a decision's large_gain and p_reasoning are finite numbers"
        )
    return routed


def _expected(decisions: Sequence[Decision]) -> Floats | None:
    found = [decision.expected_quality for decision in decisions]
    known = [quality for quality in found if quality is not None]
    return np.array(known) if len(known) == len(found) else None
