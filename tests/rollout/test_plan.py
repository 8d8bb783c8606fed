"""The plan of a canary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.rollout.plan import RolloutPlan, load_plan, plan_from


def test_a_plan_is_read_from_yaml_and_its_table_is_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("ramp: [0.1, 0.4]\nworkflows: [shipping]\noutcomes: table.csv\n")
    plan = load_plan(path)
    assert (plan.ramp, plan.workflows, plan.offline) == ((0.1, 0.4), ("shipping",), True)
    assert plan.outcomes == str(tmp_path / "table.csv")


def test_an_empty_file_is_the_default_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("# all defaults\n")
    assert load_plan(tmp_path / "plan.yaml") == RolloutPlan()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"rampp": [0.1]}, "ramp"),
        ({"ramp": [0.5, 0.1]}, "rise"),
        ({"ramp": [0.5, 1.0]}, "rise"),
        ({"ramp": []}, "rise"),
        ({"metrics": ["cost_usd", "passed"]}, "passed"),
        ({"metrics": ["passed", "happiness"]}, "metrics"),
        ({"shadow_pairs": 100, "shadow_cap": 50}, "shadow_cap"),
        ({"alpha": 0}, "alpha"),
        ({"min_requests": 0}, "min_requests"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_the_key_is_named(data: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        plan_from(data)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kinds: [knowlege]", "plan.yaml': kinds: there is no kind 'knowlege', the nearest is 'knowledge'"),
        ("kinds: [knowledge, banana]", "(there are: reasoning, knowledge)"),
        ("ramp: 0.5", "plan.yaml': ramp: write a list, such as [0.05, 0.2, 0.5]"),
        ("tenants: acme", "plan.yaml': tenants: write a list, such as [acme]"),
        ("workflow: [a]", "workflow: there is no such key, the nearest is 'workflows'"),
        ("ramp: [0.5, 0.1]", "plan.yaml': ramp: the shares of the ramp must rise"),
        ("alpha: 0", "plan.yaml': alpha: 0 will not do, it should be greater than 0"),
        ("ramp: [", "plan.yaml' cannot be read: line 1, column 8: "),
    ],
)
def test_what_is_wrong_is_told_plainly_and_the_file_named_once(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_plan(tmp_path / "plan.yaml")
    message = str(caught.value)
    assert told in message
    assert message.count("plan.yaml") == 1
    assert not any(words in message for words in ("Value error", "valid tuple", "Errno", "unicode string"))


def test_a_plan_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^the plan '[^']*nope\.yaml' cannot be read: there is no such file$"
    ):
        load_plan(tmp_path / "nope.yaml")


@pytest.mark.parametrize("text", ["- a list", "ramp: [", "a plain sentence"])
def test_a_file_that_is_no_plan_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"plan\.yaml"):
        load_plan(tmp_path / "plan.yaml")


def test_a_request_takes_part_where_every_named_list_has_it() -> None:
    plan = RolloutPlan(workflows=("shipping",), kinds=("knowledge",))
    assert plan.takes_part(workflow="shipping", kind="knowledge", tenant="anybody")
    assert not plan.takes_part(workflow="shipping", kind="reasoning", tenant="anybody")
    assert not plan.takes_part(workflow="", kind="knowledge", tenant="anybody")


_NAMES = st.sets(st.sampled_from("abc")).map(lambda names: tuple(sorted(names)))
_PLANS = st.builds(RolloutPlan, workflows=_NAMES, kinds=_NAMES, tenants=_NAMES)


@given(_PLANS, _PLANS)
def test_two_plans_overlap_exactly_where_some_request_takes_part_in_both(
    one: RolloutPlan, other: RolloutPlan
) -> None:
    every = [(w, k, t) for w in "abcd" for k in "abcd" for t in "abcd"]
    both = any(
        each.takes_part(workflow=w, kind=k, tenant=t) and rest.takes_part(workflow=w, kind=k, tenant=t)
        for w, k, t in every
        for each, rest in [(one, other)]
    )
    assert one.overlaps(other) == other.overlaps(one) == both
