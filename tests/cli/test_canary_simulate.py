from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

KEYS = {
    "false_rollback", "peeked_z_test", "promoted_3pt_worse", "promoted_equal", "error_guard_calls", "assumptions",
    *(f"detect_{drop}pt_ramp_requests" for drop in (5, 10, 20)),
    *(f"detect_{drop}pt_shadow_pairs" for drop in (5, 10, 20)),
    *(f"exposure_{drop}pt" for drop in (5, 10, 20)),
}  # fmt: skip


def test_json_has_the_figures_and_what_was_assumed(command: Any) -> None:
    outcome = command("canary", "simulate", "--runs", "1", "--jobs", "1", "--seed", "5", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert set(outcome.data) >= KEYS
    assert outcome.data["assumptions"] == {
        "runs": 1,
        "seed": 5,
        "baseline": 0.9,
        "correlation": 0.5,
        "share": 0.1,
    }


def test_people_see_the_references_beside_and_a_picture(command: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "canary.png"
    outcome = command("canary", "simulate", "--runs", "1", "--jobs", "1", "--plot", str(picture))
    assert outcome.code == 0
    assert "reference" in outcome.out
    assert "3,750" in outcome.out
    assert "ended for want of proof" in outcome.out
    assert "≤ 5.0 %" in outcome.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [picture]


def test_other_pass_rates_are_told_beside(command: Any) -> None:
    outcome = command("canary", "simulate", "--runs", "1", "--jobs", "1", "--sensitivity", "--json")
    rows = outcome.data["sensitivity"]
    assert {(row["baseline"], row["correlation"]) for row in rows} == {
        (baseline, correlation) for baseline in (0.8, 0.9, 0.95) for correlation in (0.3, 0.5, 0.7)
    }
    assert all("detect_10pt_shadow_pairs" in row for row in rows)


def test_a_rate_that_cannot_be_is_a_wrong_command(command: Any) -> None:
    outcome = command("canary", "simulate", "--baseline", "1.5", "--json")
    assert outcome.code == 2
    assert "baseline 1.5" in outcome.data["error"]["message"]
