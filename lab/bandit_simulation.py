"""`pilotfish lab bench bandit`: how much reward the bandit forgoes while it learns, on tables that know every outcome.

Regret is against the best fixed model in hindsight, and against the best linear policy on the same features, fitted
on all outcomes of all rows: a bound that no online policy reaches. Beside it play greedy with the same floor of
exploration, and chance; all see only the outcome of what they chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..router.bandit import BUCKETS, BanditPolicy
from ..router.hashed import vector
from ..router.load import load_policy
from ..router.policy import Decision
from ..router.subtask import Subtask
from .bandit_fit import arms_of, play, prices_of
from .bench import Report
from .importers import load_table
from .intervals import Interval, over_seeds
from .routed import decide, subtasks_of
from .table import Floats, OutcomeTable, Rows, pair_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS = 5
PLAYERS: Mapping[str, Mapping[str, Any]] = {
    "bandit": {},
    "epsilon-greedy": {"spread": 0.0},
    "uniform": {"exploration": 1.0},
}
"""Player to its options; the first is the policy as shipped."""
TABLES: Mapping[str, tuple[str, str]] = {
    "mmlu": ("routellm/mmlu", "RouteLLM MMLU, 2 models, a large call costs 0.1"),
    "llmrouter": ("llmrouter/train.json", "LLMRouter, 9 models, no prices"),
}
"""Key to the path under the data folder and a title."""
TRADEOFF = 0.1
_THOUSAND = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation:
    """Regret against the best fixed model, summed up round by round, of shape (seeds, rounds) for each player."""

    name: str
    best: str
    """The best fixed model, by reward less price."""
    worth: float
    """Its mean reward less price."""
    regret: Mapping[str, Floats]
    oracle: Floats
    """The same of the best linear policy in hindsight, which falls."""

    def per_thousand(self, player: str, *, last: bool = False, linear: bool = False) -> Interval:
        """Regret per 1,000 rounds with its interval over seeds; `last` of the last quarter of the rounds only,
        `linear` against the linear policy."""
        summed = self.regret[player] - self.oracle if linear else self.regret[player]
        rounds = summed.shape[1]
        start = 3 * rounds // 4 if last else 0
        lost = summed[:, -1] - (summed[:, start - 1] if start else 0.0)
        return over_seeds(list(lost * _THOUSAND / (rounds - start)))


def run(data: Path | None) -> Report:
    """Plays RouteLLM's MMLU and LLMRouter. Raises `UsageError` when `data` is not given or lacks them."""
    if data is None:
        raise UsageError(
            "the bandit bench needs the public outcome tables; pass --data DIR (see docs/data.md)"
        )
    simulations = {key: simulate(load_table(data / path)) for key, (path, _) in TABLES.items()}
    figures: dict[str, float] = {}
    for key, simulation in simulations.items():
        figures[f"{key}_best_fixed_worth"] = simulation.worth
        for player in PLAYERS:
            name = f"{key}_{player.replace('-', '_')}"
            whole = simulation.per_thousand(player)
            figures[f"{name}_regret_per_1000"] = whole.mean
            figures[f"{name}_regret_per_1000_low"] = whole.low
            figures[f"{name}_regret_per_1000_high"] = whole.high
            figures[f"{name}_regret_per_1000_last_quarter"] = simulation.per_thousand(player, last=True).mean
            linear = simulation.per_thousand(player, linear=True)
            figures[f"{name}_linear_regret_per_1000"] = linear.mean
    return Report(figures=figures, text=_text(simulations))


def simulate(table: OutcomeTable, *, seeds: int = SEEDS, tradeoff: float = TRADEOFF) -> Simulation:
    """Every player on every row once, in an order drawn from each seed.

    Raises `UsageError` for a table with missing outcomes, on which regret is not known.
    """
    if np.isnan(table.correct).any():
        raise UsageError(f"table {table.name!r} lacks outcomes; regret needs every model's on every row")
    arms = arms_of(table, pair_of(table))
    worth = table.correct - tradeoff * prices_of(arms)
    best = int(worth.mean(axis=0).argmax())
    kinds = _Told(table)
    linear = np.take_along_axis(worth, _linear(table, worth, kinds)[:, None], axis=1)[:, 0]
    orders = [np.random.default_rng(seed).permutation(len(table)) for seed in range(seeds)]
    regret: dict[str, Floats] = {}
    for player, options in PLAYERS.items():
        lost: list[Floats] = []
        for seed, order in enumerate(orders):
            policy = BanditPolicy(kinds, arms=arms, tradeoff=tradeoff, seed=seed, **options)
            choices = play(policy, table, order)
            lost.append(np.cumsum(worth[order, best] - worth[order, choices]))
        regret[player] = np.array(lost)
    return Simulation(
        name=table.name,
        best=table.models[best],
        worth=float(worth[:, best].mean()),
        regret=regret,
        oracle=np.array([np.cumsum(worth[order, best] - linear[order]) for order in orders]),
    )


