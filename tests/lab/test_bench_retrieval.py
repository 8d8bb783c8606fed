from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.bench_retrieval import describe_mean, measure, measure_ndcg
from pilotfish.testing.embedder import FakeEmbedder

TOPICS = ["suez", "panama", "bosporus", "gibraltar", "malacca", "kiel"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in the form of `anthropic_docs`, with six passages that answer one query each."""
    folder = tmp_path / "data" / "anthropic_docs"
    folder.mkdir(parents=True)
    chunks = [
        {"chunk_link": f"#{topic}", "chunk_heading": topic, "text": f"The {topic} strait or canal."}
        for topic in TOPICS
    ]
    questions = [
        {"question": f"Where does {topic} lie?", "correct_chunks": repr([f"#{topic}"])} for topic in TOPICS
    ]
    (folder / "anthropic_docs.json").write_text(json.dumps(chunks))
    (folder / "docs_evaluation_dataset.json").write_text(json.dumps(questions))
    return tmp_path / "data"


def make(_: Path) -> FakeEmbedder:
    return FakeEmbedder(dimension=256)


def test_it_measures_what_is_there_and_names_what_is_not(data: Path, tmp_path: Path) -> None:
    report = measure(data, make, cache=tmp_path / "cache.db")
    assert report.figures.keys() == {
        "anthropic_docs_hybrid",
        "anthropic_docs_bm25",
        "anthropic_docs_dense",
        "ingest_over_plain",
        "query_over_chroma",
    }
    assert report.figures["anthropic_docs_hybrid"] == report.figures["anthropic_docs_bm25"] == 1.0
    assert "scifact, anthropic_code" in report.text


def test_an_empty_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="scifact"):
        measure(tmp_path, make, cache=tmp_path / "cache.db")


def test_ndcg_rewards_early_hits() -> None:
    assert measure_ndcg([1, 2, 3], frozenset({1})) == 1.0
    assert measure_ndcg([2, 1], frozenset({1})) == pytest.approx(1 / np.log2(3))
    assert measure_ndcg([1, 5, 2], frozenset({1, 2})) == pytest.approx((1 + 0.5) / (1 + 1 / np.log2(3)))
    assert measure_ndcg(list(range(10)), frozenset({10})) == 0.0
    assert measure_ndcg([], frozenset({1})) == 0.0


def test_an_interval_holds_the_mean_and_shrinks_with_more_queries() -> None:
    few = describe_mean(np.array([0.0, 1.0] * 10))
    many = describe_mean(np.array([0.0, 1.0] * 1000))
    assert few.startswith("0.500 [")
    assert few != many
    assert describe_mean(np.ones(5)) == "1.000 [1.000, 1.000]"
