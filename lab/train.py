"""`pilotfish lab train`: fits, calibrates and writes the learned router policy with its model card.

The same data, seed and library versions give the same bytes. The test split of StrategyQA is never trained on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..router.fingerprints import fingerprints, stem_of, write_fingerprints
from ..router.lexical import LexicalModel, write_model
from .importers import load_table
from .router_card import card
from .router_data import Row, load_rows
from .router_exemplars import load_exemplars
from .router_fit import FOLDS, Example, Reader, balanced_weights, examples_of, fit, platt, scores

DATE = "2026-11-21"
"""Date of the training recipe; part of the weights' version."""
TO_BE_SCORED = ("mmlu_pro/outcomes.csv.gz",)
"""Tables of the data folder that the shipped weights are scored on, and so must not have seen."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training wrote and how the model does on rows it was not fitted to."""

    weights: Path
    card: Path
    version: str
    sets: Mapping[str, int]
    """Rows per set, exemplars included."""
    metrics: Mapping[str, float]
    """Held-out figures by cross-validation, plus the StrategyQA test split when it is there."""
    rows: Path
    """Fingerprints of the rows fitted on."""
    left_out: Mapping[str, int]
    """Rows left out for each table the weights are to be scored on."""


def train(
    data: Path,
    *,
    out: Path,
    seed: int = 0,
    without: Sequence[Path] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Trains on every set found under `data`; writes `learned.json`, `.rows` and `.card.md` of that name into `out`.

    Rows that ask what a table of `without` asks are left out, so that the policy can be scored on it; unless given,
    these are the tables of `TO_BE_SCORED` found under `data`. `seed` shifts which rows fall into which calibration
    fold. Raises `UsageError` when no set is found.
    """
    say = progress or _silent
    rows = load_rows(data) + load_exemplars()
    tables = _tables_to_be_scored(data) if without is None else without
    training, left_out = leave_out([row for row in rows if row.split == "train"], tables)
    reader = Reader()
    say(f"{len(training)} rows of {len({row.dataset for row in training})} sets")
    model, held_out = train_model(training, reader, seed=seed, say=say)
    metrics = _metrics(held_out) | _test_metrics(model, [row for row in rows if row.split == "test"], reader)
    model = replace(model, version=_version(model))
    out.mkdir(parents=True, exist_ok=True)
    write_model(model, out / "learned.json")
    sets = dict(Counter(row.dataset for row in training))
    (out / "learned.card.md").write_text(card(model, sets, metrics, left_out, date=DATE), encoding="utf-8")
    fitted = (example.text for example in examples_of(training) if not example.restyled)
    write_fingerprints(fingerprints(fitted), out / "learned.rows")
    return Trained(
        weights=out / "learned.json",
        card=out / "learned.card.md",
        version=model.version,
        sets=sets,
        metrics=metrics,
        rows=out / "learned.rows",
        left_out=left_out,
    )


def leave_out(rows: Sequence[Row], tables: Sequence[Path]) -> tuple[list[Row], dict[str, int]]:
    """The rows that ask nothing any of `tables` asks, and how many went for each table.

    Stricter than fingerprints: the same stem suffices, however short.
    """
    kept = list(rows)
    left_out: dict[str, int] = {}
    for path in tables:
        asked = {stem_of(prompt) for prompt in load_table(path).prompts}
        before = len(kept)
        kept = [row for row in kept if stem_of(row.text) not in asked]
        left_out[f"{path.parent.name}/{path.name}"] = before - len(kept)
    return kept, left_out


def _tables_to_be_scored(data: Path) -> list[Path]:
    return [data / name for name in TO_BE_SCORED if (data / name).is_file()]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Scores of rows by a model that was not fitted to them."""

    probabilities: Sequence[float]
    labels: Sequence[int]
    weights: Sequence[float]


def train_model(
    rows: Sequence[Row], reader: Reader, *, seed: int = 0, say: Progress | None = None
) -> tuple[LexicalModel, HeldOut]:
    """A model fitted to all of `rows`, calibrated on scores of folds held out in turn."""
    say = say or _silent
    examples = examples_of(rows)
    found: list[float] = [0.0] * len(examples)
    for fold in range(FOLDS):
        say(f"fold {fold + 1} of {FOLDS}")
        _score_fold(examples, (fold + seed) % FOLDS, found, reader)
    weights = balanced_weights(examples)
    labels = [example.label for example in examples]
    slope, shift = platt(found, labels, weights)
    say("all rows")
    model = replace(fit(examples, reader), slope=slope, shift=shift)
    calibrated = [1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, slope * score + shift)))) for score in found]
    return model, HeldOut(probabilities=calibrated, labels=labels, weights=weights)


def _score_fold(examples: Sequence[Example], fold: int, found: list[float], reader: Reader) -> None:
    """Fits without `fold` and writes that fold's scores into `found`."""
    model = fit([example for example in examples if example.fold != fold], reader)
    inside = [index for index, example in enumerate(examples) if example.fold == fold]
    for index, score in zip(inside, scores(model, [examples[i].text for i in inside], reader), strict=True):
        found[index] = score


def _metrics(held_out: HeldOut) -> dict[str, float]:
    from .router_metrics import accuracy, balanced_accuracy, calibration_error

    p, y = held_out.probabilities, held_out.labels
    return {
        "cross_validated_accuracy": accuracy(p, y, held_out.weights),
        "cross_validated_balanced": balanced_accuracy(p, y),
        "cross_validated_ece": calibration_error(p, y, held_out.weights),
    }


def _test_metrics(model: LexicalModel, rows: Sequence[Row], reader: Reader) -> dict[str, float]:
    from .router_metrics import accuracy, balanced_accuracy, calibration_error, f1

    if not rows:
        return {}
    p = [model.probability(model.contributions(reader(row.text))) for row in rows]
    y = [row.label for row in rows]
    return {
        "strategyqa_accuracy": accuracy(p, y),
        "strategyqa_balanced": balanced_accuracy(p, y),
        "strategyqa_f1": f1(p, y),
        "strategyqa_ece": calibration_error(p, y),
    }


def _version(model: LexicalModel) -> str:
    parts = [model.bias, model.slope, model.shift, sorted(model.weights.items())]
    return f"{DATE}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"


def _silent(_: str) -> None:
    return None
