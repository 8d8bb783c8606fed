"""A ledger with a few runs in it, whose records hold texts of every kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotfish.tracing.content import content_digest
from pilotfish.tracing.ledger import Entry, Ledger


def call(**more: Any) -> dict[str, Any]:
    """A call's body."""
    return {
        "model_id": "small",
        "model_digest": "d1",
        "prompt_name": "p",
        "prompt_version": "1",
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": 0.25,
        "latency_ms": 3.0,
        "finish_reason": "stop",
        "failure": None,
        "detail": "",
        "purpose": "answer",
        "attempt": 1,
        "arm": "",
        "price_version": "2026-11",
        **more,
    }


def subtask(**more: Any) -> dict[str, Any]:
    """A finished subtask's body."""
    return {
        "id": "s1",
        "text": "secret question",
        "status": "accepted",
        "lane": "local",
        "kind": "knowledge",
        "answer": "secret answer",
        "value": {"secret": 1},
        "failure": None,
        "verdict": {"status": "pass", "reason": "secret reason"},
        "escalations": [{"source": "local", "target": "large", "reason": "timeout", "detail": "secret why"}],
        "evidence": [{"source": "a.md", "text": "secret passage"}, {"source": "b.md", "text": ""}],
        "citations": [
            {"source": "a.md", "quote": "secret quote", "start": 0, "end": 5, "chunk_id": "c", "sha256": "x"}
        ],
        **more,
    }


def write_run(ledger: Ledger, run_id: str) -> None:
    """A run of five records."""
    asked, said = f"secret prompt of {run_id}", f"secret reply of {run_id}"
    hashes = {"prompt_sha256": content_digest(asked), "answer_sha256": content_digest(said)}
    ledger.append(run_id, "run", {"task": f"secret task of {run_id}", "policy": "rules"})
    ledger.append_all(
        [Entry(run_id=run_id, kind="call", body=call(**hashes), subtask_id="s1", texts=(asked, said))]
    )
    verdict = {
        "status": "pass",
        "reason": "secret reason",
        "checked": "schema",
        "attempt": 1,
        "lane": "local",
    }
    ledger.append_all(
        [
            Entry(run_id=run_id, kind="verdict", body=verdict, subtask_id="s1"),
            Entry(run_id=run_id, kind="subtask", body=subtask(), subtask_id="s1", key="k1"),
        ]
    )
    ledger.append(run_id, "answer", {"text": "secret answer", "status": "answered", "extra": {"s": "secret"}})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty one, in a folder that is not there yet."""
    return Ledger(tmp_path / "deep" / "ledger.db")


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Three runs."""
    for run_id in ("r0", "r1", "r2"):
        write_run(ledger, run_id)
    return ledger


@pytest.fixture
def change() -> Callable[..., None]:
    """Changes a ledger's file from outside."""

    def change_file(ledger: Ledger, statement: str, *values: object) -> None:
        ledger.close()
        connection = sqlite3.connect(ledger.path)
        with connection:
            connection.execute(statement, values)
        connection.close()

    return change_file


@pytest.fixture
def bodies() -> dict[str, Callable[..., Any]]:
    """Makers of bodies and runs."""
    return {"call": call, "subtask": subtask, "run": write_run}
