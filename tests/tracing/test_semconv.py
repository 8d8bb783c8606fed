from __future__ import annotations

from pathlib import Path

import pytest

import pilotfish
from pilotfish.tracing.semconv import (
    CONTENT,
    MEASURED,
    OPERATION_DURATION_BOUNDARIES,
    OWN,
    OWN_CONTENT,
    STANDARD,
    TOKEN_USAGE_BOUNDARIES,
    attribute_name,
    span_name,
)

ROOT = Path(pilotfish.__file__).parent


def test_the_names_stand_in_one_module_only() -> None:
    shipped = [path for path in ROOT.glob("*/*.py") if path.parent.name != "tests"]
    assert [path.name for path in shipped if "gen_ai." in path.read_text()] == ["semconv.py"]


def test_no_two_keywords_share_an_attribute() -> None:
    names = [attribute_name(name) for name in (*STANDARD, *CONTENT, *OWN)]
    assert len(names) == len(set(names)) == len({*STANDARD, *CONTENT, *OWN})


def test_ours_are_told_by_their_prefix() -> None:
    assert all(attribute_name(name) == f"pilotfish.{name}" for name in OWN)
    assert not any(attribute_name(name).startswith("pilotfish.") for name in (*STANDARD, *CONTENT))


def test_an_unknown_keyword_is_an_error() -> None:
    with pytest.raises(KeyError):
        attribute_name("promt_name")


def test_content_is_marked_as_such_in_the_table_of_ours() -> None:
    assert {name for name, meaning in OWN.items() if "(content)" in meaning} == set(OWN_CONTENT)


def test_measurements_are_told_apart_by_nothing_that_grows() -> None:
    assert not {"run_id", "subtask_id", "seed", *CONTENT, *OWN_CONTENT} & set(MEASURED)
    assert all(attribute_name(name) for name in MEASURED)


def test_boundaries_are_the_conventions_own() -> None:
    assert (TOKEN_USAGE_BOUNDARIES[:3], TOKEN_USAGE_BOUNDARIES[-1]) == ((1, 4, 16), 67_108_864)
    assert OPERATION_DURATION_BOUNDARIES[-1] == pytest.approx(81.92)


def test_a_span_is_named_by_what_was_done_with_what() -> None:
    assert (span_name("chat", "smollm2-135m"), span_name("plan", "")) == ("chat smollm2-135m", "plan")
