from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.bandit_simulation import PLAYERS, Simulation, draw_regret, run, simulate
from pilotfish.lab.bench import find_bench
from pilotfish.lab.table import OutcomeTable


@pytest.fixture(scope="module")
def table() -> OutcomeTable:
    """Ships for the small model, planes for the large, as one in ten is not."""
    random = np.random.default_rng(0)
    ships = random.random(300) < 0.5
    correct = np.column_stack([ships, ~ships]) ^ (random.random((300, 1)) < 0.1)
    return OutcomeTable(
        name="t",
        ids=tuple(map(str, range(300))),
        prompts=tuple(f"{'ship' if ship else 'plane'} {i}" for i, ship in enumerate(ships)),
        groups=None,
        models=("tiny", "huge"),
        correct=correct.astype(float),
    )


@pytest.fixture(scope="module")
def simulation(table: OutcomeTable) -> Simulation:
    return simulate(table, seeds=2, tradeoff=0.1)


def test_where_it_pays_to_look_the_bandit_beats_the_best_fixed_model_and_chance(
    simulation: Simulation,
) -> None:
    lost = {player: simulation.per_thousand(player).mean for player in PLAYERS}
    assert lost["bandit"] < 0 < lost["uniform"] + 1000 * simulation.worth
    assert lost["bandit"] < lost["uniform"]
    assert simulation.per_thousand("bandit", last=True).mean < lost["bandit"], "it gets better as it learns"


def test_nobody_beats_the_linear_policy_that_saw_everything(simulation: Simulation) -> None:
    assert all(simulation.per_thousand(player, linear=True).low > -50 for player in PLAYERS)
    assert simulation.oracle.shape == (2, 300)
    assert simulation.oracle[:, -1] == pytest.approx(simulation.oracle[0, -1]), "whatever the order"


def test_regret_is_reward_forgone_and_priced(simulation: Simulation, table: OutcomeTable) -> None:
    worth = table.correct - [0.0, 0.1]
    assert simulation.worth == pytest.approx(worth.mean(axis=0).max())
    assert simulation.best == table.models[worth.mean(axis=0).argmax()]


def test_a_table_with_holes_is_refused(table: OutcomeTable) -> None:
    holes = table.correct.copy()
    holes[3, 1] = np.nan
    with pytest.raises(UsageError, match="'t' lacks outcomes"):
        simulate(replace(table, correct=holes), seeds=2)


def test_the_plot_has_a_line_for_every_player_and_the_bound(simulation: Simulation) -> None:
    pytest.importorskip("matplotlib")
    figure = draw_regret({"t": simulation})
    (axes,) = figure.axes
    labels = [line.get_label() for line in axes.get_lines()]
    assert [*PLAYERS, "best linear in hindsight"] == labels[: len(PLAYERS) + 1]
    assert "0 is always" in axes.get_xlabel()


def test_the_bench_goes_by_its_name_and_asks_for_the_data() -> None:
    assert find_bench("bandit") is run
    with pytest.raises(UsageError, match="pass --data DIR"):
        run(None)


def test_the_bench_reports_figures_and_a_table_for_both_sources(tmp_path: Path) -> None:
    (tmp_path / "routellm" / "mmlu").mkdir(parents=True)
    rows = [f"question {i},{bool(i % 3)},{bool(i % 5)}" for i in range(24)]
    text = "\n".join(["prompt,mixtral,gpt-4", *rows])
    (tmp_path / "routellm" / "mmlu" / "mmlu_law.csv").write_text(text)
    (tmp_path / "llmrouter").mkdir()
    scores = [{"question": f"question {i}", "scores": {"a": i % 2, "b": 1, "c": 0}} for i in range(24)]
    (tmp_path / "llmrouter" / "train.json").write_text(json.dumps(scores))
    report = run(tmp_path)
    assert report.figures["llmrouter_best_fixed_worth"] == 1.0
    assert (
        report.figures["llmrouter_uniform_regret_per_1000"]
        > report.figures["llmrouter_bandit_regret_per_1000"]
        > 0
    )
    low, high = (report.figures[f"mmlu_bandit_regret_per_1000_{end}"] for end in ("low", "high"))
    assert low <= report.figures["mmlu_bandit_regret_per_1000"] <= high
    assert "| epsilon-greedy |" in report.text
    assert "best fixed is b, worth 1.000 a round" in report.text
