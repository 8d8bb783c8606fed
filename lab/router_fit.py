"""Fitting the lexical router model: vocabulary, set-balanced weights, logistic regression, Platt scaling.

scikit-learn and scipy are used here and nowhere at inference.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import UnavailableError
from ..router.features import Features, read
from ..router.lexical import LexicalModel
from .router_data import Row
from .router_styles import restyled

MIN_ROWS = 5
"""Texts a feature must occur in: rarer ones would memorise rows."""
STRENGTH = 30.0
"""Inverse of the regularisation, of all sets together."""
RESTYLED_WEIGHT = 0.3
"""Weight of a restyled copy against its original."""
SET_WEIGHTS: Mapping[str, float] = {"strategyqa": 4.0, "exemplars": 2.0}
"""Weight of a set against the others'."""
SMALLEST = 0.02
"""Weights closer to zero than this are not kept."""
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One text to fit on, with its weight before balancing."""

    text: str
    label: int
    dataset: str
    weight: float
    fold: int


class Reader:
    """Remembers the features of texts: folds read the same ones over and over."""

    def __init__(self) -> None:
        self._known: dict[str, Features] = {}

    def __call__(self, text: str) -> Features:
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = read(text)
        return found


def examples_of(rows: Iterable[Row]) -> list[Example]:
    """Each distinct row once, weighted by the logarithm of its count, followed by its restyled copies."""
    counts = Counter((row.dataset, row.text, row.label) for row in rows)
    found: list[Example] = []
    for (dataset, text, label), count in counts.items():
        fold = zlib.crc32(text.encode()) % FOLDS
        found.append(
            Example(text=text, label=label, dataset=dataset, weight=1.0 + math.log(count), fold=fold)
        )
        found += [
            Example(text=copy.text, label=label, dataset=dataset, weight=RESTYLED_WEIGHT, fold=fold)
            for copy in restyled(Row(text=text, label=label, dataset=dataset))
        ]
    return found


def balanced_weights(examples: Sequence[Example]) -> list[float]:
    """Sets count by the square root of their size, times their weight; the mean over sets is 1."""
    totals: Counter[tuple[str, int]] = Counter()
    for example in examples:
        totals[example.dataset, example.label] += example.weight  # type: ignore[assignment]
    weights = [
        SET_WEIGHTS.get(e.dataset, 1.0) * e.weight / math.sqrt(totals[e.dataset, e.label]) for e in examples
    ]
    scale = len({example.dataset for example in examples}) / math.fsum(weights)
    return [weight * scale for weight in weights]


def fit(examples: Sequence[Example], reader: Reader, *, version: str = "") -> LexicalModel:
    """A model fitted to `examples`, not yet calibrated (slope 1, shift 0)."""
    regression = _import_regression()
    counts = Counter(name for example in examples for name, _ in reader(example.text))
    names = sorted(name for name, count in counts.items() if count >= MIN_ROWS)
    matrix = _matrix(
        [reader(example.text) for example in examples], {name: i for i, name in enumerate(names)}
    )
    fitted = regression(C=STRENGTH, max_iter=200, tol=1e-3)
    fitted.fit(matrix, [example.label for example in examples], sample_weight=balanced_weights(examples))
    weights = {
        name: round(float(weight), 3)
        for name, weight in zip(names, fitted.coef_[0], strict=True)
        if abs(weight) >= SMALLEST
    }
    return LexicalModel(
        version=version, bias=round(float(fitted.intercept_[0]), 3), slope=1.0, shift=0.0, weights=weights
    )


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
