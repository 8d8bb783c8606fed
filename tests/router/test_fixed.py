from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.router.fixed import RandomPolicy, always_large, always_local
from pilotfish.router.subtask import Subtask


def test_always_policies_send_everything_but_tools_to_one_lane() -> None:
    subtasks = [Subtask(id="a", text="1 + 1 ="), Subtask(id="b", text="x", tool="t")]
    assert [d.lane for d in always_local().decide(subtasks)] == ["local", "tool"]
    assert [d.lane for d in always_large().decide(subtasks)] == ["large", "tool"]


@given(st.text(), st.text(), st.integers(0, 5))
def test_random_depends_on_seed_id_and_text_only(identity: str, text: str, seed: int) -> None:
    subtask = Subtask(id=identity, text=text)
    assert RandomPolicy(seed=seed).decide([subtask]) == RandomPolicy(seed=seed).decide([subtask])


def test_random_keeps_to_its_share_and_a_higher_share_moves_nobody_back() -> None:
    subtasks = [Subtask(id=str(i), text="same text") for i in range(2000)]
    low = [d.kind == "reasoning" for d in RandomPolicy(share=0.3).decide(subtasks)]
    high = [d.kind == "reasoning" for d in RandomPolicy(share=0.6).decide(subtasks)]
    assert sum(low) == pytest.approx(600, abs=80)
    assert all(later for earlier, later in zip(low, high, strict=True) if earlier)


def test_a_share_that_is_no_probability_is_refused() -> None:
    with pytest.raises(UsageError, match=r"share 1\.5"):
        RandomPolicy(share=1.5)
