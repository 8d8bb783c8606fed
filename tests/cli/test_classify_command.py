from __future__ import annotations

import json
from pathlib import Path
from typing import Any

KEYS = {"id", "kind", "p_reasoning", "lane", "policy", "version"}


def test_rows_have_exactly_the_public_keys_in_the_order_of_the_input(command: Any) -> None:
    rows = [{"id": number, "text": f"What is {number} plus 3?", "extra": []} for number in range(600)]
    outcome = command("classify", stdin="\n".join(map(json.dumps, rows)).encode())
    answers = [json.loads(line) for line in outcome.out.splitlines()]
    assert [answer["id"] for answer in answers] == list(range(600))
    assert all(set(answer) == KEYS and answer["policy"] == "learned" for answer in answers)


def test_nothing_in_is_nothing_out(command: Any) -> None:
    outcome = command("classify")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_byte_order_mark_is_no_error_and_other_scripts_stay_as_they_are(command: Any) -> None:
    outcome = command("classify", stdin='\ufeff{"id": "é", "text": "日本?"}\n'.encode())
    assert json.loads(outcome.out)["id"] == "é"


def test_a_line_that_is_not_utf8_is_named(command: Any) -> None:
    outcome = command("classify", stdin=b'{"id": 1, "text": "a"}\n{"id": 2, "text": "caf\xe9"}\n')
    assert outcome.code == 2
    assert "line 2 is not UTF-8" in outcome.err


def test_argument_beats_environment_beats_file(command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    row = b'{"id": 1, "text": "Who wrote Hamlet?"}'
    monkeypatch.chdir(tmp_path)
    Path("pilotfish.toml").write_text('policy = "always-local"')
    assert json.loads(command("classify", stdin=row).out)["policy"] == "always-local"
    monkeypatch.setenv("PILOTFISH_POLICY", "random")
    assert json.loads(command("classify", stdin=row).out)["policy"] == "random"
    assert json.loads(command("classify", "--policy", "rules", stdin=row).out)["policy"] == "rules"
