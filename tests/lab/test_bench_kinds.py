from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab import bench_kinds
from pilotfish.lab.bench_kinds import (
    LARGE,
    SHARE,
    SMALL,
    Contender,
    mmlu_exemplars,
    pair_figures,
    run,
    surest,
    unseen,
)
from pilotfish.lab.importers import load_table
from pilotfish.lab.kind_ceiling import fitted_gains
from pilotfish.lab.kind_pairs import pair_grid
from pilotfish.lab.table import OutcomeTable
from pilotfish.router.blend import Blend
from pilotfish.router.exemplars import Exemplar
from pilotfish.router.knn import load_knn
from pilotfish.testing.embedder import FakeEmbedder

pytest.importorskip("matplotlib")

EMBEDDER = FakeEmbedder(dimension=128)
OTHER = "other-model"


def question(number: int) -> str:
    if number % 2:
        return (
            f"A crate holds {number} kg of tea and {number + 3} kg of rice; how heavy are three such crates?"
        )
    return f"Which official governed the free harbour town called number {number} in the old times?"


def right(model: str, number: int) -> str:
    """The small model can do sums, the large one knows towns, the third has gaps."""
    if model == OTHER:
        return "" if number < 3 else "0"
    return str(int(bool(number % 2) == (model == SMALL)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of our own writing, in the form of the public files."""
    text = io.StringIO()
    writer = csv.writer(text)
    models = (SMALL, LARGE, OTHER)
    writer.writerow(
        ["question_id", "category", "question", "options", "answer", *(f"{m}|correct" for m in models)]
    )
    for n in range(60):
        category = "physics" if n % 2 else "history"
        writer.writerow([n, category, question(n), "3 | 4 | 5", "A", *(right(m, n) for m in models)])
    (tmp_path / "mmlu_pro").mkdir()
    (tmp_path / "mmlu_pro" / "outcomes.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    mmlu = tmp_path / "routellm" / "mmlu"
    mmlu.mkdir(parents=True)
    for subject, odd in (("college_physics", 1), ("prehistory", 0)):
        with (mmlu / f"mmlu_{subject}.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["prompt", "a-model"])
            for n in range(50 + odd, 140, 2):
                writer.writerow([f"{question(n)}\nA. 1\nB. 2\nAnswer:", "True"])
    return tmp_path


def test_questions_that_are_scored_are_no_exemplars(data: Path) -> None:
    found = mmlu_exemplars(data)
    assert len(found) == 80, "of 90, the ten that the outcomes ask too are left out"
    assert {e.kind for e in found if e.route == "college_physics"} == {"reasoning"}
    assert {e.kind for e in found if e.route == "prehistory"} == {"knowledge"}


def test_a_policy_that_saw_the_table_is_refused(data: Path) -> None:
    table = load_table(data / "mmlu_pro" / "outcomes.csv.gz")
    policy = load_knn(
        exemplars=[
            Exemplar(text=question(3), kind="reasoning", route="a"),
            Exemplar(text="b", kind="knowledge", route="b"),
        ],
        embedder=EMBEDDER,
    )
    with pytest.raises(UsageError, match="trained on 1 prompts"):
        unseen(policy, table)
    with pytest.raises(UsageError, match="trained on 1 prompts"):
        unseen(Blend(policy, policy), table)


def test_the_whole_bench_routes_sums_to_the_small_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_kinds, "_embedder", lambda: (EMBEDDER, []))
    picture = tmp_path / "out" / "heat.png"
    report = run(data, picture=picture)
    figures = report.figures
    assert figures["gold_quality"] == figures["oracle_quality"] == 1.0
    assert figures["knn_quality"] > 0.9
    assert figures["blend_at_57_large_share"] == pytest.approx(SHARE, abs=0.01)
    assert figures["ceiling_quality"] > 0.9
    assert figures["large_over_large_low"] == figures["large_over_large_high"] == 0.0
    assert figures["knn_over_random_low"] > 0.0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in picture.with_suffix(".svg").read_text()
    assert sorted(file.name for file in picture.parent.iterdir()) == ["heat.png", "heat.svg"]
    assert "| gold categories | 100.0" in report.text
    assert "about twenty variants were scored on MMLU-Pro" in report.text


def test_without_an_embedder_learned_is_measured_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTFISH_HOME", str(tmp_path / "home"))
    report = run(data)
    assert "knn_quality" not in report.figures
    assert 0.0 < report.figures["learned_at_57_quality"] < 1.0
    assert "pilotfish models pull minilm-l6" in report.text
    assert (tmp_path / "home" / "lab" / "kinds-heatmap.png").is_file()


@pytest.mark.parametrize("folder", [None, Path("/nowhere")])
def test_without_the_outcomes_it_says_what_is_needed(folder: Path | None) -> None:
    with pytest.raises(UsageError, match="mmlu_pro/outcomes"):
        run(folder)


def test_the_surest_leave_the_share_to_the_large_model() -> None:
    p = np.linspace(0.0, 1.0, 100)
    assert surest(p).sum() == 100 - round(100 * SHARE)
    assert p[surest(p)].min() > p[~surest(p)].max()


def test_intervals_hold_the_figure_and_are_of_differences() -> None:
    rng = np.random.default_rng(0)
    correct = (rng.random((400, 2)) < (0.4, 0.6)).astype(np.float64)
    pair = OutcomeTable(
        name="t", ids=("0",) * 400, prompts=("",) * 400, groups=None, models=("s", "l"), correct=correct
    )
    large = np.ones(400)
    large[:100] = 0.0
    figures = pair_figures(pair, [Contender(name="x", key="x", large=large)])
    assert figures["x_quality_low"] < figures["x_quality"] < figures["x_quality_high"]
    assert figures["x_over_large"] == pytest.approx((correct[:100, 0] - correct[:100, 1]).sum() / 400)
    assert "x_over_gold" not in figures


def test_the_grid_is_exact_about_where_the_gain_comes_from() -> None:
    rng = np.random.default_rng(1)
    reasoning = np.arange(300) % 3 == 0
    correct = (rng.random((300, 3)) < (0.3, 0.5, 0.7)).astype(np.float64)
    correct[:20, 2] = np.nan
    table = OutcomeTable(
        name="t",
        ids=("0",) * 300,
        prompts=("",) * 300,
        groups=None,
        models=("a", "b", "c"),
        correct=correct,
    )
    grid = pair_grid(table, reasoning, resamples=200)
    assert grid.models == ("a", "b", "c")
    assert len(grid.pairs()) == 3
    hybrid = np.where(reasoning, correct[:, 0], correct[:, 1])
    assert grid.over_large[0, 1] == pytest.approx(hybrid.mean() - correct[:, 1].mean())
    both = ~np.isnan(correct[:, 2])
    hybrid = np.where(reasoning, correct[:, 1], correct[:, 2])[both]
    assert grid.over_large[1, 2] == pytest.approx(hybrid.mean() - correct[both, 2].mean())
    share = reasoning[both].mean()
    chance = share * correct[both, 1].mean() + (1 - share) * correct[both, 2].mean()
    assert grid.over_random[1, 2] == pytest.approx(hybrid.mean() - chance)
    cells = ~np.isnan(grid.gap)
    assert (grid.over_large_low[cells] <= grid.over_large[cells]).all()
    assert np.isnan(grid.over_large[1, 0])


def test_the_ceiling_never_sees_the_row_it_speaks_of() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((200, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    noise = rng.choice([-1.0, 1.0], size=200)
    groups = ("a",) * 200
    assert abs(np.corrcoef(fitted_gains(vectors, groups, noise), noise)[0, 1]) < 0.25
    assert np.corrcoef(fitted_gains(vectors, groups, vectors[:, 0]), vectors[:, 0])[0, 1] > 0.9
