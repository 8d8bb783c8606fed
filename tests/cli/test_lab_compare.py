from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def table(tmp_path: Path) -> str:
    """300 questions; `huge` is right on all, `tiny` on every other."""
    lines = ["id,prompt,group,tiny|correct,huge|correct"]
    lines += [f"q{n},What is {n} plus {n * 3}?,{'odd' if n % 2 else 'even'},{n % 2},1" for n in range(300)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_json_answers_the_question(command: Any, table: str) -> None:
    arguments = ("always-local", "always-large", "--table", table, "--resamples", "200", "--json")
    outcome = command("lab", "compare", *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    data = outcome.data
    assert data["verdict"].startswith("‘always-large’ is better than ‘always-local’ by 50.0 points (95 % 4")
    assert data["quality"]["mean"] == pytest.approx(0.5)
    assert data["quality"]["p_better"] == 1.0
    assert {"by", "name", "quality", "p_adjusted", "certain"} <= set(data["slices"][0])
    certain = {part["name"]: part["certain"] for part in data["slices"] if part["by"] == "group"}
    assert certain == {"even": True, "odd": False}
    assert (
        data["command"] == f"pilotfish lab compare always-local always-large --table {table} --resamples 200"
    )
    assert {"commit", "version", "data_hash"} <= set(data)


def test_people_read_the_verdict_first(command: Any, table: str) -> None:
    outcome = command("lab", "compare", "rules", "random:seed=2", "--table", table)
    assert outcome.code == 0
    assert "‘rules’" in outcome.out.splitlines()[0]
    assert "Holm's" in outcome.out


def test_the_same_policy_twice_is_wrong(command: Any, table: str) -> None:
    outcome = command("lab", "compare", "rules", "rules", "--table", table)
    assert outcome.code == 2
    assert "name two policies" in outcome.err
