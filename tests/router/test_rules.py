from __future__ import annotations

import pytest

from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask


@pytest.mark.parametrize(
    ("text", "kind", "because"),
    [
        ("Is #1 before #2?", "reasoning", "two upstream"),
        ("Compute the fee", "reasoning", "work out"),
        ("Look up the fee of #1", "knowledge", "look something up"),
        ("Who owns the port?", "knowledge", "fact"),
        ("3 + 4 * 2", "reasoning", "formula"),
        ("blue", "knowledge", "no rule"),
    ],
)
def test_rules_decide_and_say_why(text: str, kind: str, because: str) -> None:
    [decision] = RulesPolicy().decide([Subtask(id="a", text=text)])
    assert decision.kind == kind
    assert because in decision.reason
