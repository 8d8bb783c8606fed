from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.tracing import ledger as ledger_module
from pilotfish.tracing.ledger import Ledger
from pilotfish.tracing.retention import moment, purge

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the ledger's clock to some days before `NOW`."""

    def days_ago(days: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return NOW - timedelta(days=days)

        monkeypatch.setattr(ledger_module, "datetime", Clock)

    return days_ago


@pytest.fixture
def aged(ledger: Ledger, at: Callable[[int], None], bodies: dict[str, Callable[..., Any]]) -> Ledger:
    """`old` and `mixed` began 40 days ago; `mixed` had an answer today, as `new` has. A canary is as old."""
    at(40)
    bodies["run"](ledger, "old")
    ledger.append("mixed", "run", {"task": "secret of mixed"})
    ledger.append("canary", "rollout", {"stage": "rolled back"})
    bodies["run"](ledger, "old2")
    at(0)
    ledger.append("mixed", "answer", {"text": "secret of mixed", "status": "answered"})
    bodies["run"](ledger, "new")
    return ledger


def everything_in(ledger: Ledger) -> bytes:
    return b"".join(file.read_bytes() for file in ledger.path.parent.iterdir())


def test_only_texts_go_and_the_chain_is_as_it_was(aged: Ledger) -> None:
    before = [(r.seq, r.content_sha256) for name in ("old", "mixed", "new") for r in aged.records(name)]
    done = purge(aged, before=NOW - timedelta(days=30), content_only=True)
    assert (done.runs, done.records, done.wiped) == (2, 0, True)
    assert [
        (r.seq, r.content_sha256) for name in ("old", "mixed", "new") for r in aged.records(name)
    ] == before
    assert aged.verify() == []
    assert aged.summary("old").task == ""
    assert [r.kind for r in aged.records("old") if r.content_missing] == ["run"], (
        "the rest is shared with `new`"
    )
    assert not any(r.content_missing for name in ("mixed", "new") for r in aged.records(name))
    data = everything_in(aged)
    assert b"secret prompt of old" not in data, "what is deleted is overwritten, in the journal too"
    assert b"secret prompt of new" in data


def test_old_runs_go_whole_and_the_chain_says_so(aged: Ledger) -> None:
    done = purge(aged, before=NOW - timedelta(days=30))
    assert (done.runs, done.records) == (2, 10)
    assert [run.run_id for run in aged.runs()] == ["new", "mixed"]
    assert [len(aged.records(name)) for name in ("old", "old2", "mixed", "new", "canary")] == [0, 0, 2, 5, 1]
    found = aged.inspect()
    assert (found.problems, found.removed, found.records) == ((), 10, 9)
    assert b"task of old" not in everything_in(aged)


def test_a_purge_after_a_purge_and_one_of_everything_still_verify(
    aged: Ledger, bodies: dict[str, Callable[..., Any]]
) -> None:
    purge(aged, before=NOW - timedelta(days=30))
    purge(aged, before=NOW + timedelta(days=1))
    bodies["run"](aged, "next")
    found = aged.inspect()
    assert (found.problems, found.removed) == ((), 17)
    numbers = [record.seq for record, _ in aged.scan()]
    assert len(set(numbers)) == len(numbers)
    assert min(r.seq for r in aged.records("next")) > found.removed, "no number is given twice"


def test_nothing_old_leaves_no_seal(aged: Ledger) -> None:
    end = aged.inspect().end
    done = purge(aged, before=NOW - timedelta(days=300))
    assert (done.runs, done.records, done.contents, aged.inspect().end) == (0, 0, 0, end)


@given(place=st.integers(1, 30), seal=st.text(max_size=5) | st.none())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_a_seal_hides_nothing_but_what_was_purged(aged: Ledger, place: int, seal: str | None) -> None:
    purge(aged, before=NOW - timedelta(days=30))
    aged.checkpoint()
    aged.close()
    copy = aged.path.with_name("copy.db")
    copy.write_bytes(aged.path.read_bytes())
    with sqlite3.connect(copy) as connection:
        if seal is None:
            changed = connection.execute("DELETE FROM records WHERE seq = ?", (place,)).rowcount
        else:
            changed = connection.execute(
                "UPDATE records SET body = ? WHERE kind = 'sealed'", (seal,)
            ).rowcount
    connection.close()
    problems = Ledger(copy).verify()
    assert bool(problems) is bool(changed), "the seal is the last record, and without it the gaps show"
    for name in ("copy.db", "copy.db-wal", "copy.db-shm"):
        copy.with_name(name).unlink(missing_ok=True)


def test_an_anchor_of_a_purged_end_shows_nothing_any_more(aged: Ledger) -> None:
    aged_end = aged.inspect().end
    purge(aged, before=NOW - timedelta(days=30))
    assert aged.verify(aged_end) == [], "its record is still there"
    purge(aged, before=NOW + timedelta(days=1))
    assert aged.verify(aged_end) == [], "its hash is the one that the seal names"
    gone = type(aged_end)(seq=aged_end.seq - 1, hash="0" * 64)
    assert "shows nothing" in aged.verify(gone)[0]


def test_a_purge_that_fails_deletes_nothing(aged: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before = aged.inspect()

    def fail(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pilotfish.tracing.retention.append_to", fail)
    with pytest.raises(ledger_module.LedgerError, match="No space left"):
        purge(aged, before=NOW - timedelta(days=30))
    assert aged.inspect() == before


def test_texts_within_old_records_are_told_of(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.append("r", "run", {"task": "inline"}, keep_content=False)
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("""UPDATE records SET body = '{"task": "inline"}', content = NULL""")
    connection.close()
    assert purge(ledger, before=datetime.now(UTC) + timedelta(days=1), content_only=True).inline == 1


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("2 w", NOW - timedelta(weeks=2)),
        ("0m", NOW),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_ages_and_dates(text: str, then: datetime) -> None:
    assert moment(text, now=NOW) == then


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "tomorrow", "9999999999d", "1y"])
def test_what_is_no_age_is_said_so(text: str) -> None:
    with pytest.raises(UsageError, match="no age and no date"):
        moment(text)
