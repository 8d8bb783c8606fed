from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab.bench_tasks import measure, run
from pilotfish.retrieval.evidence import Evidence
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeRetriever

MILL = "The mill of Foo was built by Ada Bar in 1820."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    for name in ("gsm8k", "xquad"):
        (data / name).mkdir(parents=True)
    (data / "gsm8k" / "test.jsonl").write_text(
        json.dumps({"question": "What is 1 + 1 apples?", "answer": "#### 2"})
    )
    asked = {"id": "q1", "question": "When was the mill of Foo built?", "answers": [{"text": "1820"}]}
    article = {"paragraphs": [{"context": MILL, "qas": [asked]}]}
    (data / "xquad" / "xquad.en.json").write_text(json.dumps({"data": [article]}))
    return data


def find_mill(query: str, _k: int) -> list[Evidence]:
    if "mill" not in query:
        return []
    return [Evidence(source="m", text=MILL, chunk_id="1", start=0, end=len(MILL), rank=1, grade="sufficient")]


def test_it_says_what_each_part_adds(data: Path, tmp_path: Path) -> None:
    def reply(text: str) -> str:
        return "The mill of Foo was built in 1820." if MILL in text else "Answer: 2"

    report = measure(
        data, tmp_path / "kept", each=1, local=ScriptedChat(reply=reply), corpus=FakeRetriever(find_mill)
    )
    figures = report.figures
    assert figures["gsm8k_always-local_accuracy"] == 1.0
    assert figures["gsm8k_always-retrieval_answered"] == 0.0
    assert (figures["gsm8k_retrieval"], figures["xquad_retrieval"]) == (-1.0, 1.0)
    assert (figures["xquad_always-retrieval_accuracy"], figures["xquad_always-retrieval_exact"]) == (1.0, 0.0)
    assert figures["all_learned_accuracy"] == 1.0
    assert (figures["all_always-local_accepted"], figures["all_always-local, unvoted_accepted"]) == (1.0, 0.0)
    assert figures["held_in_corpus_xquad"] == 1.0
    for words in (
        "### xquad (1 questions)",
        "| learned |",
        "retrieval alone, beside the small model alone: +1.000",
    ):
        assert words in report.text


def test_without_data_the_remedy_is_named() -> None:
    with pytest.raises(UsageError, match="--data"):
        run(None)
