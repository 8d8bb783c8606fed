"""Lets a bandit play an outcome table once: row by row it chooses a model and sees the outcome of that one only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..router.arms import write_arms
from ..router.bandit import Arms, BanditPolicy
from ..router.load import load_inner
from .policy_card import write_card
from .recipes import Context, check_options
from .routed import subtasks_of
from .table import Floats, OutcomeTable, Pair, Rows

OPTIONS = ("exploration", "tradeoff", "spread", "seed", "policy")


def fit(train: OutcomeTable, /, *, context: Context) -> BanditPolicy:
    """A bandit among the models of `train` after one pass over its rows, in an order drawn from the seed.

    It goes on exploring when it is scored, as it would at work. Raises `UsageError` for an option it does not know.
    """
    options = dict(context.options)
    check_options("bandit", options, known=OPTIONS)
    policy = BanditPolicy(
        load_inner(options.pop("policy", "learned")),
        arms=arms_of(train, context.pair),
        seed=options.pop("seed", context.seed),
        **options,
    )
    play(policy, train, np.random.default_rng(context.seed).permutation(len(train)))
    return policy


def save(
    policy: BanditPolicy, out: Path, *, train: OutcomeTable, figures: Mapping[str, float], command: str
) -> Path:
    """Writes what it learned of the small and the large model as `bandit.npz`, the state of a bandit between the lanes
    `local` and `large`, and its card; returns the former."""
    lanes = policy.known.renamed({"local": policy.arms.small, "large": policy.arms.large})
    out.mkdir(parents=True, exist_ok=True)
    write_arms(lanes, out / "bandit.npz")
    write_card(
        out / "bandit.card.md",
        what="bandit",
        policy=policy,
        train=train,
        figures=figures,
        command=command,
        remark="It goes on learning and exploring: the state file changes with every lesson.",
    )
    return out / "bandit.npz"


def spelling(policy: BanditPolicy, weights: Path) -> str:
    """How `--policy` names the bandit in `weights`, with the prices it was trained at."""
    prices = {
        "local": policy.arms.prices.get(policy.arms.small, 0.0),
        "large": policy.arms.prices.get(policy.arms.large, 0.0),
    }
    told = ", ".join(f"{lane}: {price:g}" for lane, price in prices.items())
    return f"bandit:state={weights},prices={{{told}}}"


def arms_of(table: OutcomeTable, pair: Pair) -> Arms:
    """The models of a table. What they cost on average counts as known beforehand, as a price list is: the dearest is
    1. Without costs the large of two models costs 1, and more than two cost nothing."""
    prices = np.zeros(len(table.models))
    if table.cost is not None:
        prices = np.nan_to_num(np.nanmean(table.cost, axis=0)) if len(table) else prices
        prices = prices / max(float(prices.max()), 1e-300)
    elif len(table.models) == 2:
        prices[pair.large] = 1.0
    return Arms(
        names=table.models,
        prices=dict(zip(table.models, map(float, prices), strict=True)),
        small=table.models[pair.small],
        large=table.models[pair.large],
    )


def prices_of(arms: Arms) -> Floats:
    """The price of every arm, in order."""
    return np.array([arms.prices.get(name, 0.0) for name in arms.names])


def play(policy: BanditPolicy, table: OutcomeTable, order: Rows) -> Rows:
    """One online pass in this order; the column chosen in each round. A missing outcome teaches nothing."""
    columns = {name: column for column, name in enumerate(table.models)}
    subtasks = subtasks_of(table)
    choices = np.zeros(len(order), dtype=np.intp)
    for turn, row in enumerate(order):
        (decision,) = policy.decide([subtasks[row]])
        name = decision.model or decision.lane  # a model may bear a lane's name
        choices[turn] = column = columns[name]
        outcome = float(table.correct[row, column])
        if not np.isnan(outcome):
            policy.learn(subtasks[row], decision, reward=outcome)
    return choices
