"""Measures the verifiers on public data: `python -m pilotfish.lab.verification_figures --data DIR`.

Groundedness on XQuAD, SciFact and the cookbook's questions, arithmetic on GSM8K; no model is run. The constants of
the groundedness check were chosen on XQuAD, so its figures there are in-sample.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import zipfile
from ast import literal_eval
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from .. import UsageError
from ..agents.arithmetic import Arithmetic
from ..agents.attempt import Attempt
from ..agents.claims import claims_of, says_nothing
from ..agents.equations import equations
from ..agents.groundedness import Groundedness, supporting_quote
from ..agents.support import Passage, best_support, missing_from
from ..retrieval.evidence import Evidence
from ..router.subtask import Subtask
from .bench import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One answer to one question, with the text it is said to rest on."""

    question: str
    answer: str
    text: str


def run(data: Path | None, /) -> Report:
    """Pass rates and AUROC of the verifiers on the public sets under `data`."""
    if data is None or not data.is_dir():
        raise UsageError(
            f"no data folder at {str(data)!r}; give --data DIR with xquad/, scifact/, gsm8k/, routellm/"
        )
    figures: dict[str, float] = {}
    tables: list[str] = []
    for name, measure in _MEASURES.items():
        if not (data / name).exists():
            tables.append(f"{name}: skipped, the file is not there")
            continue
        table, found = measure(data / name)
        figures |= found
        tables.append(table)
    return Report(figures=figures, text="\n\n".join(tables))


def _xquad(path: Path) -> tuple[str, dict[str, float]]:
    true, other, removed, quoted = list[Trial](), list[Trial](), list[Trial](), list[bool]()
    for article in json.loads(path.read_text("utf-8"))["data"]:
        paragraphs = article["paragraphs"]
        for paragraph, following in pairwise([*paragraphs, paragraphs[0]]):
            asked = [(qa["question"], qa["answers"][0]) for qa in paragraph["qas"]]
            for at, (question, answer) in enumerate(asked):
                true.append(Trial(question=question, answer=answer["text"], text=paragraph["context"]))
                removed.append(Trial(question=question, answer=answer["text"], text=following["context"]))
                quoted.append(_quotes_gold(true[-1], int(answer["answer_start"])))
                if wrong := _another(asked, at):
                    other.append(Trial(question=question, answer=wrong, text=paragraph["context"]))
    groups = {"true answer": true, "another question's answer": other, "paragraph removed": removed}
    table, figures = _rates("xquad", "XQuAD", groups)
    figures["xquad_quote_holds_answer"] = sum(quoted) / len(quoted)
    return f"{table}\n\nquotes holding the gold span: {figures['xquad_quote_holds_answer']:.3f}", figures


def _another(asked: Sequence[tuple[str, Any]], at: int) -> str:
    """The answer of the next question of the paragraph whose answer differs."""
    own = asked[at][1]["text"].casefold().strip(" .")
    following = [answer["text"] for _, answer in [*asked[at + 1 :], *asked[:at]]]
    return next((text for text in following if text.casefold().strip(" .") != own), "")


def _quotes_gold(trial: Trial, start: int) -> bool:
    quote = supporting_quote(trial.answer, [_evidence(trial.text)], trial.question)
    return quote is not None and quote.start <= start < quote.end


def _cookbook(path: Path) -> tuple[str, dict[str, float]]:
    rows = json.loads(path.read_text("utf-8"))
    chunks = json.loads((path.parent / "anthropic_docs.json").read_text("utf-8"))
    texts = {chunk["chunk_link"]: chunk["text"] for chunk in chunks}
    asked = [(row["question"], row["correct_answer"], _joined(row["correct_chunks"], texts)) for row in rows]
    true = [Trial(question=q, answer=a, text=t) for q, a, t in asked if t]
    away = [Trial(question=q, answer=a, text=t) for (q, a, _), (_, _, t) in pairwise([*asked, asked[0]]) if t]
    return _rates(
        "cookbook", "Cookbook questions, reference answers", {"golden chunks": true, "other chunks": away}
    )


def _joined(links: Sequence[str], texts: dict[str, str]) -> str:
    return "\n\n".join(texts[link] for link in links if link in texts)


def _scifact(path: Path) -> tuple[str, dict[str, float]]:
    with zipfile.ZipFile(path) as archive:
        corpus = {row["doc_id"]: _abstract(row) for row in _csv(archive, "corpus_train.csv")}
        claims = list(_csv(archive, "claims_train.csv"))
    groups: dict[str, list[Trial]] = {"SUPPORT": [], "CONTRADICT": [], "unrelated": []}
    for row in claims:
        label, source = row["evidence_label"], row["evidence_doc_id"] or _first(row["cited_doc_ids"])
        if source in corpus:
            trial = Trial(question="", answer=row["claim"], text=corpus[source])
            groups[label if label in groups else "unrelated"].append(trial)
    scores = {name: [_covered(trial) for trial in trials] for name, trials in groups.items()}
    figures = {
        "scifact_auroc_support_unrelated": auroc(scores["SUPPORT"], scores["unrelated"]),
        "scifact_auroc_support_contradict": auroc(scores["SUPPORT"], scores["CONTRADICT"]),
    }
    lines = ["SciFact claims, share of words held | AUROC", "---|---"]
    lines += [f"{name.removeprefix('scifact_auroc_')} | {value:.3f}" for name, value in figures.items()]
    return "\n".join(lines), figures


