"""Readers of the public data sets that retrieval is measured and its grade is trained on.

Sources: SciFact (allenai), XQuAD (google-deepmind/xquad), and the two sets of anthropics/claude-cookbooks: skills.
They are read from the caller's folder; no row of them is part of the project.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import UsageError

SETS = ("scifact", "anthropic_docs", "anthropic_code")
"""The sets with relevance judgements."""
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSet:
    """Texts, and for each query the rows of the texts that are relevant."""

    name: str
    texts: Sequence[str]
    queries: Sequence[str]
    relevant: Sequence[frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A SciFact claim."""

    text: str
    cited: frozenset[int]
    """Rows of the abstracts it was written from."""
    evidence: frozenset[int]
    """Rows of the abstracts that support or contradict it; empty where there is not enough information."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An XQuAD question."""

    text: str
    paragraph: int
    """Row of the paragraph that answers it."""


def read_set(name: str, data: Path) -> RetrievalSet:
    """The set `name` under the folder `data`; `UsageError` where it is absent."""
    readers = {"scifact": read_scifact, "anthropic_docs": _read_docs, "anthropic_code": _read_code}
    return readers[name](data)


def read_scifact(data: Path, *, split: Literal["train", "validation"] = "validation") -> RetrievalSet:
    """SciFact as BEIR has it: title and abstract, and the claims that cite them; its test set is `validation`."""
    claims = read_claims(data, split=split)
    return RetrievalSet(
        name="scifact",
        texts=read_abstracts(data),
        queries=[claim.text for claim in claims],
        relevant=[claim.cited for claim in claims],
    )


def read_abstracts(data: Path) -> list[str]:
    """The abstracts of SciFact, each after its title."""
    rows = _read_scifact_table(data, "corpus_train.csv")
    return [f"{row['title']} {' '.join(_parse_strings(row['abstract']))}" for row in rows]


def read_claims(data: Path, *, split: Literal["train", "validation"]) -> list[Claim]:
    """The claims of one split; a claim stands in several rows of the table, one for each piece of evidence."""
    numbers = {
        row["doc_id"]: number for number, row in enumerate(_read_scifact_table(data, "corpus_train.csv"))
    }
    texts: dict[str, tuple[str, set[int], set[int]]] = {}
    for row in _read_scifact_table(data, f"claims_{split}.csv"):
        _, cited, evidence = texts.setdefault(row["id"], (row["claim"], set(), set()))
        cited |= {numbers[key] for key in re.findall(r"\d+", row["cited_doc_ids"])}
        if row["evidence_doc_id"]:
            evidence.add(numbers[str(int(float(row["evidence_doc_id"])))])
    return [Claim(text=t, cited=frozenset(c), evidence=frozenset(e)) for t, c, e in texts.values()]


def _parse_strings(text: str) -> list[str]:
    """The strings of a printed numpy array, which puts no commas between them."""
    return [ast.literal_eval(found) for found in _STRING.findall(text)]


def _read_scifact_table(data: Path, name: str) -> Iterator[dict[str, str]]:
    path = _require(data / "scifact" / "scifact.zip")
    with zipfile.ZipFile(path) as archive:
        text = archive.read(name).decode()
    csv.field_size_limit(2**24)
    return csv.DictReader(io.StringIO(text))


def _read_docs(data: Path) -> RetrievalSet:
    chunks = _read_json(data / "anthropic_docs" / "anthropic_docs.json")
    questions = _read_json(data / "anthropic_docs" / "docs_evaluation_dataset.json")
    rows: dict[str, int] = {chunk["chunk_link"]: row for row, chunk in enumerate(chunks)}
    return RetrievalSet(
        name="anthropic_docs",
        texts=[chunk["text"] for chunk in chunks],
        queries=[question["question"] for question in questions],
        relevant=[_find_rows(rows, _parse_list(question["correct_chunks"])) for question in questions],
    )


def _read_code(data: Path) -> RetrievalSet:
    documents = _read_json(data / "anthropic_code" / "codebase_chunks.json")
    path = _require(data / "anthropic_code" / "evaluation_set.jsonl")
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    chunks = [
        ((document["original_uuid"], chunk["original_index"]), chunk["content"])
        for document in documents
        for chunk in _parse_list(document["chunks"])
    ]
    rows = {key: row for row, (key, _) in enumerate(chunks)}
    return RetrievalSet(
        name="anthropic_code",
        texts=[text for _, text in chunks],
        queries=[question["query"] for question in questions],
        relevant=[
            _find_rows(rows, [(uuid, index) for uuid, index in question["golden_chunk_uuids"]])
            for question in questions
        ],
    )


def read_questions(data: Path) -> tuple[list[list[str]], list[Question]]:
    """The paragraphs of XQuAD by article, and its questions with paragraphs numbered through all articles."""
    articles = _read_json(data / "xquad" / "xquad.en.json")["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    questions = [
        Question(text=question["question"], paragraph=row)
        for row, paragraph in enumerate(paragraphs)
        for question in paragraph["qas"]
    ]
    return [[paragraph["context"] for paragraph in article["paragraphs"]] for article in articles], questions


def _find_rows(rows: Mapping[Any, int], keys: Sequence[Any]) -> frozenset[int]:
    return frozenset(rows[key] for key in keys)


def _parse_list(value: Any) -> list[Any]:
    return ast.literal_eval(value) if isinstance(value, str) else value


def _read_json(path: Path) -> Any:
    return json.loads(_require(path).read_text(encoding="utf-8"))


def _require(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"the data file {str(path)!r} is absent; docs/retrieval.md names the public source")
    return path
