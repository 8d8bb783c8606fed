"""Reads outcome tables: Pilotfish's own form, and the public files of RouteLLM, LLMRouter and MMLU-Pro as they are.

RouteLLM (lm-sys/RouteLLM: routellm/evals), LLMRouter (ulab-uiuc/LLMRouter: data/dcrouter_preprocessed) and MMLU-Pro
(TIGER-AI-Lab/MMLU-Pro: eval_results) are recognised by their columns, keys and file names.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from .. import UsageError
from ..tracing.whole import write_whole
from .table import Floats, OutcomeTable
from .table_files import read_json, read_records

MEASURES = ("correct", "cost", "latency_ms", "confidence")
"""What may stand behind the bar of a column `MODEL|measure`."""
_TRUTHS = {"true": 1.0, "false": 0.0}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def load_table(path: Path | str) -> OutcomeTable:
    """The outcome table in a file, or in a folder of RouteLLM's MMLU files.

    Raises `UsageError` that names the file, the column or row, and what was expected there.
    """
    path = Path(path)
    if path.is_dir():
        return _checked(_routellm_folder(path))
    if not path.is_file():
        raise UsageError(f"no outcome table at {str(path)!r}: there is no such file or folder")
    return _checked(_llmrouter(path) if path.suffix == ".json" else _rows_file(path))


def _rows_file(path: Path) -> OutcomeTable:
    records = read_records(path)
    if not records:
        raise UsageError(f"outcome table {str(path)!r} has no rows")
    columns = set(records[0])
    if {"question_id", "category", "question"} <= columns:
        return _mmlu_pro(path, records)
    if {"id", "prompt"} <= columns:
        return _own(path, records)
    if "prompt" in columns:
        return _routellm_file(path, records)
    raise UsageError(
        f"{str(path)!r} has the columns {', '.join(sorted(columns)[:6])}…, which is no outcome table: "
        "it needs 'id', 'prompt' and for each model 'MODEL|correct'"
    )


def _checked(table: OutcomeTable) -> OutcomeTable:
    """What every table promises, whatever its source: models, ids that are unique, prompts that say something."""
    if not table.models:
        raise UsageError(f"outcome table {table.name!r} has no column with the outcomes of a model")
    if not len(table):
        raise UsageError(f"outcome table {table.name!r} has no rows that are not contaminated")
    seen: set[str] = set()
    for row, (name, prompt) in enumerate(zip(table.ids, table.prompts, strict=True)):
        if not prompt.strip():
            raise UsageError(
                f"row {row + 1} of {table.name!r} has an empty prompt; leave it out or fill it in"
            )
        if name in seen:
            raise UsageError(f"the id {name!r} stands twice in {table.name!r}; every row needs its own")
        seen.add(name)
    return table


def write_table(table: OutcomeTable, path: Path) -> None:
    """Writes a table in Pilotfish's own form, as CSV or CSV.gz by its name; whole or not at all."""
    header = ["id", "prompt", *(["group"] if table.groups is not None else [])]
    measures = [(m, v) for m in MEASURES if (v := getattr(table, m)) is not None]
    header += [f"{model}|{measure}" for measure, _ in measures for model in table.models]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row, (name, prompt) in enumerate(zip(table.ids, table.prompts, strict=True)):
        group = [table.groups[row]] if table.groups is not None else []
        writer.writerow([name, prompt, *group, *(str(float(value)) for _, v in measures for value in v[row])])
    data = text.getvalue().encode("utf-8")
    write_whole(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _own(path: Path, records: Sequence[Mapping[str, Any]]) -> OutcomeTable:
    columns = [name for name in records[0] if "|" in name]
    models = tuple(dict.fromkeys(name.rpartition("|")[0] for name in columns if name.endswith("|correct")))
    if not models:
        raise UsageError(f"outcome table {str(path)!r} has no column 'MODEL|correct'")
    for name in columns:
        model, _, measure = name.rpartition("|")
        if measure not in MEASURES or model not in models:
            raise UsageError(
                f"column {name!r} of {str(path)!r} is not understood: after the bar stands one of "
                f"{', '.join(MEASURES)}, and a model needs its 'MODEL|correct'"
            )
    _require(path.name, records, ("id", "prompt"))
    values = {m: _measure(path, records, models, m) for m in MEASURES if f"{models[0]}|{m}" in columns}
    return OutcomeTable(
        name=path.name,
        ids=tuple(str(record["id"]) for record in records),
        prompts=tuple(str(record["prompt"]) for record in records),
        groups=tuple(str(record["group"]) for record in records) if "group" in records[0] else None,
        models=models,
        correct=values["correct"],
        cost=values.get("cost"),
        latency_ms=values.get("latency_ms"),
        confidence=values.get("confidence"),
    )


def _routellm_folder(folder: Path) -> OutcomeTable:
    files = sorted(folder.glob("mmlu_*.csv"))
    if not files:
        raise UsageError(
            f"folder {str(folder)!r} holds no outcome table: expected RouteLLM's mmlu_SUBJECT.csv files"
        )
    records: list[Mapping[str, Any]] = []
    groups: list[str] = []
    for file in files:
        found = read_records(file)
        records += found
        groups += [file.stem.removeprefix("mmlu_")] * len(found)
    return _routellm(folder.name, folder.parent / "mmlu_contaminated.jsonl", records, groups)


def _routellm_file(path: Path, records: Sequence[Mapping[str, Any]]) -> OutcomeTable:
    benchmark = path.stem.removesuffix("_responses")
    return _routellm(path.name, path.parent / f"{benchmark}_contaminated.jsonl", records, None)


def _routellm(
    name: str, contaminated: Path, records: Sequence[Mapping[str, Any]], groups: Sequence[str] | None
) -> OutcomeTable:
    """Contaminated prompts are dropped by exact text, as RouteLLM's evaluation does."""
    dropped: set[str] = set()
    if contaminated.is_file():
        lines = contaminated.read_text(encoding="utf-8").splitlines()
        dropped = {json.loads(line)["eval_prompt"] for line in lines if line.strip()}
    models = tuple(c for c in records[0] if c != "prompt" and not c.endswith("_response") and c)
    _require(name, records, ("prompt", *models))
    kept = [row for row, record in enumerate(records) if record["prompt"] not in dropped]
    return OutcomeTable(
        name=name,
        ids=tuple(str(row) for row in kept),
        prompts=tuple(str(records[row]["prompt"]) for row in kept),
        groups=None if groups is None else tuple(groups[row] for row in kept),
        models=models,
        correct=np.array([[_number(name, row, m, records[row][m]) for m in models] for row in kept]),
        dropped=len(records) - len(kept),
    )


def _llmrouter(path: Path) -> OutcomeTable:
    records = read_json(path)
    if not isinstance(records, list) or not records:
        raise UsageError(
            f"{str(path)!r} is no outcome table: expected a list of objects with 'question' and 'scores'"
        )
    _require(path.name, records, ("question", "scores"))
    models = tuple(records[0]["scores"])
    _require(path.name, [record["scores"] for record in records], models)
    values = [[_number(path.name, row, m, r["scores"][m]) for m in models] for row, r in enumerate(records)]
    return OutcomeTable(
        name=path.name,
        ids=tuple(str(row) for row in range(len(records))),
        prompts=tuple(str(record["question"]) for record in records),
        groups=tuple(str(r.get("cluster_id")) for r in records) if "cluster_id" in records[0] else None,
        models=models,
        correct=_shares(
            path, np.array(values, dtype=np.float64).reshape(len(records), len(models)), "scores"
        ),
    )


def _mmlu_pro(path: Path, records: Sequence[Mapping[str, Any]]) -> OutcomeTable:
    models = tuple(name.removesuffix("|correct") for name in records[0] if name.endswith("|correct"))
    _require(path.name, records, ("question_id", "category", "question", "options"))
    return OutcomeTable(
        name=path.name,
        ids=tuple(record["question_id"] for record in records),
        prompts=tuple(_multiple_choice(record["question"], record["options"]) for record in records),
        groups=tuple(record["category"] for record in records),
        models=models,
        correct=_measure(path, records, models, "correct", gaps=True),
    )


def _multiple_choice(question: str, options: str) -> str:
    lines = [f"{letter}. {text}" for letter, text in zip(_LETTERS, options.split(" | "), strict=False)]
    return "\n".join([question, *lines])


def _measure(
    path: Path,
    records: Sequence[Mapping[str, Any]],
    models: Sequence[str],
    measure: str,
    *,
    gaps: bool = False,
) -> Floats:
    """With `gaps`, an empty field is an outcome the source does not have: not a number."""
    rows: list[list[float]] = []
    for row, record in enumerate(records):
        missing = [model for model in models if f"{model}|{measure}" not in record]
        if missing:
            raise UsageError(f"outcome table {str(path)!r} has no column {missing[0] + '|' + measure!r}")
        fields = [(f"{model}|{measure}", record[f"{model}|{measure}"]) for model in models]
        rows.append([nan if gaps and text == "" else _number(path.name, row, c, text) for c, text in fields])
    values = np.array(rows, dtype=np.float64)
    return (
        _shares(path, values, measure)
        if measure in ("correct", "confidence")
        else _amounts(path, values, measure)
    )


def _shares(path: Path, values: Floats, measure: str) -> Floats:
    if ((values < 0) | (values > 1)).any():
        raise UsageError(f"outcome table {str(path)!r} has a {measure!r} outside 0 to 1")
    return values


def _amounts(path: Path, values: Floats, measure: str) -> Floats:
    if ((values < 0) | np.isinf(values)).any():
        raise UsageError(f"outcome table {str(path)!r} has a {measure!r} that is negative or infinite")
    return values


def _require(name: str, records: Sequence[Any], keys: Sequence[str]) -> None:
    for row, record in enumerate(records):
        missing = [key for key in keys if not isinstance(record, dict) or record.get(key) is None]
        if missing:
            raise UsageError(f"row {row + 1} of {name!r} has no {missing[0]!r}")


def _number(name: str, row: int, column: str, text: Any) -> float:
    if isinstance(text, str) and text.strip().casefold() in _TRUTHS:
        return _TRUTHS[text.strip().casefold()]
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number:  # not a number
        raise UsageError(f"row {row + 1} of {name!r}: {column!r} is {text!r}, which is not a number")
    return number
