"""The public question sets as labelled rows for the router: one `Row` per step or question, 1 for reasoning.

Every loader reads one folder of the data directory and is skipped when that folder is absent. A row also names
the sets it has a twin in, so that a leave-one-set-out fold can drop both. No row is ever copied into the project.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import UsageError

Label = Literal[0, 1]
"""1: reasoning, 0: knowledge."""

LODO_SETS = ("strategyqa", "break", "nq", "hotpotqa", "gsm8k", "bbh", "mmlu")
"""The sets that are held out in turn."""

_REASONING = "aggregate arithmetic comparison comparative boolean superlative intersection union discard sort"
REASONING_OPERATORS = frozenset(_REASONING.split())
KNOWLEDGE_OPERATORS = frozenset(("select", "project", "filter", "group"))

BBH_DROPPED = frozenset(("sports_understanding", "movie_recommendation", "ruin_names", "date_understanding"))
"""Partly knowledge: they need facts about athletes and films, famous names, or the calendar besides the text."""

MMLU_REASONING = (
    "abstract_algebra",
    "college_computer_science",
    "college_mathematics",
    "college_physics",
    "elementary_mathematics",
    "formal_logic",
    "high_school_computer_science",
    "high_school_mathematics",
    "high_school_physics",
    "high_school_statistics",
)
"""Subjects answered by working something out."""
MMLU_KNOWLEDGE = (
    "anatomy",
    "clinical_knowledge",
    "college_medicine",
    "global_facts",
    "high_school_european_history",
    "high_school_geography",
    "high_school_government_and_politics",
    "high_school_us_history",
    "high_school_world_history",
    "human_aging",
    "international_law",
    "jurisprudence",
    "medical_genetics",
    "miscellaneous",
    "nutrition",
    "prehistory",
    "professional_law",
    "professional_medicine",
    "public_relations",
    "security_studies",
    "sociology",
    "us_foreign_policy",
    "virology",
    "world_religions",
)
"""Subjects answered by having read about it. Subjects in neither tuple mix both and are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled step or question."""

    text: str
    label: Label
    dataset: str
    split: Literal["train", "test"] = "train"
    """`test` rows are never trained on: the dev steps of StrategyQA."""
    twins: tuple[str, ...] = ()
    """Other sets this row was made from, or occurs in."""


def load_rows(data: Path) -> list[Row]:
    """Every labelled row found under `data`, repeats included, in a fixed order.

    Raises `UsageError` when none of the known sets is there.
    """
    rows: list[Row] = []
    for folder, load in _LOADERS.items():
        if (data / folder).is_dir():
            rows.extend(load(data / folder))
    if not rows:
        names = ", ".join(_LOADERS)
        raise UsageError(
            f"no question set found in {str(data)!r}; expected at least one of the folders {names}"
        )
    return _with_twins(rows)


def _with_twins(rows: list[Row]) -> list[Row]:
    """Break was made from HotpotQA questions among others: what it was made from is a twin of Break."""
    has_break = any(row.dataset == "break" for row in rows)
    if not has_break:
        return rows
    return [
        Row(text=row.text, label=row.label, dataset=row.dataset, split=row.split, twins=("break",))
        if row.dataset == "hotpotqa"
        else row
        for row in rows
    ]


def _strategyqa(folder: Path) -> Iterator[Row]:
    for name, split in (("train", "train"), ("dev", "test")):
        for question in _json(folder / f"{name}.json"):
            for index, step in enumerate(question["decomposition"]):
                label = _operation_by_majority([annotator[index] for annotator in question["evidence"]])
                yield Row(text=step, label=label, dataset="strategyqa", split=split)  # type: ignore[arg-type]


def _operation_by_majority(evidence: list[list[Any]]) -> Label:
    votes = sum("operation" in given and not any(isinstance(e, list) for e in given) for given in evidence)
    return 1 if 2 * votes > len(evidence) else 0


def _break(folder: Path) -> Iterator[Row]:
    for name in ("qdmr_dev.csv", "qdmr_high_level_dev.csv"):
        for record in _csv(folder / name):
            steps = [" ".join(step.split()) for step in record["decomposition"].split(";")]
            operators = [word.strip(" '\"") for word in record["operators"].strip("[]").split(",")]
            twins = ("hotpotqa",) if record["question_id"].startswith("HOTPOT") else ()
            for step, operator in zip(steps, operators, strict=False):
                if operator in REASONING_OPERATORS or operator in KNOWLEDGE_OPERATORS:
                    label: Label = 1 if operator in REASONING_OPERATORS else 0
                    yield Row(text=step, label=label, dataset="break", twins=twins)


def _nq(folder: Path) -> Iterator[Row]:
    for record in _jsonl(folder / "dev.jsonl"):
        yield Row(text=record["question"], label=0, dataset="nq")


def _hotpotqa(folder: Path) -> Iterator[Row]:
    for record in _json(folder / "dev_simplified.json"):
        yield Row(text=record["question"], label=0, dataset="hotpotqa")


def _gsm8k(folder: Path) -> Iterator[Row]:
    for name in ("train.jsonl", "test.jsonl"):
        for record in _jsonl(folder / name):
            yield Row(text=record["question"], label=1, dataset="gsm8k")


def _bbh(folder: Path) -> Iterator[Row]:
    for path in sorted(folder.glob("*.json")):
        if path.stem not in BBH_DROPPED:
            for example in _json(path)["examples"]:
                yield Row(text=example["input"], label=1, dataset="bbh")


def _mmlu(folder: Path) -> Iterator[Row]:
    for subjects, label in ((MMLU_REASONING, 1), (MMLU_KNOWLEDGE, 0)):
        for subject in subjects:
            for record in _csv(folder / "mmlu" / f"mmlu_{subject}.csv"):
                yield Row(text=record["prompt"], label=label, dataset="mmlu")  # type: ignore[arg-type]


def _xquad(folder: Path) -> Iterator[Row]:
    for article in _json(folder / "xquad.en.json")["data"]:
        for paragraph in article["paragraphs"]:
            for index, qa in enumerate(paragraph["qas"]):
                yield Row(text=qa["question"], label=0, dataset="xquad")
                if index < 2:
                    yield Row(text=f"{paragraph['context']}\n{qa['question']}", label=0, dataset="passages")


def _scifact(folder: Path) -> Iterator[Row]:
    with zipfile.ZipFile(folder / "scifact.zip") as archive:
        for name in ("claims_train.csv", "claims_validation.csv"):
            text = archive.read(name).decode("utf-8")
            for record in csv.DictReader(io.StringIO(text)):
                yield Row(text=record["claim"], label=0, dataset="scifact")


def _anthropic_docs(folder: Path) -> Iterator[Row]:
    for record in _json(folder / "docs_evaluation_dataset.json"):
        yield Row(text=record["question"], label=0, dataset="anthropic_docs")


_LOADERS: Mapping[str, Callable[[Path], Iterable[Row]]] = {
    "strategyqa": _strategyqa,
    "break": _break,
    "nq_open": _nq,
    "hotpotqa": _hotpotqa,
    "gsm8k": _gsm8k,
    "bbh": _bbh,
    "routellm": _mmlu,
    "xquad": _xquad,
    "scifact": _scifact,
    "anthropic_docs": _anthropic_docs,
}
"""Folder to loader."""


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _jsonl(path: Path) -> Iterator[Any]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)
