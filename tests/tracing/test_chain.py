from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.tracing.chain import Anchor, read_anchor, write_anchor
from pilotfish.tracing.ledger import Ledger

RECORDS = 15
COLUMNS = ("run_id", "kind", "subtask_id", "key", "at", "body", "content", "hash")
places = st.integers(1, RECORDS)
edits = st.tuples(
    st.just("edit"), places, st.sampled_from(COLUMNS), st.text(max_size=8) | st.binary(max_size=4)
)
deletions = st.tuples(st.just("delete"), places, st.integers(0, 3))
swaps = st.tuples(st.just("swap"), places, places)
forgeries = st.tuples(st.just("forge"), places, st.booleans())
texts = st.tuples(st.just("text"), st.integers(0, 30), st.text(max_size=8))
moves = st.tuples(st.just("move"), places, st.integers(-3, 40))


def rows_of(connection: sqlite3.Connection) -> list[Any]:
    return (
        connection.execute("SELECT * FROM records").fetchall()
        + connection.execute("SELECT * FROM contents ORDER BY sha256").fetchall()
    )


def mutate(connection: sqlite3.Connection, what: str, first: Any, *more: Any) -> None:
    if what == "edit":
        connection.execute(f"UPDATE OR IGNORE records SET {more[0]} = ? WHERE seq = ?", (more[1], first))
    elif what == "delete":
        connection.execute("DELETE FROM records WHERE seq BETWEEN ? AND ?", (first, first + more[0]))
    elif what == "swap":
        connection.execute(
            "UPDATE records SET seq = CASE seq WHEN ?1 THEN -?2 ELSE -?1 END WHERE seq IN (?1, ?2)",
            (first, more[0]),
        )
        connection.execute("UPDATE records SET seq = -seq WHERE seq < 0")
    elif what == "forge":  # with the hash of another record, at the end or in a gap made for it
        place = RECORDS + 1 if more[0] else first
        if not more[0]:
            connection.execute("UPDATE records SET seq = -seq - 1 WHERE seq >= ?", (first,))
            connection.execute("UPDATE records SET seq = -seq WHERE seq < 0")
        other = "(SELECT hash FROM records WHERE seq <> ?1 ORDER BY seq LIMIT 1)"
        connection.execute(
            "INSERT INTO records (seq, run_id, kind, at, body, hash) "
            f"VALUES (?1, 'r0', 'answer', '2026-11-22', '{{}}', {other})",
            (place,),
        )
    elif what == "text":
        digests = [row[0] for row in connection.execute("SELECT sha256 FROM contents ORDER BY sha256")]
        digest = digests[first % len(digests)]
        connection.execute("UPDATE contents SET text = ? WHERE sha256 = ?", (more[0], digest))
    else:
        connection.execute("UPDATE OR IGNORE records SET seq = ? WHERE seq = ?", (more[0], first))


@given(mutation=st.one_of(edits, deletions, swaps, forgeries, texts, moves))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
def test_whatever_is_changed_is_found(filled: Ledger, mutation: tuple[Any, ...]) -> None:
    anchor = filled.inspect().end
    filled.checkpoint()
    filled.close()
    copy = filled.path.with_name("copy.db")
    shutil.copyfile(filled.path, copy)
    with sqlite3.connect(copy) as connection:
        connection.text_factory = bytes
        before = rows_of(connection)
        mutate(connection, *mutation)
        changed = rows_of(connection) != before
    connection.close()
    tampered = Ledger(copy)
    problems = tampered.verify(anchor)
    tampered.close()
    for rest in ("copy.db", "copy.db-wal", "copy.db-shm"):
        copy.with_name(rest).unlink(missing_ok=True)
    assert bool(problems) is changed


def test_a_cut_off_end_takes_an_anchor_to_be_found(filled: Ledger, change: Callable[..., None]) -> None:
    anchor = filled.inspect().end
    change(filled, "DELETE FROM records WHERE seq > 12")
    assert filled.verify() == [], "the chain alone cannot tell"
    assert filled.verify(anchor) == ["records 13 to 15, which the anchor saw, are cut off the end"]


def test_a_chain_written_anew_takes_an_anchor_to_be_found(
    filled: Ledger, tmp_path: Path, bodies: dict[str, Callable[..., Any]]
) -> None:
    forged = Ledger(tmp_path / "forged.db")
    for run_id in ("r0", "r1", "r2", "r3"):
        bodies["run"](forged, run_id)
    forged_problems = forged.verify(filled.inspect().end)
    assert forged.verify() == []
    assert "written anew" in forged_problems[0]


def test_an_anchor_holds_while_the_ledger_grows(
    filled: Ledger, tmp_path: Path, bodies: dict[str, Callable[..., Any]]
) -> None:
    write_anchor(tmp_path / "anchor.json", filled.inspect().end)
    bodies["run"](filled, "r3")
    assert read_anchor(tmp_path / "anchor.json").seq == RECORDS
    assert filled.verify(read_anchor(tmp_path / "anchor.json")) == []


def test_an_empty_ledger_has_an_anchor_too(ledger: Ledger) -> None:
    assert ledger.inspect().end == Anchor(seq=0, hash="")
    assert ledger.verify(Anchor(seq=0, hash="")) == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seq": "x", "hash": ""}'])
def test_what_is_no_anchor_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(UsageError, match="not an anchor"):
        read_anchor(tmp_path / "a")


def test_a_missing_anchor_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--write"):
        read_anchor(tmp_path / "none")
