"""Fitting the lexical router model: vocabulary, set-balanced weights, logistic regression, Platt scaling.

Two regressions become one table of weights: a general one on all sets, and one on the literal wording of short
questions, fitted on StrategyQA's steps and our exemplars and added at `STEPS_SHARE` wherever a text is one.

scikit-learn and scipy are used here and nowhere at inference.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import UnavailableError
from ..router.features import STEP, Features, read
from ..router.lexical import LexicalModel
from .router_data import Label, Row
from .router_styles import restyled

MIN_ROWS = 8
"""Texts a feature must occur in: rarer ones would memorise rows."""
STRENGTH = 400.0
"""Inverse of the regularisation, of all sets together."""
RESTYLED_WEIGHT = 0.3
"""Weight of a restyled copy against its original."""
SET_WEIGHTS: Mapping[str, float] = {"strategyqa": 12.0, "exemplars": 10.0}
"""Weight of a set against the others'."""
SIZE_POWER = 0.3
"""How much of a set's size is evened out: 0 counts rows, 1 counts sets."""
ROW_CAPS: Mapping[str, int] = {
    "strategyqa": 100_000,
    "exemplars": 100_000,
    "break": 7000,
    "bbh": 2500,
    "mmlu": 2500,
}
"""Distinct rows of a set and kind that are fitted on; more of the same style teach little."""
ROW_CAP = 2500
SMALLEST = 0.02
"""Weights closer to zero than this are not kept."""
STEPS_SET = "strategyqa"
"""The set the literal wording of steps is fitted on; without it there is none."""
STEPS_EXEMPLARS = 0.3
"""Weight of an exemplar beside a step: without any, sums and units in a short question would pass for facts."""
STEPS_STRENGTH = 80.0
STEPS_SHARE = 0.3
"""What the steps' model adds to the log-odds of the general one."""
STEPS_MIN_ROWS = 3
"""Steps a wording must occur in to be kept; rarer ones are fitted, to explain their own rows, then dropped."""
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One text to fit on, with its weight before balancing."""

    text: str
    label: Label
    dataset: str
    weight: float
    fold: int
    """A row and its copies fall into the same fold."""
    restyled: bool


class Reader:
    """Remembers the features of texts: folds read the same ones over and over."""

    def __init__(self) -> None:
        self._known: dict[str, Features] = {}

    def __call__(self, text: str) -> Features:
        """What `router.features.read` gives, read once."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = read(text)
        return found


def examples_of(rows: Iterable[Row]) -> list[Example]:
    """Each distinct row once, weighted by the logarithm of its count, followed by its restyled copies.

    Sets are capped at `ROW_CAPS`; which rows stay follows from their text.
    """
    counts: Counter[tuple[str, str, Label]] = Counter((row.dataset, row.text, row.label) for row in rows)
    taken: Counter[tuple[str, int]] = Counter()
    found: list[Example] = []
    for dataset, text, label in sorted(counts, key=lambda key: (zlib.crc32(key[1].encode()), key)):
        if taken[dataset, label] >= ROW_CAPS.get(dataset, ROW_CAP):
            continue
        taken[dataset, label] += 1
        found += _with_copies(dataset, text, label, 1.0 + math.log(counts[dataset, text, label]))
    return found


def _with_copies(dataset: str, text: str, label: Label, weight: float) -> Iterator[Example]:
    fold = zlib.crc32(text.encode()) % FOLDS
    yield Example(text=text, label=label, dataset=dataset, weight=weight, fold=fold, restyled=False)
    for copy in restyled(Row(text=text, label=label, dataset=dataset)):
        yield Example(
            text=copy.text, label=label, dataset=dataset, weight=RESTYLED_WEIGHT, fold=fold, restyled=True
        )


def balanced_weights(examples: Sequence[Example]) -> list[float]:
    """Sets count by a power of their size, times their weight; the mean over sets is 1."""
    totals: defaultdict[tuple[str, int], float] = defaultdict(float)
    for example in examples:
        totals[example.dataset, example.label] += example.weight
    weights = [
        SET_WEIGHTS.get(e.dataset, 1.0) * e.weight / totals[e.dataset, e.label] ** SIZE_POWER
        for e in examples
    ]
    scale = len({example.dataset for example in examples}) / math.fsum(weights)
    return [weight * scale for weight in weights]


