from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.router.constrained import Constrained, make_constrained
from pilotfish.router.fixed import always_large, always_local
from pilotfish.router.load import load_policy, parse_policy
from pilotfish.router.policy import Decision, Policy, large_score, wants_large
from pilotfish.router.subtask import Subtask
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.policy_conformance import check_policy

LONG = "x" * 4000
KNOWLEDGE = FakePolicy(default="knowledge")


def one(policy: Policy, text: str = "x", **more: Any) -> Decision:
    (decision,) = policy.decide([Subtask(id="a", text=text, **more)])
    return decision


def test_a_class_that_may_not_go_large_stays_and_the_reason_says_why() -> None:
    decision = one(Constrained(always_large()), data_class="restricted")
    assert decision.lane == "retrieval"
    assert decision.reason.startswith(
        "moved from large to retrieval: data class 'restricted' may go to local and retrieval only; always-large"
    )
    assert (decision.policy, decision.version) == ("constrained", "1 around always-large 1")


def test_what_no_constraint_touches_stays_as_it_was() -> None:
    decision = one(Constrained(always_large()))
    assert (decision.lane, decision.large_gain) == ("large", None)


def test_a_class_nobody_named_is_denied_the_large_lane() -> None:
    decision = one(Constrained(always_large(), data_classes={"public": "large"}), data_class="secret")
    assert decision.lane == "retrieval"
    assert "data class 'secret', which is not named, may go to" in decision.reason


def test_a_restricted_fact_does_not_count_as_a_large_call_in_a_replay() -> None:
    policy = Constrained(KNOWLEDGE)
    assert wants_large(one(policy))
    assert not wants_large(one(policy, data_class="restricted"))
    assert large_score(one(policy, data_class="restricted")) <= 0.0


def test_a_text_too_long_for_the_small_model_goes_large() -> None:
    policy = Constrained(always_local(), context_tokens=512)
    assert one(policy).lane == "local"
    decision = one(policy, LONG)
    assert (decision.lane, decision.large_gain) == ("large", 1.0)
    assert "about 1000 tokens are more than the small model's 512" in decision.reason


def test_between_length_and_data_class_the_data_class_wins_and_it_says_so() -> None:
    decision = one(Constrained(always_local(), context_tokens=512), LONG, data_class="restricted")
    assert decision.lane == "local"
    assert decision.reason.startswith(
        "local is allowed, although about 1000 tokens are more than the small model's 512: no lane satisfies every"
    )


def test_a_target_rules_out_slower_lanes_and_yields_to_length() -> None:
    policy = Constrained(
        KNOWLEDGE, context_tokens=512, latency_ms=1000, latencies_ms={"retrieval": 1500, "large": 3000}
    )
    decision = one(policy)
    assert decision.lane == "local"
    assert "retrieval takes 1500 ms, large takes 3000 ms against a target of 1000 ms" in decision.reason
    decision = one(policy, LONG)
    assert decision.lane == "large"
    assert "although retrieval takes 1500 ms" in decision.reason


@given(
    st.sampled_from(["public", "internal", "restricted", "other"]),
    st.booleans(),
    st.dictionaries(st.sampled_from(["local", "retrieval", "large"]), st.integers(1, 5000)),
    st.sampled_from([always_large(), always_local(), KNOWLEDGE]),
)
def test_no_constraint_sends_a_class_where_it_may_not_go(
    data_class: str, long: bool, latencies: dict[str, float], inner: Policy
) -> None:
    policy = Constrained(
        inner, context_tokens=100, latency_ms=1000 if latencies else None, latencies_ms=latencies
    )
    lane = one(policy, LONG if long else "x", data_class=data_class).lane
    if data_class in ("restricted", "other"):
        assert lane != "large"
    elif long:
        assert lane == "large"


def test_tools_keep_their_subtasks() -> None:
    assert one(Constrained(always_large()), tool="distance", data_class="restricted").lane == "tool"


def test_it_keeps_the_promises_and_nests() -> None:
    check_policy(load_policy("constrained"))
    check_policy(Constrained(Constrained(always_large(), context_tokens=10)))
    assert repr(Constrained(always_large(), context_tokens=10)).startswith("Constrained(FixedPolicy(")


@pytest.mark.parametrize("form", ["mapping", "text", "json", "file", "command line"])
def test_constraints_come_in_any_form(tmp_path: Path, form: str) -> None:
    data = {"data_classes": {"secret": "local"}, "context_tokens": 100}
    text = "data_classes: {secret: local}\ncontext_tokens: 100"
    if form == "mapping":
        policy = make_constrained(always_large(), constraints=data)
    elif form == "text":
        policy = make_constrained(always_large(), constraints=text)
    elif form == "json":
        policy = make_constrained(always_large(), constraints=json.dumps(data))
    elif form == "file":
        (tmp_path / "rules.yaml").write_text(text)
        policy = make_constrained(always_large(), constraints=str(tmp_path / "rules.yaml"))
    else:
        spec = (
            "constrained:policy=always-large,constraints={data_classes: {secret: local}, context_tokens: 100}"
        )
        name, options = parse_policy(spec)
        policy = load_policy(name, **options)
    assert one(policy, data_class="secret").lane == "local"


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"contexts": 3}, "unknown constraint 'contexts'; there are: data_classes"),
        ({"data_classes": ["secret"]}, "it maps names to values"),
        ({"data_classes": {"secret": "remote"}}, "data class 'secret' names the lane 'remote'"),
        ({"data_classes": {"secret": []}}, "may go to no lane"),
        ({"context_tokens": "many"}, "'context_tokens' is 'many'"),
        ({"latency_ms": 5}, "needs what each lane takes"),
        ({"latency_ms": 5, "latencies_ms": {"far": 3}}, "latencies_ms names the lane 'far'"),
        ("nowhere.yaml", "no constraints at 'nowhere.yaml'"),
        ("a: [", "not YAML"),
    ],
)
def test_constraints_that_make_no_sense_are_named(constraints: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_constrained(always_large(), constraints=constraints)


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ("{latency_ms: 100, latencies_ms: {local: abc}}", "'latencies_ms' of 'local' is 'abc'"),
        ("{latency_ms: 100, latencies_ms: {local: .nan}}", "'latencies_ms' of 'local' is nan"),
        ("{latency_ms: 100, latencies_ms: {local: -1}}", "'latencies_ms' of 'local' is -1"),
        ("{data_classes: {x: null}}", "data class 'x' may go to None"),
        ("{data_classes: {x: {local: 1}}}", "data class 'x' may go to {'local': 1}"),
    ],
)
def test_a_value_that_will_not_do_is_named_with_its_key(constraints: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_constrained(always_large(), constraints=constraints)


def test_a_folder_is_no_file_of_constraints(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no constraints at .*Is a directory"):
        make_constrained(always_large(), constraints=str(tmp_path))
