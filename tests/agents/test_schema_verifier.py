from __future__ import annotations

from typing import Any

import pytest

from pilotfish import Subtask
from pilotfish.agents.attempt import Attempt
from pilotfish.agents.schema_verifier import SchemaVerifier

PORT = {
    "type": "object",
    "required": ["port"],
    "properties": {"port": {"type": "string"}, "days": {"minimum": 1}},
}


def check(schema: dict[str, Any] | None, **attempt: Any) -> tuple[str, str]:
    verdict = SchemaVerifier().check(
        Subtask(id="s", text="q", answer_schema=schema), Attempt(lane="local", **attempt)
    )
    return verdict.status, verdict.reason


def test_a_fitting_value_is_not_a_pass() -> None:
    status, reason = check(PORT, value={"port": "Rotterdam"})
    assert status == "unknown"
    assert "content is unchecked" in reason


@pytest.mark.parametrize("value", [{"port": 3}, {}, ["Rotterdam"], {"port": "x", "days": 0}])
def test_a_misfit_fails_and_says_where(value: Any) -> None:
    status, reason = check(PORT, value=value)
    assert status == "fail"
    assert reason.startswith("at $")


def test_text_is_read_when_there_is_no_value() -> None:
    assert check(PORT, text='{"port": 3}')[0] == "fail"
    assert check({"type": "null"}, text="null")[0] == "unknown"


@pytest.mark.parametrize("text", ["Rotterdam", "", "[" * 50_000, '{"port": NaN}'])
def test_what_is_not_json_is_a_parse_error(text: str) -> None:
    subtask = Subtask(id="s", text="q", answer_schema=PORT)
    verdict = SchemaVerifier().check(subtask, Attempt(lane="local", text=text))
    assert (verdict.status, verdict.escalation) == ("fail", "parse_error")


def test_without_a_schema_it_says_nothing() -> None:
    assert check(None, value={"port": 3})[0] == "unknown"


def test_a_broken_schema_is_not_the_answers_fault() -> None:
    status, reason = check({"type": "portt"}, value="x")
    assert status == "unknown"
    assert "schema itself" in reason


def test_references_are_never_fetched() -> None:
    status, reason = check({"$ref": "https://example.org/schema.json"}, value="x")
    assert status == "unknown"
    assert "example.org" in reason
