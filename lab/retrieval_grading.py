"""Training the sufficiency grade: a logistic model over the signals, judged on the set it was not trained on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.embedder import Embedder
from ..retrieval.grading import SIGNALS
from .retrieval_cases import Case, gather_cases

LOST = 0.05
"""Share of answerable queries that may be graded `none`: sets the lower cut."""
FALSE = 0.10
"""Share of queries whose answer was removed that may be graded `sufficient`: sets the upper cut."""
_WEIGHTS = Path(__file__).parents[1] / "retrieval" / "weights" / "grading.json"
_SETS = ("xquad", "scifact")
Numbers = NDArray[np.float64]


def train_grading(
    data: Path, *, out: Path | None = None, seed: int = 0, embedder: Embedder | None = None
) -> dict[str, Any]:
    """Train on XQuAD and SciFact under `data`, write the weights to `out` (the shipped ones unless set).

    Returns the cross-set report: area under the ROC curve and error rates at the cuts, trained on the other set.
    """
    cases = gather_cases(data, embedder or _load_embedder(), seed=seed)
    report = {
        f"{_other(name)}_to_{name}": judge_model(fit_model(_of(cases, _other(name))), _of(cases, name))
        for name in _SETS
    }
    model = fit_model(cases)
    report["both"] = judge_model(model, cases)
    model["card"] = _describe(report)
    path = out or _WEIGHTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
    return {"weights": str(path), "cases": len(cases), **report}


def fit_model(cases: Sequence[Case]) -> dict[str, Any]:
    """Weights and cuts, in the form of the weight file. Every kind of unanswerable query counts the same in total."""
    from sklearn.linear_model import LogisticRegression

    answered = np.array([case.answered for case in cases])
    fitted = LogisticRegression(C=10.0, max_iter=5000).fit(
        _stack(cases), answered, sample_weight=_balance(cases)
    )
    weights = {name: round(float(value), 3) for name, value in zip(SIGNALS, fitted.coef_[0], strict=True)}
    model: dict[str, Any] = {
        "version": "1",
        "intercept": round(float(fitted.intercept_[0]), 3),
        "weights": weights,
    }
    model["cuts"] = _choose_cuts(estimate(model, cases), cases)
    return model


def estimate(model: Mapping[str, Any], cases: Sequence[Case]) -> Numbers:
    """The probability of each case that its evidence answers."""
    total = _stack(cases) @ np.array([model["weights"][name] for name in SIGNALS]) + model["intercept"]
    return 1 / (1 + np.exp(-total))


def _choose_cuts(chances: Numbers, cases: Sequence[Case]) -> dict[str, float]:
    """The cuts at which neither set exceeds the allowed errors, on their sides of one half."""
    picked = {
        (name, kind): chances[[case.set == name and case.kind == kind for case in cases]]
        for name in {case.set for case in cases}
        for kind in ("answerable", "removed")
    }
    lower = min(np.quantile(values, LOST) for (_, kind), values in picked.items() if kind == "answerable")
    upper = max(np.quantile(values, 1 - FALSE) for (_, kind), values in picked.items() if kind == "removed")
    return {"sufficient": round(max(float(upper), 0.5), 3), "partial": round(min(float(lower), 0.5), 3)}


def judge_model(model: Mapping[str, Any], cases: Sequence[Case]) -> dict[str, Any]:
    """Area under the ROC curve against each kind of unanswerable query, and the share of each kind in each grade."""
    from sklearn.metrics import roc_auc_score

    chances = estimate(model, cases)
    kinds = np.array([case.kind for case in cases])
    areas: dict[str, float] = {}
    for kind in sorted(set(kinds) - {"answerable"}):
        chosen = (kinds == kind) | (kinds == "answerable")
        areas[kind] = round(float(roc_auc_score(kinds[chosen] == "answerable", chances[chosen])), 3)
    upper, lower = model["cuts"]["sufficient"], model["cuts"]["partial"]
    grades = {
        str(kind): {
            "sufficient": round(float(np.mean(chances[kinds == kind] >= upper)), 3),
            "none": round(float(np.mean(chances[kinds == kind] < lower)), 3),
        }
        for kind in sorted(set(kinds))
    }
    return {"auroc": areas, "grades": grades, "cuts": dict(model["cuts"])}


def _balance(cases: Sequence[Case]) -> Numbers:
    """Weights that give each set and kind the same mass, and answerable queries as much as all others together."""
    counts = Counter((case.set, case.kind) for case in cases)
    kinds = Counter(name for name, _ in counts)
    shares = [
        (kinds[case.set] - 1 if case.kind == "answerable" else 1) / counts[case.set, case.kind]
        for case in cases
    ]
    return np.array(shares) / np.mean(shares)


def _stack(cases: Sequence[Case]) -> Numbers:
    return np.array([[case.signals[name] for name in SIGNALS] for case in cases])


def _of(cases: Sequence[Case], name: str) -> list[Case]:
    return [case for case in cases if case.set == name]


def _other(name: str) -> str:
    return _SETS[1 - _SETS.index(name)]


def _describe(report: Mapping[str, Any]) -> str:
    crossed = "; ".join(
        f"{way.replace('_to_', ' to ')}: "
        + ", ".join(f"{kind} {area}" for kind, area in report[way]["auroc"].items())
        for way in report
        if way != "both"
    )
    return (
        "Logistic model of whether the passages found can answer the query, trained on XQuAD and SciFact with answers "
        "present, answers removed, claims with too little information and off-topic queries, at full size and in small "
        f"corpora. AUROC trained on one set and tested on the other, against each kind: {crossed}. It knows English "
        "factual questions and claims with MiniLM vectors; other languages and models were not measured."
    )


def _load_embedder() -> Embedder:
    from ..models.embedder import load_embedder
    from ..models.settings import load_settings

    return load_embedder(home=load_settings().home)
