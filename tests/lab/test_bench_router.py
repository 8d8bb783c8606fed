from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab.bench_router import leave_one_out, run, step_figures
from pilotfish.lab.router_data import Row
from pilotfish.router.load import load_policy

STEPS = [
    Row(text="Is #1 greater than #2?", label=1, dataset="strategyqa", split="test"),
    Row(text="Who wrote #1?", label=0, dataset="strategyqa", split="test"),
]


def test_without_data_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data DIR"):
        run(None)
    with pytest.raises(UsageError, match="no question set"):
        run(tmp_path)


def test_step_figures_of_the_shipped_policy() -> None:
    figures = step_figures(load_policy("learned"), STEPS)
    assert figures["strategyqa_accuracy"] == figures["strategyqa_f1"] == 1.0
    assert 0.0 <= figures["ece"] <= 1.0


def test_a_set_its_twins_and_its_imitations_are_left_out_of_its_own_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pilotfish.lab import bench_router

    seen: list[list[str]] = []
    real = bench_router.examples_of
    monkeypatch.setattr(
        bench_router, "examples_of", lambda rows: seen.append([row.text for row in rows]) or real(rows)
    )
    rows = [
        *(Row(text=f"who owns town {n}", label=0, dataset="nq") for n in range(8)),
        *(Row(text=f"Add {n} and #{n}.", label=1, dataset="gsm8k") for n in range(8)),
        *(Row(text=f"who ran ship {n}", label=0, dataset="hotpotqa", twins=("nq",)) for n in range(8)),
    ]
    exemplars = [
        Row(text="who is #1", label=0, dataset="exemplars"),
        Row(text="who owns it", label=0, dataset="exemplars", twins=("nq",)),
    ]
    figures = leave_one_out(rows, exemplars, sets=("nq",))
    [texts] = seen
    assert not any(text.startswith(("who owns", "who ran")) for text in texts)
    assert "who is #1" in texts
    assert figures["lodo_mean"] == figures["lodo_min"] == figures["lodo_nq"]


def test_the_strict_figure_of_break_leaves_its_operators_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from pilotfish.lab import bench_router

    seen: list[list[str]] = []
    real = bench_router.examples_of
    monkeypatch.setattr(
        bench_router, "examples_of", lambda rows: seen.append([row.text for row in rows]) or real(rows)
    )
    rows = [
        *(Row(text=f"return number of #{n}", label=1, dataset="break") for n in range(8)),
        *(Row(text=f"who owns town {n}", label=0, dataset="nq") for n in range(9)),
        *(Row(text=f"who sold ship {n}", label=0, dataset="xquad") for n in range(9)),
        *(Row(text=f"Add {n} and #{n}.", label=1, dataset="gsm8k") for n in range(9)),
    ]
    counting = Row(text="Count #1.", label=1, dataset="exemplars", twins=("break-operators",))
    figures = leave_one_out(rows, [counting], sets=("break", "nq"))
    assert ["Count #1." in texts for texts in seen] == [True, True, False]
    assert figures["lodo_mean_strict"] == pytest.approx(
        (figures["lodo_break_strict"] + figures["lodo_nq"]) / 2
    )
    assert figures["lodo_min_strict"] == min(figures["lodo_break_strict"], figures["lodo_nq"])
