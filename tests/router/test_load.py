from __future__ import annotations

import pytest

from pilotfish import UsageError
from pilotfish.router.deciding import decide_now
from pilotfish.router.load import load_policy, policy_names
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy


@pytest.mark.parametrize("name", policy_names())
def test_every_policy_keeps_the_promises_and_says_its_name(name: str) -> None:
    policy = load_policy(name)
    check_policy(policy)
    assert decide_now(policy, [Subtask(id="a", text="x")])[0].policy == name


def test_the_default_is_the_learned_policy() -> None:
    assert load_policy().decide([Subtask(id="a", text="x")])[0].policy == "learned"


def test_an_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown policy 'lerned', did you mean 'learned'\?"):
        load_policy("lerned")


def test_an_unknown_option_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="no option 'sed'; it takes 'seed', 'share'"):
        load_policy("random", sed=1)
    with pytest.raises(UsageError, match="takes no options"):
        load_policy("rules", seed=1)