def _gsm8k(path: Path) -> tuple[str, dict[str, float]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = [equation for row in rows for equation in equations(row["answer"])]
    wrong = sum(equation.holds is False for equation in found)
    figures = {"gsm8k_equations": float(len(found)), "gsm8k_called_wrong": wrong / len(found)}
    return f"GSM8K reference solutions: {len(found)} equations, {wrong} called wrong", figures


def _responses(path: Path) -> tuple[str, dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["Arithmetic on GSM8K responses | right: pass | unknown | fail | wrong: pass | unknown | fail"]
    lines.append("---|---|---|---|---|---|---")
    figures: dict[str, float] = {}
    for model in [column.removesuffix("_response") for column in rows[0] if column.endswith("_response")]:
        seen = [(row[model] == "True", _arithmetic(row["prompt"], row[f"{model}_response"])) for row in rows]
        counts = [
            seen.count((right, status)) for right in (True, False) for status in ("pass", "unknown", "fail")
        ]
        lines.append(" | ".join([model, *map(str, counts)]))
        figures[f"{model}_fail_precision"] = counts[5] / max(1, counts[2] + counts[5])
    return "\n".join(lines), figures


def _arithmetic(question: str, response: str) -> str:
    return Arithmetic().check(Subtask(id="q", text=question), Attempt(lane="large", text=response)).status


_MEASURES: dict[str, Callable[[Path], tuple[str, dict[str, float]]]] = {
    "xquad/xquad.en.json": _xquad,
    "anthropic_docs/docs_evaluation_dataset.json": _cookbook,
    "scifact/scifact.zip": _scifact,
    "gsm8k/train.jsonl": _gsm8k,
    "routellm/gsm8k_responses.csv": _responses,
}


def _rates(key: str, title: str, groups: dict[str, list[Trial]]) -> tuple[str, dict[str, float]]:
    figures: dict[str, float] = {}
    lines = [f"{title} | n | pass | unknown | fail | AUROC against the first", "---|---|---|---|---|---"]
    scores = {name: [_score(trial) for trial in trials] for name, trials in groups.items()}
    first = next(iter(scores.values()))
    for name, trials in groups.items():
        seen = [_grounded(trial) for trial in trials]
        shares = {status: seen.count(status) / len(seen) for status in ("pass", "unknown", "fail")}
        figures |= {f"{key}_{name}_{status}".replace(" ", "_"): share for status, share in shares.items()}
        area = "" if scores[name] is first else f"{auroc(first, scores[name]):.3f}"
        if area:
            figures[f"{key}_{name}_auroc".replace(" ", "_")] = float(area)
        lines.append(" | ".join([name, str(len(seen)), *(f"{share:.3f}" for share in shares.values()), area]))
    return "\n".join(lines), figures


def _grounded(trial: Trial) -> str:
    attempt = Attempt(lane="retrieval", text=trial.answer, evidence=(_evidence(trial.text),))
    return Groundedness().check(Subtask(id="q", text=trial.question), attempt).status


def _score(trial: Trial) -> float:
    """The continuous form of the verdict: nothing when a fact is missing, else coverage times relevance."""
    passages = [Passage.of(_evidence(trial.text))]
    claims = [] if says_nothing(trial.answer) else claims_of(trial.answer, trial.question)
    if not claims or any(missing_from(claim, passages) for claim in claims):
        return 0.0
    found = [best_support(claim, passages, trial.question) for claim in claims]
    held = [support for support in found if support is not None]
    return min(s.coverage for s in held) * max(s.relevance for s in held) if held else 0.0


def _covered(trial: Trial) -> float:
    passages = [Passage.of(_evidence(trial.text))]
    found = [best_support(claim, passages, trial.answer) for claim in claims_of(trial.answer, "")]
    return min((support.coverage for support in found if support is not None), default=0.0)


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    if not positives or not negatives:
        return float("nan")
    ranked = sorted([(score, True) for score in positives] + [(score, False) for score in negatives])
    total = below = at = 0
    while at < len(ranked):
        tied = [positive for _, positive in _run(ranked, at)]
        ups = sum(tied)
        downs = len(tied) - ups
        total += ups * (2 * below + downs)
        below, at = below + downs, at + len(tied)
    return total / (2 * len(positives) * len(negatives))


def _run(ranked: Sequence[tuple[float, bool]], at: int) -> Iterable[tuple[float, bool]]:
    end = at
    while end < len(ranked) and ranked[end][0] == ranked[at][0]:
        end += 1
    return ranked[at:end]


def _evidence(text: str) -> Evidence:
    return Evidence(source="document", text=text, chunk_id="0", start=0, end=len(text))


def _csv(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))


def _abstract(row: dict[str, str]) -> str:
    return " ".join(str(sentence).strip() for sentence in literal_eval(row["abstract"]))


def _first(ids: str) -> str:
    return ids.strip("[] ").split()[0].strip(",'\"") if ids.strip("[] ") else ""


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    sys.stdout.write(run(parser.parse_args().data).text + "\n")


if __name__ == "__main__":
    main()
