from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.router.bandit import Arms, BanditPolicy, make_bandit
from pilotfish.router.constrained import Constrained
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision
from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.router.wrapper import learner
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.policy_conformance import check_learning_policy, check_policy

MODELS = Arms(names=("s", "m", "l"), prices={"m": 0.5, "l": 1.0}, small="s", large="l")


def bandit(**more: Any) -> BanditPolicy:
    return make_bandit(FakePolicy(), **more)


def ask(policy: BanditPolicy, text: str, name: str = "a") -> Decision:
    (decision,) = policy.decide([Subtask(id=name, text=text)])
    return decision


def propensity(decision: Decision) -> float:
    found = re.search(r"propensity (\d\.\d+)", decision.reason)
    assert found is not None
    return float(found[1])


def play(policy: BanditPolicy, rounds: int, seed: int = 0) -> list[tuple[str, str]]:
    """Ships are for the small model, planes for the large: text and lane of each round."""
    random = np.random.default_rng(seed)
    seen: list[tuple[str, str]] = []
    for number in range(rounds):
        text = "how does a ship float" if random.random() < 0.5 else "who built this plane"
        subtask = Subtask(id=str(number), text=text)
        (decision,) = policy.decide([subtask])
        right = decision.lane == ("local" if "ship" in text else "large")
        policy.learn(subtask, decision, reward=1.0 if right else 0.0)
        seen.append((text.split()[-2], decision.lane))
    return seen


def test_it_learns_which_lane_a_text_is_for() -> None:
    last = Counter(play(bandit(exploration=0.05), 400)[200:])
    wrong = sum(count for (word, lane), count in last.items() if (word == "ship") != (lane == "local"))
    assert wrong <= 0.06 * 200


def test_an_arm_is_never_given_up() -> None:
    policy = bandit(exploration=0.2)
    for number in range(200):
        subtask = Subtask(id=str(number), text="x")
        (decision,) = policy.decide([subtask])
        policy.learn(subtask, decision, reward=1.0 if decision.lane == "local" else 0.0)
    asked = [ask(policy, "x", str(number)) for number in range(600)]
    large = [decision for decision in asked if decision.lane == "large"]
    assert 30 <= len(large) <= 90, "one half of a floor of 0.2 is 60 of 600"
    assert all("explored" in decision.reason and propensity(decision) >= 0.1 for decision in large)


@pytest.mark.parametrize("arms", [2, 3])
def test_the_propensity_it_tells_is_how_often_it_chooses_so(arms: int) -> None:
    made = Arms(names=("s", "l"), prices={"l": 1.0}, small="s", large="l") if arms == 2 else MODELS
    policy = BanditPolicy(FakePolicy(), arms=made, exploration=0.1, spread=1.0)
    for name, reward in (("s", 0.3), ("l", 0.9), ("l", 0.8)):
        decision = Decision(
            kind="reasoning",
            lane="large",
            p_reasoning=1.0,
            confidence=1.0,
            reason="r",
            policy="p",
            version="1",
            model=name,
        )
        policy.learn(Subtask(id="a", text="x"), decision, reward=reward)
    asked = [ask(policy, "x", str(number)) for number in range(4000)]
    told = {decision.model: propensity(decision) for decision in asked}
    assert sum(told.values()) == pytest.approx(1.0, abs=0.001)
    for name, count in Counter(decision.model for decision in asked).items():
        assert count / 4000 == pytest.approx(told[name], abs=0.035)


def test_greedy_without_a_floor_has_no_doubt() -> None:
    policy = BanditPolicy(FakePolicy(), arms=MODELS, exploration=0.0, spread=0.0)
    decision = ask(policy, "x")
    assert (decision.model, propensity(decision)) == ("s", 1.0), "untaught, the cheapest"
    assert decision.large_gain == pytest.approx(-0.1), "a price of 1 at a trade-off of 0.1"


def test_a_price_is_weighed_against_the_reward() -> None:
    cheap, dear = bandit(tradeoff=0.0), bandit(tradeoff=0.9)
    for policy in (cheap, dear):
        for number in range(60):
            subtask = Subtask(id=str(number), text="x")
            (decision,) = policy.decide([subtask])
            policy.learn(subtask, decision, reward=0.9 if decision.lane == "large" else 0.5)
    count = {
        name: sum(ask(policy, "x", str(i)).lane == "large" for i in range(200))
        for name, policy in (("cheap", cheap), ("dear", dear))
    }
    assert count["cheap"] > 150
    assert count["dear"] < 30