class _Told:
    """The `learned` policy's decisions on a table, made once and told by row."""

    def __init__(self, table: OutcomeTable) -> None:
        subtasks = subtasks_of(table)
        decisions = decide(load_policy("learned"), subtasks)
        self._by_id = {s.id: decision for s, decision in zip(subtasks, decisions, strict=True)}

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        return [self._by_id[subtask.id] for subtask in subtasks]


def _linear(table: OutcomeTable, worth: Floats, kinds: _Told) -> Rows:
    """Columns that ridge regressions of every model's outcomes on the bandit's features would choose."""
    subtasks = subtasks_of(table)
    x = np.array(
        [
            vector(subtask.text, p_reasoning=decision.p_reasoning, buckets=BUCKETS)
            for subtask, decision in zip(subtasks, kinds.decide(subtasks), strict=True)
        ]
    )
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ worth)
    return np.argmax(x @ weights, axis=1)


def draw_regret(simulations: Mapping[str, Simulation]) -> Figure:
    """Regret against the best fixed model by rounds, a panel per table: mean over seeds and its range.

    Raises `UsageError` where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the plot needs matplotlib; install it with: pip install 'pilotfish[plots,lab]'"
        ) from error
    from .plots import GRID, INK, MUTED, SERIES

    figure = Figure(figsize=(5.2 * len(simulations), 3.9), layout="constrained")
    panels = figure.subplots(1, len(simulations), squeeze=False)[0]
    for axes, (key, simulation) in zip(panels, simulations.items(), strict=True):
        lines = {**simulation.regret, "best linear in hindsight": simulation.oracle}
        for colour, (name, regret) in zip((*SERIES[:3], MUTED), lines.items(), strict=True):
            rounds = np.arange(1, regret.shape[1] + 1)
            axes.plot(rounds, regret.mean(axis=0), color=colour, linewidth=1.6, label=name)
            axes.fill_between(
                rounds, regret.min(axis=0), regret.max(axis=0), color=colour, alpha=0.15, linewidth=0
            )
        axes.axhline(0.0, color=INK, linewidth=0.9)
        _frame(axes, simulation, title=TABLES[key][1] if key in TABLES else simulation.name, grid=GRID)
    panels[0].set_ylabel("reward forgone so far")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    return figure


def _frame(axes: Any, simulation: Simulation, *, title: str, grid: str) -> None:
    shown = max(
        float(np.max(regret[:, -1])) for name, regret in simulation.regret.items() if name != "uniform"
    )
    low = float(simulation.oracle.min())
    # Chance is cut off: its slope is seen, and the others would be a line on the axis beside its end.
    axes.set_ylim(1.15 * low, max(3.0 * shown, -0.6 * low))
    axes.set_xlim(0, simulation.oracle.shape[1])
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(f"rounds; 0 is always {simulation.best.rpartition('/')[2]}")
    axes.grid(color=grid, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _text(simulations: Mapping[str, Simulation]) -> str:
    lines = [
        "Reward less price forgone per 1,000 rounds against the best fixed model (below 0: better than it), mean over "
        f"{SEEDS} seeds with its 95 % interval; in the last quarter of the rounds; and against the best linear policy "
        "in hindsight.",
    ]
    for key, simulation in simulations.items():
        lines += [
            "",
            f"**{TABLES[key][1]}**: best fixed is {simulation.best}, worth {simulation.worth:.3f} a round.",
            "",
            "| player | per 1,000 rounds | last quarter | against best linear |",
            "|---|---|---|---|",
        ]
        for player in PLAYERS:
            whole, last = simulation.per_thousand(player), simulation.per_thousand(player, last=True)
            linear = simulation.per_thousand(player, linear=True)
            lines.append(
                f"| {player} | {whole.mean:.1f} ({whole.low:.1f} to {whole.high:.1f}) | {last.mean:.1f} "
                f"({last.low:.1f} to {last.high:.1f}) | {linear.mean:.1f} |"
            )
        rounds = simulation.oracle.shape[1]
        lines.append(
            f"| best linear in hindsight | {float(simulation.oracle[:, -1].mean()) * _THOUSAND / rounds:.1f} | | 0 |"
        )
    return "\n".join(lines)
