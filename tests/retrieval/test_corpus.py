from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.retrieval.corpus import open_corpus
from pilotfish.testing.embedder import FakeEmbedder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "docs"
    path.mkdir()
    (path / "a.md").write_text("# Suez\nThe draft is 20.1 m.\n")
    return path


def test_the_same_folder_is_the_same_store_however_it_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = FakeEmbedder()
    with open_corpus(folder, home=tmp_path / "home", embedder=embedder) as store:
        assert store.search("Suez")[0].source == "a.md"
    monkeypatch.chdir(tmp_path)
    embedder.encoded.clear()
    with open_corpus("docs", home=tmp_path / "home", embedder=embedder):
        assert embedder.encoded == []
    assert len(list((tmp_path / "home" / "stores").iterdir())) == 1


def test_changes_are_taken_in_at_opening(folder: Path, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    open_corpus(folder, home=tmp_path, embedder=embedder).close()
    (folder / "a.md").write_text("# Panama\nThe draft is 15.24 m.\n")
    with open_corpus(folder, home=tmp_path, embedder=embedder) as store:
        assert {hit.heading for hit in store.search("draft")} == {"Panama"}


@pytest.mark.parametrize("name", ["missing", "empty", "file.md"])
def test_a_corpus_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.md").write_text("text")
    with pytest.raises(UsageError, match=name):
        open_corpus(tmp_path / name, home=tmp_path / "home", embedder=FakeEmbedder())


_OPEN_AGAIN = """
import sys
from pathlib import Path
from pilotfish.retrieval.corpus import open_corpus
from pilotfish.testing.embedder import FakeEmbedder
open_corpus(sys.argv[1], home=Path(sys.argv[2]), embedder=FakeEmbedder())
print(*sorted({"chromadb", "bm25s", "torch", "sentence_transformers"} & set(sys.modules)))
"""


def test_an_unchanged_corpus_opens_without_any_index_or_model(folder: Path, tmp_path: Path) -> None:
    open_corpus(folder, home=tmp_path, embedder=FakeEmbedder()).close()
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_AGAIN, str(folder), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.split() == []
