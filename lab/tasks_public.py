"""Turns public question sets into tasks: `python -m pilotfish.lab.tasks_public --data DIR --out FILE [--corpus DIR]`.

Sources: GSM8K (openai/grade-school-math, test), NQ-open (efficientqa/nq-open, dev), XQuAD (google-deepmind/xquad,
English). The corpus is XQuAD's paragraphs, which hold its own questions' answers and hardly any of NQ-open's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .. import UsageError
from ..tracing.whole import write_whole

Lines = list[dict[str, Any]]


def public_tasks(data: Path, *, each: int = 200, seed: int = 0, contains: bool = True) -> Lines:
    """The lines of TASKS.jsonl: `each` questions of every set that is under `data`, drawn with a seed, set by turns.

    `contains` accepts an answer that holds a gold one as whole words; without it only the gold answer itself counts,
    as in NQ-open's exact match. Raises `UsageError` where none of the sets is there.
    """
    drawn: list[Lines] = []
    for name, read in _SETS.items():
        if (data / name).is_dir():
            found = [{**line, "group": name} for line in read(data / name, contains)]
            chance = random.Random(f"{seed} {name}")  # noqa: S311 - a seeded sample
            drawn.append(chance.sample(found, min(each, len(found))))
    if not drawn:
        raise UsageError(
            f"none of {', '.join(_SETS)} is under {str(data)!r}; docs/lab.md names their sources"
        )
    return [line for turn in zip_longest(*drawn) for line in turn if line is not None]


def write_tasks(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes TASKS.jsonl, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def write_corpus(data: Path, folder: Path) -> int:
    """One text file per paragraph of XQuAD in `folder`; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    paragraphs = [paragraph["context"] for paragraph in _paragraphs(data / "xquad")]
    for row, text in enumerate(paragraphs):
        file = folder / f"paragraph_{row:03d}.txt"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    return len(paragraphs)


def held_in(lines: Sequence[Mapping[str, Any]], data: Path, *, group: str) -> float:
    """Share of a set's questions of which some paragraph of the corpus holds a gold answer, right or by chance."""
    from .tasks_checks import normalise

    texts = [f" {normalise(paragraph['context'])} " for paragraph in _paragraphs(data / "xquad")]
    golds = [line["check"]["answer"] for line in lines if line["group"] == group]
    held = [any(f" {normalise(gold)} " in text for gold in each for text in texts) for each in golds]
    return sum(held) / len(held) if held else 0.0


def _gsm8k(folder: Path, _contains: bool) -> Lines:
    return [
        {
            "id": f"gsm8k-{row}",
            "task": record["question"],
            "check": {"type": "numeric", "answer": float(_final(record["answer"]))},
            "kind": "reasoning",
        }
        for row, record in enumerate(_jsonl(folder / "test.jsonl"))
    ]


def _final(answer: str) -> str:
    """GSM8K's answer stands after the last `####`."""
    return answer.rpartition("####")[2].strip().replace(",", "")


def _nq_open(folder: Path, contains: bool) -> Lines:
    return [
        _fact(f"nq-{row}", record["question"] + "?", record["answer"], contains)
        for row, record in enumerate(_jsonl(folder / "dev.jsonl"))
    ]


def _xquad(folder: Path, contains: bool) -> Lines:
    return [
        _fact(
            f"xquad-{asked['id']}", asked["question"], [gold["text"] for gold in asked["answers"]], contains
        )
        for paragraph in _paragraphs(folder)
        for asked in paragraph["qas"]
    ]


def _fact(name: str, question: str, golds: Sequence[str], contains: bool) -> dict[str, Any]:
    check = {"type": "exact", "answer": list(dict.fromkeys(golds)), "contains": contains}
    return {"id": name, "task": question, "check": check, "kind": "knowledge"}


_SETS: Mapping[str, Callable[[Path, bool], Lines]] = {"gsm8k": _gsm8k, "nq_open": _nq_open, "xquad": _xquad}
"""Folder under the data to its reader."""


def _paragraphs(folder: Path) -> list[dict[str, Any]]:
    path = _require(folder / "xquad.en.json")
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def _jsonl(path: Path) -> Lines:
    return [json.loads(line) for line in _require(path).read_text(encoding="utf-8").splitlines() if line]


def _require(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"the data file {str(path)!r} is absent; docs/lab.md names the public source")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """The command of this module."""
    parser = argparse.ArgumentParser(prog="python -m pilotfish.lab.tasks_public", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of public data sets")
    parser.add_argument("--out", type=Path, required=True, help="TASKS.jsonl to write")
    parser.add_argument("--corpus", type=Path, help="folder for XQuAD's paragraphs")
    parser.add_argument("--each", type=int, default=200, help="questions of each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strict", action="store_true", help="a gold answer within a longer one is wrong")
    given = parser.parse_args(arguments)
    lines = public_tasks(given.data, each=given.each, seed=given.seed, contains=not given.strict)
    write_tasks(lines, given.out)
    paragraphs = write_corpus(given.data, given.corpus) if given.corpus is not None else 0
    sys.stdout.write(f"{len(lines)} tasks, {paragraphs} paragraphs of corpus\n")


if __name__ == "__main__":
    main()
