from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, get_args

import pytest

from pilotfish.models.settings import load_settings
from pilotfish.tracing.ledger import Ledger
from pilotfish.tracing.record import RecordKind


@pytest.fixture
def run_id(command: Any, scripted: Any) -> str:
    scripted(lambda _text: "Answer: 391")
    return command("ask", "What is 17 * 23?", "--json").data["run_id"]


def ledger() -> Ledger:
    return Ledger(load_settings().home / "ledger.db")


def tamper(statement: str) -> None:
    with sqlite3.connect(load_settings().home / "ledger.db") as connection:
        connection.execute(statement)
    connection.close()


def test_every_kind_of_record_can_be_shown(command: Any, run_id: str) -> None:
    for kind in sorted({*get_args(RecordKind)} - {"call"}):
        ledger().append(
            run_id, kind, {"reward": 0.5, "status": "pass", "odd": [1, {"a": None}], "text": "[b]"}
        )
    shown = command("runs", "show", run_id)
    assert shown.code == 0, shown.err
    assert all(f" {kind}" in shown.out for kind in get_args(RecordKind))
    assert "reward 0.5" in shown.out


def test_purpose_and_price_table_are_shown(
    command: Any, scripted: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "prices.toml").write_text('version = "2026-11"\n[models."*"]\ninput = 1.0\noutput = 2.0\n')
    monkeypatch.setenv("PILOTFISH_PRICES", str(tmp_path / "prices.toml"))
    scripted(lambda _text: "Answer: 391")
    run = command("ask", "What is 17 * 23?", "--json").data["run_id"]
    shown = command("runs", "show", run).out
    assert "purpose answer" in shown
    assert "price_version 2026-11" in shown


def test_texts_that_are_gone_are_said_to_be(command: Any, run_id: str) -> None:
    done = command("runs", "purge", "--older-than", "0m", "--content-only", "--json").data
    assert (done["runs"], done["records"]) == (1, 0)
    shown = command("runs", "show", run_id)
    assert "391" not in shown.out
    assert "(content not kept)" in shown.out
    assert "(content not kept)" in command("runs", "list").out
    assert command("runs", "verify").code == 0
    resumed = command("ask", "--resume", run_id)
    assert resumed.code == 2
    assert "not kept" in resumed.err


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET body = '{}' WHERE seq = 2",
        "DELETE FROM records WHERE seq = 3",
        "UPDATE contents SET text = '{}'",
    ],
)
def test_a_broken_ledger_is_exit_code_3(command: Any, run_id: str, statement: str) -> None:
    assert command("runs", "verify").code == 0
    tamper(statement)
    found = command("runs", "verify", "--json")
    assert (found.code, found.data["ok"]) == (3, False)
    assert command("runs", "verify").code == 3


def test_an_anchor_finds_a_cut_off_end(command: Any, run_id: str, tmp_path: Path) -> None:
    anchor = str(tmp_path / "anchor.json")
    missing = command("runs", "verify", "--anchor", anchor)
    assert (missing.code, "--write" in missing.err) == (2, True)
    assert command("runs", "verify", "--anchor", anchor, "--write", "--json").data["anchored"] is False
    assert command("runs", "verify", "--anchor", anchor, "--json").data["anchored"] is True
    kept = Path(anchor).read_text()
    tamper("DELETE FROM records WHERE kind = 'answer'")
    assert command("runs", "verify").code == 0
    assert command("runs", "verify", "--anchor", anchor, "--write").code == 3
    assert Path(anchor).read_text() == kept, "a broken ledger moves no anchor"
    purged = command("runs", "purge", "--older-than", "0m", "--anchor", anchor)
    assert purged.code == 2
    assert ledger().records(run_id), "nor is anything of it deleted"


def test_a_purge_carries_its_anchor_on(command: Any, run_id: str, tmp_path: Path) -> None:
    anchor = str(tmp_path / "anchor.json")
    command("runs", "verify", "--anchor", anchor, "--write")
    purged = command("runs", "purge", "--older-than", "0m", "--anchor", anchor)
    assert purged.code == 0, purged.err
    verified = command("runs", "verify", "--anchor", anchor)
    assert verified.code == 0
    assert "removed by purges" in verified.out
    assert command("runs", "list", "--json").data == []


def test_write_alone_is_a_wrong_command(command: Any) -> None:
    assert command("runs", "verify", "--write").code == 2


def test_an_age_that_is_none_is_exit_code_2(command: Any) -> None:
    wrong = command("runs", "purge", "--older-than", "soon", "--json")
    assert (wrong.code, "30d" in wrong.data["error"]["message"]) == (2, True)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_export(command: Any, run_id: str, tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / f"runs.{ending}"
    done = command("runs", "export", "--out", str(out), "--run", run_id, "--json").data
    assert done == {"path": str(out), "records": len(ledger().records(run_id)), "content": True}
    assert out.stat().st_size


def test_export_without_texts(command: Any, run_id: str, tmp_path: Path) -> None:
    out = tmp_path / "runs.jsonl"
    assert command("runs", "export", "--out", str(out), "--no-content").code == 0
    assert "17 * 23" not in out.read_text()
    assert json.loads(out.read_text().splitlines()[0])["content_missing"] is True


def test_costs(command: Any, run_id: str) -> None:
    found = command("runs", "costs", "--json").data
    assert (found["accepted"], found["answered"], found["per_accepted_usd"]) == (1, 1, 0.0)
    assert [row["purpose"] for row in found["rows"]] == ["answer"]
    ledger().append(
        run_id, "call", {**ledger().records(run_id, "call")[0].body, "purpose": "shadow", "cost_usd": 2.0}
    )
    shown = command("runs", "costs").out
    assert "total $2.0000, of which billed $0.0000" in shown
    assert "1 of 1 subtasks accepted, $2.0000 each" in shown
    assert command("runs", "costs", "--since", "2099-01-01", "--json").data["rows"] == []
