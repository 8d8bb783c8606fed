from __future__ import annotations

from pathlib import Path
from typing import Any

from pilotfish.lab.provenance import describe_table, provenance, spell


def test_a_command_is_spelt_as_one_would_type_it() -> None:
    options = {"--policy": ["a", "b:x=1"], "--small": None, "--seeds": 5, "--check": True, "--quiet": False}
    words = ["lab", "replay", "my table.csv"]
    assert (
        spell(words, options)
        == "pilotfish lab replay 'my table.csv' --policy a --policy b:x=1 --seeds 5 --check"
    )
    assert spell(["x"], {"--out": Path("a b")}) == "pilotfish x --out 'a b'"


def test_figures_come_with_command_commit_and_version() -> None:
    found = provenance("pilotfish x")
    assert found["command"] == "pilotfish x"
    assert found["commit"] is None or len(found["commit"]) == 12
    assert found["version"][0].isdigit()


def test_a_table_is_described_without_its_prompts(make_table: Any) -> None:
    table = make_table(5)
    assert describe_table(table) == {
        "name": "made-up",
        "digest": table.digest,
        "rows": 5,
        "models": ["small", "large"],
        "dropped": 0,
    }