def test_nothing_is_learned_where_it_did_not_choose() -> None:
    policy = bandit()
    before = ask(policy, "x")
    tool = Subtask(id="t", text="x", tool="distance")
    (decision,) = policy.decide([tool])
    policy.learn(tool, decision, reward=1.0)
    moved = Decision(
        kind="knowledge", lane="retrieval", p_reasoning=0.0, confidence=1, reason="r", policy="p", version="1"
    )
    policy.learn(Subtask(id="a", text="x"), moved, reward=1.0)
    assert ask(policy, "x") == before
    with pytest.raises(UsageError, match=r"reward 1\.5 is not"):
        policy.learn(Subtask(id="a", text="x"), before, reward=1.5)


def test_within_a_wrapper_it_learns_of_the_lane_that_was_decided() -> None:
    inner = bandit()
    policy = Constrained(inner, data_classes={"restricted": "local"})
    subtask = Subtask(id="a", text="x", data_class="restricted")
    (decision,) = policy.decide([subtask])
    learning = learner(policy)
    assert learning is not None
    learning.learn(subtask, decision, reward=1.0)
    assert "local: 1" in repr(policy)
    assert learner(inner) is inner
    assert learner(Constrained(RulesPolicy())) is None


def test_it_keeps_what_learning_policies_promise(tmp_path: Path) -> None:
    check_learning_policy(lambda path: load_policy("bandit", state=str(path)), tmp_path)
    check_policy(load_policy("bandit", arms="local;retrieval;large", seed=3))


def test_two_processes_learn_into_one_state(tmp_path: Path) -> None:
    path = tmp_path / "bandit.npz"
    one, two = bandit(state=path), bandit(state=path)
    subtasks = [Subtask(id=str(number), text=f"text {number}") for number in range(6)]
    for subtask, policy in zip(subtasks, (one, two, one, two, two, one), strict=True):
        policy.learn(subtask, *policy.decide([subtask]), reward=1.0)
    assert "6 lessons" in ask(bandit(state=path), "x").reason


def test_seed_and_lessons_are_what_a_draw_depends_on() -> None:
    texts = [f"text {number}" for number in range(60)]
    lanes = {seed: [ask(bandit(seed=seed, tradeoff=0.0), text).lane for text in texts] for seed in (0, 1)}
    assert set(lanes[0]) == {"local", "large"}
    assert lanes[0] != lanes[1]
    assert lanes[0] == [ask(bandit(tradeoff=0.0), text).lane for text in texts]


def test_its_version_tells_settings_and_every_lesson() -> None:
    settings = ({}, {"tradeoff": 0.9}, {"exploration": 0.5}, {"seed": 1}, {"prices": {"large": 2.0}})
    found = [ask(bandit(**more), "x").version for more in settings]
    assert len(set(found)) == len(settings)
    policy = bandit()
    subtask = Subtask(id="a", text="x")
    (decision,) = policy.decide([subtask])
    assert decision.version == found[0]
    policy.learn(subtask, decision, reward=1.0)
    assert ask(policy, "x").version not in found


def test_what_it_learned_from_is_known_to_the_leakage_guard() -> None:
    policy = bandit()
    subtask = Subtask(id="a", text="How far is it from Oslo to Bergen by sea in winter?")
    policy.learn(subtask, *policy.decide([subtask]), reward=1.0)
    assert len(policy.trained_on) == 1


def test_arms_that_make_no_choice_are_refused() -> None:
    with pytest.raises(UsageError, match="two arms or more"):
        bandit(arms="local")
    with pytest.raises(UsageError, match="arm 'remote' is no lane"):
        bandit(arms="local;remote")
    with pytest.raises(UsageError, match="'retrieval' is none of the bandit's arms"):
        bandit(prices={"retrieval": 1.0})
    with pytest.raises(UsageError, match=r"exploration 1\.5"):
        bandit(exploration=1.5)
