from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.router.deciding import decide_now
from pilotfish.router.load import (
    load_inner,
    load_policy,
    parse_policy,
    policy_from,
    policy_names,
    shipped_policies,
)
from pilotfish.router.policy import RunPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy, check_run_policy

REQUIRED: dict[str, dict[str, Any]] = {
    "budgeted": {"large_calls": 2},
    "cascade": {"min_confidence": 0.5},
    "threshold": {"policy": "learned", "threshold": 0.5},
}
"""Options of those that cannot do without one."""
ALONE = [
    name
    for name, entry in shipped_policies().items()
    if not {"embedder", "weights", "labels"} & {*entry.needs}
]


@pytest.mark.parametrize("name", ALONE)
def test_every_policy_keeps_the_promises_and_says_its_name(name: str) -> None:
    policy = load_policy(name, **REQUIRED.get(name, {}))
    if name == "budgeted":
        assert isinstance(policy, RunPolicy)
        check_run_policy(policy)
    else:
        check_policy(policy)
    assert decide_now(policy, [Subtask(id="a", text="x")])[0].policy == name


def test_every_entry_says_in_one_line_what_the_policy_is() -> None:
    assert set(policy_names()) >= set(shipped_policies())
    for name, entry in shipped_policies().items():
        assert entry.summary, name
        assert "\n" not in entry.summary, name
        assert not entry.summary.endswith("."), name


def test_a_policy_that_needs_an_option_says_which() -> None:
    with pytest.raises(UsageError, match="give usd, tokens, seconds or large_calls"):
        load_policy("budgeted")


def test_values_in_brackets_stay_in_one_piece() -> None:
    name, options = parse_policy("x:a=1,b={c: [d, e], f: 2},g=[h, i],j=k=l")
    assert (name, options) == ("x", {"a": 1, "b": {"c": ["d", "e"], "f": 2}, "g": ["h", "i"], "j": "k=l"})
    with pytest.raises(UsageError, match=r"option 'b' of policy 'x' has no value"):
        parse_policy("x:a=1,b")
    with pytest.raises(UsageError, match="of option 'a' of policy 'x' is not YAML"):
        parse_policy("x:a={b: [}")


def test_the_policy_inside_a_wrapper_is_named_or_given() -> None:
    inner = load_inner("random:seed=3;share=0.25")
    assert repr(inner) == "RandomPolicy(seed=3, share=0.25)"
    assert load_inner(inner) is inner
    name, options = parse_policy("constrained:policy=random:seed=3;share=0.25")
    assert "RandomPolicy(seed=3, share=0.25)" in repr(load_policy(name, **options))


@pytest.mark.parametrize(
    "spelt",
    [
        "blend:policies=random:share=0.25;rules",
        "blend:policies=[random:seed=0;share=0.25, rules]",
        "constrained:policy=blend:policies=[random:share=0.25;rules]",
    ],
)
def test_a_blend_is_named_with_its_policies(spelt: str) -> None:
    made = policy_from(spelt)
    assert "Blend(RandomPolicy(seed=0, share=0.25), RulesPolicy(" in repr(made)
    check_policy(made)


def test_a_blend_says_what_it_is_of() -> None:
    [decision] = load_policy("blend").decide([Subtask(id="a", text="x")])
    assert decision.policy == "blend"
    assert decision.version.startswith("1 of learned ")
    assert " and rules " in decision.version


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


@pytest.mark.parametrize(
    ("spelt", "said"),
    [
        ("random:share=abc", "policy 'random' option 'share' is 'abc', which is not a number$"),
        ("random:share=.nan", "policy 'random' option 'share' is nan, which is not a number$"),
        ("random:share=", "option 'share' is None, which is not a number$"),
        ("random:seed=1.5", "option 'seed' is 1.5, which is not a whole number$"),
        ("bandit:exploration=abc", "option 'exploration' is 'abc', which is not a number$"),
        ("bandit:prices=3", "option 'prices' is 3, which is not names with a number each$"),
        (
            "bandit:prices={large: .nan}",
            "option 'prices' is {'large': nan}, which is not names with a number",
        ),
        ("bandit:arms=5", "option 'arms' is 5, which is not text or a list$"),
        ("bandit:state=12", "option 'state' is 12, which is not text or a path; put it in quotes$"),
        ("budgeted:usd=abc", "option 'usd' is 'abc', which is not a number$"),
        ("cascade:min_confidence=high", "option 'min_confidence' is 'high', which is not a number$"),
        ("cascade:calibration=5", "option 'calibration' is 5, which is not text or a path or a Calibration$"),
        ("constrained:constraints=5", "option 'constraints' is 5, which is not text or names with values$"),
        ("knn:exemplars=5", "option 'exemplars' is 5, which is not text or a path or a list$"),
        ("knn:embedder=5", "embedder 5 is none"),
        ("learned:threshold=abc", "option 'threshold' is 'abc', which is not a number$"),
        ("llm:concurrency=0", "option 'concurrency' is 0, which is not a whole number from 1 up$"),
        ("llm:logprobs=1", "option 'logprobs' is 1, which is not true or false$"),
        ("llm:model=5", "option 'model' is 5, which is not text or a ChatModel$"),
        ("threshold:threshold=abc", "option 'threshold' is 'abc', which is not a number$"),
        ("threshold:policy=5", "option 'policy' is 5, which is not text or a policy$"),
        ("constrained:policy=random:share=abc", "policy 'random' option 'share' is 'abc'"),
    ],
)
def test_a_value_that_will_not_do_is_refused_with_its_option(spelt: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        policy_from(spelt)


def test_a_whole_number_is_a_number() -> None:
    assert repr(load_policy("random", share=1)) == "RandomPolicy(seed=0, share=1)"


@pytest.mark.parametrize(
    "spelt",
    [f"{name}={{}}" for name in ("learned:weights", "knn:exemplars", "knn:weights", "capability:weights")],
)
def test_a_folder_for_a_file_is_refused(tmp_path: Path, spelt: str) -> None:
    with pytest.raises(UsageError, match=r"Is a directory"):
        policy_from(spelt.format(tmp_path))
