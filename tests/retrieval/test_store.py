from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.retrieval import store as store_module
from pilotfish.retrieval.lock import StoreLock, StoreLockedError
from pilotfish.retrieval.manifest import StoreError
from pilotfish.retrieval.store import HybridStore
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.retriever_conformance import check_refusals, check_retriever

CANALS = (
    "# Canals\n\n## Suez\n\nThe Suez Canal takes a draft of 20.1 m.\n\n## Panama\n\nNeopanamax is 15.24 m.\n"
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    (folder / "canals.md").write_text(CANALS)
    (folder / "cakes.txt").write_text("A cake is baked at 180 degrees. Let it cool.")
    (folder / "deep" / "ports.html").write_text("<h1>Ports</h1><p>Rotterdam handles containers.</p>")
    return folder


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def store(tmp_path: Path, corpus: Path, embedder: FakeEmbedder) -> Iterator[HybridStore]:
    with HybridStore.open(tmp_path / "store", embedder=embedder, create=True) as opened:
        opened.ingest(corpus)
        yield opened


def sources(store: HybridStore, query: str) -> list[str]:
    return [hit.source for hit in store.search(query, 10)]


def test_it_is_a_retriever(store: HybridStore) -> None:
    check_retriever(store, query="draft of the Suez Canal")
    check_refusals(store)


def test_a_hit_says_where_it_stands_and_why_it_ranks(
    store: HybridStore, corpus: Path, embedder: FakeEmbedder
) -> None:
    hit = store.search("draft of the Suez Canal", 3)[0]
    assert hit.source == "canals.md"
    assert hit.heading == "Canals > Suez"
    assert (corpus / hit.source).read_text()[hit.start : hit.end] == hit.text
    assert hit.scores.keys() == {"bm25", "dense", "rrf"}
    assert hit.model_id == embedder.model_id


def test_a_leg_that_did_not_find_a_passage_gives_it_no_score(store: HybridStore) -> None:
    hits = {hit.source: hit for hit in store.search("Rotterdam", 10)}
    assert "bm25" in hits["deep/ports.html"].scores
    assert "bm25" not in hits["cakes.txt"].scores


def test_a_query_without_any_word_still_gets_neighbours_but_no_evidence(store: HybridStore) -> None:
    assert {hit.grade for hit in store.search("?!", 2)} == {"none"}


def test_ingest_reads_and_embeds_only_what_changed(
    store: HybridStore, corpus: Path, embedder: FakeEmbedder
) -> None:
    embedder.encoded.clear()
    (corpus / "canals.md").write_text(CANALS.replace("15.24", "15.30"))
    (corpus / "cakes.txt").unlink()
    (corpus / "new.txt").write_text("Bunker fuel is costly.")
    report = store.ingest(corpus)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 1)
    assert len(embedder.encoded) == 2
    assert report.chunks == len(store) == 4


def test_what_vanished_from_the_folder_is_not_found_again(store: HybridStore, corpus: Path) -> None:
    assert "cakes.txt" in sources(store, "cake degrees")
    (corpus / "cakes.txt").unlink()
    store.ingest(corpus)
    assert "cakes.txt" not in sources(store, "cake degrees")
    assert store.verify().ok


def test_an_old_text_is_gone_after_an_edit(store: HybridStore, corpus: Path) -> None:
    (corpus / "cakes.txt").write_text("Bread rises overnight.")
    store.ingest(corpus)
    texts = [hit.text for hit in store.search("cake bread", 10)]
    assert "Bread rises overnight." in texts
    assert not any("180" in text for text in texts)


def test_an_unchanged_folder_is_recognised_without_model_or_index(
    store: HybridStore, corpus: Path, embedder: FakeEmbedder
) -> None:
    embedder.encoded.clear()
    report = store.ingest(corpus)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 0, 0, 3)
    assert embedder.encoded == []


