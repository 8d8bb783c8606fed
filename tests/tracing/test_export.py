from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.tracing.chain import record_hash
from pilotfish.tracing.content import split_content
from pilotfish.tracing.export import export
from pilotfish.tracing.ledger import Ledger


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_record_is_a_line_with_its_texts(filled: Ledger, tmp_path: Path) -> None:
    done = export(filled, tmp_path / "all.jsonl")
    rows = lines(tmp_path / "all.jsonl")
    assert (done.records, len(rows)) == (15, 15)
    assert [row["seq"] for row in rows] == list(range(1, 16))
    assert rows[0]["body"]["task"] == "secret task of r0"
    assert rows[1]["texts"] == {"prompt": "secret prompt of r0", "answer": "secret reply of r0"}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["all.jsonl"], "no draft is left"


def test_an_export_can_be_verified_without_the_ledger(filled: Ledger, tmp_path: Path) -> None:
    export(filled, tmp_path / "all.jsonl")
    before = ""
    for row in lines(tmp_path / "all.jsonl"):
        metadata = json.dumps(split_content(row["kind"], row["body"])[0], sort_keys=True)
        fields = [row[name] for name in ("run_id", "kind", "subtask_id", "key", "at")]
        before = record_hash(before, *fields, metadata, row["content_sha256"])
        assert before == row["hash"]


def test_without_content_no_text_leaves(filled: Ledger, tmp_path: Path) -> None:
    export(filled, tmp_path / "bare.jsonl", run_id="r1", content=False)
    rows = lines(tmp_path / "bare.jsonl")
    assert {row["run_id"] for row in rows} == {"r1"}
    assert "secret " not in (tmp_path / "bare.jsonl").read_text()
    assert all(row["hash"] for row in rows)


def test_half_of_a_surrogate_pair_is_exported(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append("r", "run", {"task": "half \ud800 pair"})
    export(ledger, tmp_path / "x.jsonl")
    assert lines(tmp_path / "x.jsonl")[0]["body"]["task"] == "half \ud800 pair"


def test_parquet_has_the_same_rows(filled: Ledger, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(filled, tmp_path / "all.jsonl")
    export(filled, tmp_path / "all.parquet")
    rows = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    for row in rows:
        row |= {"body": json.loads(row["body"]), "texts": json.loads(row["texts"])}
    assert rows == lines(tmp_path / "all.jsonl")


def test_parquet_without_its_library_names_the_remedy(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "all.parquet").write_text("what was there")
    with pytest.raises(UsageError, match=r"pilotfish\[lab\]"):
        export(filled, tmp_path / "all.parquet")
    assert (tmp_path / "all.parquet").read_text() == "what was there"


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "all.jsonl"
    target.write_text("what was there")
    monkeypatch.setattr(
        filled, "content", lambda _digest: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(OSError, match="No space"):
        export(filled, target)
    assert [path.name for path in target.parent.iterdir()] == ["all.jsonl"]
    assert target.read_text() == "what was there"


@pytest.mark.parametrize("name", ["x.csv", "x", "none/x.jsonl"])
def test_a_path_that_will_not_do_is_said_so(filled: Ledger, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="x"):
        export(filled, tmp_path / name)


def test_an_unknown_run_is_said_so(filled: Ledger, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run 'zz'"):
        export(filled, tmp_path / "x.jsonl", run_id="zz")
    assert not (tmp_path / "x.jsonl").exists()
