from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab.verification_figures import auroc, run


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [([2, 3], [0, 1], 1.0), ([0], [1], 0.0), ([1, 1], [1], 0.5), ([1, 3], [2], 0.5), ([1, 2], [1, 0], 0.875)],
)
def test_auroc_counts_ties_half(positives: list[float], negatives: list[float], expected: float) -> None:
    assert auroc(positives, negatives) == expected


def test_absent_sets_are_skipped_by_name(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert report.figures == {}
    assert "xquad/xquad.en.json: skipped" in report.text


def test_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data DIR"):
        run(tmp_path / "nowhere")


def test_reference_solutions_are_recomputed(tmp_path: Path) -> None:
    (tmp_path / "gsm8k").mkdir()
    rows = [{"answer": "3 * 4 = 12\n12 + 1 = 13\n#### 13"}, {"answer": "2 + 2 = 5"}]
    (tmp_path / "gsm8k" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    figures = run(tmp_path).figures
    assert (figures["gsm8k_equations"], figures["gsm8k_called_wrong"]) == (3.0, 1 / 3)
