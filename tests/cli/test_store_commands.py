from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish.testing.embedder import FakeEmbedder


@pytest.fixture(autouse=True)
def _fake_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilotfish.models.embedder.load_embedder", lambda **_options: FakeEmbedder())


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "suez.md").write_text("# Suez Canal\n\nThe Suez Canal permits a draft of 20.1 m.\n")
    (folder / "noise.dat").write_bytes(bytes(range(256)))
    return folder


def test_what_is_ingested_is_found_with_its_scores(command: Any, corpus: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    report = command("ingest", str(corpus), "--store", store, "--json").data
    assert (report["added"], report["chunks"]) == (1, 1)
    assert [path for path, _why in report["skipped"]] == ["noise.dat"]
    (hit,) = command("search", "Suez draft", "--store", store, "-k", "1", "--json").data
    assert (hit["source"], hit["rank"], "20.1 m" in hit["text"]) == ("suez.md", 1, True)
    assert {"bm25", "rrf"} <= set(hit["scores"])
    assert "1 unchanged" in command("ingest", str(corpus), "--store", store).out
    readable = command("search", "Suez draft", "--store", store).out
    assert readable.startswith("evidence: ")
    assert "1. suez.md" in readable


def test_a_store_that_is_not_there_is_a_wrong_command(command: Any, corpus: Path) -> None:
    outcome = command("search", "x", "--store", str(corpus), "--json")
    assert outcome.code == 2
    assert "ingest" in outcome.data["error"]["message"]


def test_a_store_is_not_written_among_the_documents(command: Any, corpus: Path) -> None:
    before = sorted(corpus.iterdir())
    assert command("ingest", str(corpus), "--store", str(corpus)).code == 2
    assert sorted(corpus.iterdir()) == before
