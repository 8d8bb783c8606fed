from __future__ import annotations

import json

import pytest

from pilotfish.cli.output import print_json


def test_numbers_that_json_does_not_have_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [1.5, float("inf")], "c": ({"d": float("-inf")}, "é")})
    said = capsys.readouterr().out
    assert json.loads(said) == {"a": None, "b": [1.5, None], "c": [{"d": None}, "é"]}
    assert "é" in said