def test_an_unreadable_file_is_reported_each_time_and_stops_nothing(store: HybridStore, corpus: Path) -> None:
    (corpus / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    for _ in range(2):
        report = store.ingest(corpus)
        assert [path for path, _ in report.skipped] == ["picture.png", "torn.pdf"]
        assert report.chunks == 4


def test_a_link_that_leads_outside_is_skipped(store: HybridStore, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("password")
    (corpus / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.txt").write_text("password")
    (corpus / "linked").symlink_to(tmp_path / "outside")
    report = store.ingest(corpus)
    assert dict(report.skipped).keys() == {"link.txt", "linked"}
    assert not any("password" in hit.text for hit in store.search("password", 10))


@pytest.mark.parametrize("content", [None, {}, {"a.png": b"\x89PNG"}])
def test_a_folder_with_nothing_to_read_is_refused_by_name(
    tmp_path: Path, embedder: FakeEmbedder, content: dict[str, bytes] | None
) -> None:
    folder = tmp_path / "nothing"
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    with (
        HybridStore.open(tmp_path / "store", embedder=embedder, create=True) as store,
        pytest.raises(UsageError, match="nothing"),
    ):
        store.ingest(folder)


def test_a_store_mirrors_one_folder(store: HybridStore, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("Other text.")
    with pytest.raises(StoreError, match="store of its own"):
        store.ingest(other)


def test_a_moved_folder_is_the_same_corpus(
    store: HybridStore, corpus: Path, tmp_path: Path, embedder: FakeEmbedder
) -> None:
    corpus.rename(tmp_path / "moved")
    embedder.encoded.clear()
    assert store.ingest(tmp_path / "moved").unchanged == 3
    assert embedder.encoded == []


def test_a_missing_and_an_empty_store_say_so(tmp_path: Path, embedder: FakeEmbedder) -> None:
    with pytest.raises(StoreError, match="no store at"):
        HybridStore.open(tmp_path / "nowhere", embedder=embedder)
    with (
        HybridStore.open(tmp_path / "fresh", embedder=embedder, create=True) as store,
        pytest.raises(StoreError, match="ingest a folder first"),
    ):
        store.search("anything")


def test_another_embedding_model_is_refused(store: HybridStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"fake-embedder.*not with 'other'"):
        HybridStore.open(tmp_path / "store", embedder=FakeEmbedder(model_id="other"))
    altered = FakeEmbedder()
    altered.digest = "0" * 64
    with pytest.raises(StoreError, match="0000"):
        HybridStore.open(tmp_path / "store", embedder=altered, create=True)


def damage_chroma(index: Path) -> None:
    database = index / "chroma" / "chroma.sqlite3"
    database.write_bytes(b"not a database" * 1000)


def damage_bm25(index: Path) -> None:
    (index / "bm25" / "rows.json").write_text("[")


def forget_built(index: Path) -> None:
    (index / "built.json").unlink()


def age_built(index: Path) -> None:
    path = index / "built.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"generation": 0}))


@pytest.mark.parametrize("damage", [damage_chroma, damage_bm25, forget_built, age_built, shutil.rmtree])
def test_a_damaged_index_is_seen_and_made_again(
    tmp_path: Path, corpus: Path, embedder: FakeEmbedder, damage: object
) -> None:
    with HybridStore.open(tmp_path / "store", embedder=embedder, create=True) as store:
        store.ingest(corpus)
    damage(next((tmp_path / "store").glob("index-*")))  # type: ignore[operator]
    with HybridStore.open(tmp_path / "store", embedder=embedder) as store:
        assert not store.verify().ok
        assert "canals.md" in sources(store, "Suez")
        assert store.verify().ok


def test_wrong_vectors_are_seen_and_rebuild_repairs_them(
    tmp_path: Path, corpus: Path, embedder: FakeEmbedder
) -> None:
    class Lying(FakeEmbedder):
        def encode_document(self, texts):  # type: ignore[no-untyped-def]
            return super().encode_document([text[::-1] for text in texts])

    with HybridStore.open(tmp_path / "store", embedder=Lying(), create=True) as store:
        store.ingest(corpus)
    with HybridStore.open(tmp_path / "store", embedder=embedder) as store:
        (problem,) = store.verify().problems
        assert "4 vectors" in problem
        store.rebuild()
        assert store.verify().ok


def test_an_altered_chunk_file_is_seen_and_ingest_reads_everything_again(
    store: HybridStore, corpus: Path, tmp_path: Path
) -> None:
    store.close()
    path = next((tmp_path / "store").glob("chunks-*"))
    path.write_text(path.read_text().replace("20.1", "99.9"))
    (problem,) = store.verify().problems
    assert "altered" in problem
    (corpus / "new.txt").write_text("One more.")
    store.ingest(corpus)
    assert store.verify().ok
    assert any("20.1" in hit.text for hit in store.search("Suez draft"))


@pytest.mark.parametrize("step", ["write_chunks", "build_index", "write_manifest"])
def test_a_crash_half_way_leaves_the_old_state(
    store: HybridStore, corpus: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = sources(store, "Suez bread")

    def crash(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    (corpus / "canals.md").write_text("Bread only.")
    with monkeypatch.context() as patch:
        patch.setattr(store_module, step, crash)
        with pytest.raises(KeyboardInterrupt):
            store.ingest(corpus)
    assert sources(store, "Suez bread") == before
    assert store.verify().ok
    store.close()
    assert sources(store, "Suez bread") == before
    assert store.ingest(corpus).changed == 1
    assert any("Bread" in hit.text for hit in store.search("bread"))
    assert store.verify().ok


_KILLED_WRITER = """
import os, sys
from pathlib import Path
from pilotfish.retrieval import store as module
from pilotfish.testing.embedder import FakeEmbedder
module.write_manifest = lambda *args: os._exit(9)
module.HybridStore.open(sys.argv[1], embedder=FakeEmbedder()).ingest(sys.argv[2])
"""


def test_a_killed_writer_leaves_the_old_state_and_no_lock(
    store: HybridStore, corpus: Path, tmp_path: Path
) -> None:
    (corpus / "cakes.txt").write_text("Bread only.")
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_WRITER, str(tmp_path / "store"), str(corpus)], check=False
    )
    assert done.returncode == 9
    assert "cakes.txt" in sources(store, "cake")
    assert store.ingest(corpus).changed == 1
    assert store.verify().ok


_SEARCHER = """
import sys
from pilotfish.retrieval.store import HybridStore
from pilotfish.testing.embedder import FakeEmbedder
with HybridStore.open(sys.argv[1], embedder=FakeEmbedder()) as store:
    for _ in range(50):
        assert store.search("Suez draft")[0].source == "canals.md"
"""


def test_processes_search_at_once_while_another_holds_the_write_lock(
    store: HybridStore, tmp_path: Path
) -> None:
    store.close()
    with StoreLock(tmp_path / "store"):
        other = subprocess.Popen([sys.executable, "-c", _SEARCHER, str(tmp_path / "store")])
        while other.poll() is None:
            assert sources(store, "Suez draft")[0] == "canals.md"
        assert other.returncode == 0


def test_a_second_writer_is_told_who_holds_the_store(
    store: HybridStore, corpus: Path, tmp_path: Path, embedder: FakeEmbedder
) -> None:
    (corpus / "new.txt").write_text("One more.")
    other = HybridStore.open(tmp_path / "store", embedder=embedder, lock_timeout_s=0)
    with StoreLock(tmp_path / "store"), pytest.raises(StoreLockedError, match=f"process {os.getpid()} "):
        other.ingest(corpus)
    assert other.ingest(corpus).added == 1


def test_a_reader_follows_what_another_store_object_wrote(
    store: HybridStore, corpus: Path, tmp_path: Path, embedder: FakeEmbedder
) -> None:
    with HybridStore.open(tmp_path / "store", embedder=embedder) as reader:
        assert "new.txt" not in sources(reader, "bunker")
        for number in range(3):
            (corpus / "new.txt").write_text(f"Bunker fuel number {number}.")
            store.ingest(corpus)
        assert any("number 2" in hit.text for hit in reader.search("bunker"))


def test_threads_share_a_store(store: HybridStore, corpus: Path) -> None:
    started = threading.Barrier(4)

    def search(number: int) -> str:
        started.wait()
        return store.search("Suez draft" if number % 2 else "baked cake")[0].source

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(search, range(4))) == ["cakes.txt", "canals.md"] * 2


def test_the_store_may_lie_inside_the_folder_it_mirrors(corpus: Path, embedder: FakeEmbedder) -> None:
    with HybridStore.open(corpus / "store", embedder=embedder, create=True) as store:
        store.ingest(corpus)
        assert store.ingest(corpus).added == 0
        assert all(not hit.source.startswith("store/") for hit in store.search("manifest chunks", 10))


def test_only_the_generation_in_force_and_the_one_before_are_kept(
    store: HybridStore, corpus: Path, tmp_path: Path
) -> None:
    for number in range(4):
        (corpus / "new.txt").write_text(f"Number {number}.")
        store.ingest(corpus)
    assert len(list((tmp_path / "store").glob("index-*"))) == 2
    assert len(list((tmp_path / "store").glob("chunks-*"))) == 2
