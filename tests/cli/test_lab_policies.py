from __future__ import annotations

from pathlib import Path
from typing import Any

from pilotfish.router.load import shipped_policies


def test_json_lists_every_policy_with_what_it_is_needs_and_takes(command: Any) -> None:
    outcome = command("lab", "policies", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    rows = {row["name"]: row for row in outcome.data["policies"]}
    assert set(rows) >= set(shipped_policies())
    assert all(rows[name]["summary"] for name in rows)
    assert rows["random"]["options"] == {"seed": 0, "share": 0.5}
    assert rows["budgeted"]["needs"] == ["budget"]
    assert Path(rows["learned"]["card"]).read_text().startswith("# Model card")
    assert rows["learned"]["version"] in Path(rows["learned"]["card"]).read_text()
    assert rows["rules"]["source"] == "pilotfish"


def test_people_read_a_line_each_and_its_details(command: Any) -> None:
    out = command("lab", "policies").out
    assert (
        "random: reasoning for a given share of subtasks, by a seeded hash\n    options: seed=0, share=0.5"
        in out
    )
    assert "    needs: budget\n" in out