def fit(examples: Sequence[Example], reader: Reader, *, version: str = "") -> LexicalModel:
    """A model fitted to `examples`, not yet calibrated (slope 1, shift 0)."""
    regression = _import_regression()
    counts = Counter(name for example in examples for name, _ in reader(example.text))
    names = sorted(name for name, count in counts.items() if count >= MIN_ROWS and not name.startswith(STEP))
    matrix = _matrix(
        [reader(example.text) for example in examples], {name: i for i, name in enumerate(names)}
    )
    fitted = regression(C=STRENGTH, max_iter=150, tol=1e-4)
    fitted.fit(matrix, [example.label for example in examples], sample_weight=balanced_weights(examples))
    weights = {
        name: round(float(weight), 3)
        for name, weight in zip(names, fitted.coef_[0], strict=True)
        if abs(weight) >= SMALLEST
    }
    weights |= _steps_weights(examples, reader)
    return LexicalModel(
        version=version, bias=round(float(fitted.intercept_[0]), 3), slope=1.0, shift=0.0, weights=weights
    )


def _steps_weights(examples: Sequence[Example], reader: Reader) -> dict[str, float]:
    """Weights of the literal wording of steps, at their share; none where the examples hold no such steps."""
    shares_of = {STEPS_SET: 1.0, "exemplars": STEPS_EXEMPLARS}
    steps = [e for e in examples if e.dataset in shares_of and not e.restyled]
    literal = [[pair for pair in reader(e.text) if pair[0].startswith(STEP)] for e in steps]
    counts = Counter(name for features in literal for name, _ in features)
    if not counts or {e.label for e in steps if e.dataset == STEPS_SET} != {0, 1}:
        return {}
    names = sorted(counts)
    fitted = _import_regression()(C=STEPS_STRENGTH, max_iter=500, fit_intercept=False)
    matrix = _matrix(literal, {name: i for i, name in enumerate(names)})
    weights = [shares_of[e.dataset] * e.weight for e in steps]
    fitted.fit(matrix, [e.label for e in steps], sample_weight=weights)
    kept = {
        name: round(STEPS_SHARE * float(weight), 3)
        for name, weight in zip(names, fitted.coef_[0], strict=True)
        if counts[name] >= STEPS_MIN_ROWS
    }
    return {name: weight for name, weight in kept.items() if abs(weight) >= SMALLEST}


def scores(model: LexicalModel, texts: Iterable[str], reader: Reader) -> list[float]:
    """Uncalibrated scores (log-odds) of `texts`."""
    weights = model.weights
    return [
        model.bias + math.fsum(weights.get(name, 0.0) * value for name, value in reader(t)) for t in texts
    ]


def platt(found: Sequence[float], labels: Sequence[int], weights: Sequence[float]) -> tuple[float, float]:
    """Slope and shift that make `sigmoid(slope * score + shift)` a probability (Platt 1999)."""
    regression = _import_regression()
    fitted = regression(C=1e6).fit([[score] for score in found], list(labels), sample_weight=list(weights))
    return round(float(fitted.coef_[0][0]), 3), round(float(fitted.intercept_[0]), 3)


def _matrix(rows: Sequence[Features], columns: Mapping[str, int]) -> Any:
    from scipy import sparse

    indices: list[int] = []
    values: list[float] = []
    starts = [0]
    for features in rows:
        for name, value in features:
            column = columns.get(name)
            if column is not None:
                indices.append(column)
                values.append(value)
        starts.append(len(indices))
    return sparse.csr_matrix((values, indices, starts), shape=(len(rows), len(columns)))


def _import_regression() -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise UnavailableError(
            "training needs scikit-learn; install it with: pip install 'pilotfish[lab]'"
        ) from error
    return LogisticRegression
