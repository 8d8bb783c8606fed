from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.tracing.content import CONTENT_FIELDS, merge_content, split_content
from pilotfish.tracing.ledger import Ledger
from pilotfish.tracing.record import RecordKind

# What a model or a user may write: half of a surrogate pair, control characters, names that look like paths.
texts = st.text(st.characters(codec=None), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
items = st.lists(st.fixed_dictionaries({"text": values, "detail": values, "source": texts}), max_size=3)
any_body = st.fixed_dictionaries(
    {"text": values, "task": values, "value": values, "reason": values, "answer": values, "status": texts},
    optional={"evidence": items | values, "escalations": items, "subtasks": items, "verdict": values},
)


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@given(kind=st.sampled_from(get_args(RecordKind)), body=any_body)
def test_what_is_taken_out_comes_back(kind: RecordKind, body: dict[str, Any]) -> None:
    before = json.dumps(body)
    metadata, content = split_content(kind, body)
    assert json.dumps(body) == before, "the caller's body is left as it is"
    again = merge_content(json.loads(json.dumps(metadata)), json.loads(json.dumps(content)))
    assert again == body


@given(body=any_body)
def test_a_blank_body_has_nothing_left_to_take(body: dict[str, Any]) -> None:
    for kind in CONTENT_FIELDS:
        metadata, _ = split_content(kind, body)
        assert split_content(kind, metadata) == (metadata, {})


def everything_in(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.parametrize("keep", [True, False])
def test_no_text_is_in_the_file_when_content_is_off(
    tmp_path: Path, bodies: dict[str, Callable[..., Any]], keep: bool
) -> None:
    ledger = Ledger(tmp_path / "own" / "ledger.db", keep_content=keep)
    bodies["run"](ledger, "r0")
    ledger.keep("secret text kept by hand")
    assert (b"secret" in everything_in(ledger.path)) is keep
    assert ledger.verify() == []


def test_texts_stand_beside_the_chain_and_not_in_it(filled: Ledger) -> None:
    with sqlite3.connect(filled.path) as connection:
        rows = [body for (body,) in connection.execute("SELECT body FROM records")]
    connection.close()
    assert not any("secret " in row for row in rows)
    (subtask,) = filled.records("r1", "subtask")
    assert (subtask.body["answer"], subtask.body["evidence"][0]["text"]) == (
        "secret answer",
        "secret passage",
    )
    assert not subtask.content_missing


def test_a_record_without_its_texts_says_so_and_keeps_its_shape(
    ledger: Ledger, bodies: dict[str, Callable[..., Any]]
) -> None:
    ledger.append("r", "subtask", bodies["subtask"](), keep_content=False)
    ledger.append("r", "feedback", {"reward": 1.0})
    bare, feedback = ledger.records("r")
    assert bare.content_missing
    assert not feedback.content_missing, "it had none to lose"
    assert sorted(strings(bare.body["citations"])) == ["", "a.md", "c", "x"]
    assert (bare.body["answer"], bare.body["value"], bare.body["status"]) == ("", {}, "accepted")
    assert bare.content_sha256 is not None


def test_the_same_texts_are_kept_once(ledger: Ledger, bodies: dict[str, Callable[..., Any]]) -> None:
    for _ in range(3):
        ledger.append("r", "subtask", bodies["subtask"]())
    assert ledger.inspect().contents == 1


OLD = """
CREATE TABLE records (seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, kind TEXT NOT NULL, subtask_id TEXT, key TEXT,
                      at TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO records VALUES (1,'r','run',NULL,NULL,'2026-11-21T00:00:00.000+00:00','{"task": "an old task"}',
'HASH');
"""


def test_a_ledger_of_the_first_format_reads_verifies_and_goes_on(tmp_path: Path) -> None:
    from pilotfish.tracing.chain import link

    path = tmp_path / "ledger.db"
    digest = link("", "r", "run", None, None, "2026-11-21T00:00:00.000+00:00", '{"task": "an old task"}')
    connection = sqlite3.connect(path)
    connection.executescript(OLD.replace("HASH", digest))
    connection.close()
    ledger = Ledger(path)
    assert ledger.summary("r").task == "an old task"
    ledger.append("r", "answer", {"text": "new", "status": "answered"})
    assert ledger.verify() == []
    assert ledger.summary("r").status == "answered"


def test_a_ledger_of_a_newer_format_is_left_alone(ledger: Ledger, change: Callable[..., None]) -> None:
    ledger.append("r", "run", {"task": "t"})
    change(ledger, "PRAGMA user_version = 99")
    with pytest.raises(Exception, match="newer Pilotfish"):
        ledger.append("r", "answer", {})
