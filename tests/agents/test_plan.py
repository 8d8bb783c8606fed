from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.agents.plan import Plan, PlanError, fill_text, fill_value, references
from pilotfish.router.subtask import Subtask


def step(name: str, *needs: str, text: str = "do it") -> Subtask:
    return Subtask(id=name, text=text, depends_on=needs)


@pytest.mark.parametrize(
    ("subtasks", "message"),
    [
        ([], "the plan has no subtasks; a plan needs at least one"),
        (
            [step("s1"), step("s2"), step("s3", "s9")],
            "subtask 's3' depends on 's9', which is not in the plan (it has: 's1', 's2', 's3')",
        ),
        ([step("s1"), step("s1")], "two subtasks have the id 's1'; ids must be unique within a plan"),
        (
            [step("a", "b"), step("b", "a")],
            "the plan runs in a circle: 'a' -> 'b' -> 'a'; a subtask cannot wait for itself",
        ),
        ([step("a", "a")], "the plan runs in a circle: 'a' -> 'a'; a subtask cannot wait for itself"),
        ([step("s1", text=" ")], "subtask 's1' has no text; say what it asks"),
        ([step("s 1")], "subtask id 's 1' is not made of letters, digits, '_' and '-'"),
    ],
)
def test_a_plan_that_cannot_run_cannot_be_built(subtasks: list[Subtask], message: str) -> None:
    with pytest.raises(PlanError) as raised:
        Plan(subtasks)
    assert str(raised.value) == message


@st.composite
def dags(draw: st.DrawFn) -> list[Subtask]:
    size = draw(st.integers(1, 12))
    rows = [
        step(f"s{i}", *draw(st.lists(st.sampled_from([f"s{j}" for j in range(i)]), unique=True, max_size=3)))
        if i
        else step("s0")
        for i in range(size)
    ]
    return draw(st.permutations(rows))


@given(dags())
def test_order_puts_every_subtask_behind_what_it_needs(subtasks: list[Subtask]) -> None:
    seen: set[str] = set()
    for subtask in Plan(subtasks):
        assert set(subtask.depends_on) <= seen
        seen.add(subtask.id)
    assert seen == {subtask.id for subtask in subtasks}


@given(dags())
def test_json_brings_back_the_same_plan(subtasks: list[Subtask]) -> None:
    plan = Plan(subtasks, planner="rules", note="why")
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_order_a_person_wrote_is_kept() -> None:
    assert [s.id for s in Plan([step("z"), step("a", "z"), step("m")])] == ["z", "a", "m"]


@pytest.mark.parametrize(("outputs", "fault"), [(["b"], "output 'b' is not in the plan"), ([], "no outputs")])
def test_outputs_must_be_in_the_plan(outputs: list[str], fault: str) -> None:
    with pytest.raises(PlanError, match=fault):
        Plan([step("a")], outputs=outputs)


def test_references_are_replaced_in_one_pass() -> None:
    answers = {"s1": "see #s2", "s2": "42"}
    assert fill_text("add #s1 and #s2, not #s3", answers) == "add see #s2 and 42, not #s3"
    assert references(step("s3", "s1", text="#s1 and #s1 and #other")) == ["s1"]


def test_argument_values_keep_their_type() -> None:
    values = {"s1": {"n": 3}, "s1.evidence": [1, 2], "s2": None}
    given_arguments = {"a": "#s1", "b": ["#s1.evidence", "x #s1"], "c": {"d": "#s2"}, "e": "#s9"}
    assert fill_value(given_arguments, values) == {
        "a": {"n": 3},
        "b": [[1, 2], "x #s1"],
        "c": {"d": None},
        "e": "#s9",
    }


def test_mermaid_names_every_subtask_and_edge() -> None:
    drawn = Plan([step("a", text='say "hi"'), step("b", "a")]).mermaid(lanes={"a": "local"})
    assert drawn.splitlines() == [
        "flowchart LR",
        '    n0["a: say #quot;hi#quot;<br/><i>local</i>"]',
        '    n1["b: do it"]',
        "    n0 --> n1",
    ]
