from __future__ import annotations

import json
from datetime import date
from importlib import resources
from typing import Any

import pytest

from pilotfish.demos.reading import read_request

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (resources.files("pilotfish.demos") / "data" / "requests.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_the_shipped_requests_are_read_as_expected(row: dict[str, Any]) -> None:
    expected = row["expect"]
    reading = read_request(row["request"], today=date.fromisoformat(row["today"]))
    assert reading.status == expected["status"], reading.message
    if expected["query"] is not None:
        assert reading.partial == expected["query"]
    for phrase in expected["message_has"]:
        assert phrase.lower() in reading.message.lower()


def test_the_shipped_requests_are_many_and_cover_every_outcome() -> None:
    assert len(ROWS) >= 80
    assert {row["expect"]["status"] for row in ROWS} == {"ok", "needs_input", "refused"}
    assert len({row["request"] for row in ROWS}) == len(ROWS)
