from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.router.exemplars import Exemplar, load_exemplars, read_exemplars, shipped_exemplars

GOOD = """
routes:
  sums:
    kind: reasoning
    examples:
      - "Is #1 greater than 12?"
      - "What is 3 plus 4?"
  ports:
    lane: retrieval
    examples: ["Who runs the port of Lima?"]
  treaties:
    kind: knowledge
    lane: large
    examples: ["What does the treaty say?"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def test_routes_name_a_kind_a_lane_or_both(file: Path) -> None:
    file.write_text(GOOD)
    assert read_exemplars(file) == load_exemplars(str(file))
    assert read_exemplars(file) == (
        Exemplar(text="Is #1 greater than 12?", kind="reasoning", route="sums"),
        Exemplar(text="What is 3 plus 4?", kind="reasoning", route="sums"),
        Exemplar(text="Who runs the port of Lima?", kind="knowledge", route="ports", lane="retrieval"),
        Exemplar(text="What does the treaty say?", kind="knowledge", route="treaties", lane="large"),
    )


def test_the_local_lane_alone_means_reasoning(file: Path) -> None:
    file.write_text(
        "routes: {a: {lane: local, examples: [add 2 and 2]}, b: {lane: large, examples: [who was she]}}"
    )
    assert [e.kind for e in read_exemplars(file)] == ["reasoning", "knowledge"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("routes: [", "mine.yaml' are not YAML"),
        ("- a", "no 'routes'"),
        ("routes:\n  a:\n    kind: reasoning\n    examples:\n      - Is #1 late?", "line 5: .*in quotes"),
        ("routes: {}", "no 'routes'"),
        ("routes: {sums: [a]}", "route 'sums' of .*a route holds 'kind' or 'lane'"),
        ("routes: {sums: {kind: reasoning, exmples: [a]}}", "unknown key 'exmples', did you mean 'examples'"),
        ("routes: {sums: {kind: logic, examples: [a]}}", "kind 'logic' is none of reasoning, knowledge"),
        ("routes: {sums: {lane: tool, examples: [a]}}", "lane 'tool' is none of local, retrieval, large"),
        ("routes: {sums: {examples: [a]}}", "neither 'kind' nor 'lane'; add"),
        ("routes: {sums: {kind: reasoning}}", "route 'sums' of .*no examples; list"),
        ("routes: {sums: {kind: reasoning, examples: [a, 12]}}", "example 2 is 12, .*put it in quotes"),
        ("routes: {sums: {kind: reasoning, examples: [a, ' ']}}", "example 2"),
        (
            "routes: {a: {kind: reasoning, examples: [x]}, b: {kind: knowledge, examples: [x]}}",
            "'x' stands in the routes 'a' and 'b'",
        ),
        ("routes: {a: {kind: reasoning, examples: [x]}}", "no route of kind 'knowledge'; add one"),
    ],
)
def test_a_bad_file_is_refused_by_name_with_the_remedy(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_exemplars(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match=r"no exemplars at .*mine\.yaml"):
        load_exemplars(file)


def test_the_shipped_exemplars_are_filled_in_distinct_and_of_both_kinds() -> None:
    found = shipped_exemplars()
    assert load_exemplars() == found
    texts = [exemplar.text for exemplar in found]
    assert len(set(texts)) == len(texts) > 900
    assert {exemplar.kind for exemplar in found} == {"reasoning", "knowledge"}
    assert "Is {ref} {comp} {ref}?" not in texts
