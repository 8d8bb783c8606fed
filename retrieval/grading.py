"""The sufficiency grade: whether what was found can carry an answer, by a small model on several signals.

A cosine alone does not tell: its scale moves with the corpus and the embedding model. How well the grade does on
corpora it was not trained on stands in docs/retrieval.md.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .evidence import Grade
from .index import Findings, Index
from .terms import split_terms

TOP = 5
"""How many of the best passages the signals look at, whatever number is asked for."""
SIGNALS = ("coverage_best", "coverage", "cosine", "cosine_lead", "bm25_lead", "agreement")
"""Names of the signals; `measure_signals` says what they are."""
_WEIGHTS = Path(__file__).parent / "weights" / "grading.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grader:
    """A logistic model over the signals and the two probabilities at which the grade changes."""

    weights: Mapping[str, float]
    intercept: float
    sufficient: float
    """At least this probability is `sufficient`."""
    partial: float
    """At least this probability is `partial`; less is `none`."""
    version: str

    def estimate(self, signals: Mapping[str, float]) -> float:
        """The probability that the passages found can answer the query."""
        total = self.intercept + sum(self.weights[name] * signals[name] for name in SIGNALS)
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))

    def grade(self, signals: Mapping[str, float]) -> Grade:
        """The grade of a result list with these signals."""
        probability = self.estimate(signals)
        if probability >= self.sufficient:
            return "sufficient"
        return "partial" if probability >= self.partial else "none"


@functools.cache
def load_grader() -> Grader:
    """The grader that ships."""
    return parse_grader(_WEIGHTS.read_text(encoding="utf-8"))


def parse_grader(text: str) -> Grader:
    """The grader in a JSON text, as training writes it."""
    data = json.loads(text)
    cuts = data["cuts"]
    return Grader(
        weights=data["weights"],
        intercept=data["intercept"],
        sufficient=cuts["sufficient"],
        partial=cuts["partial"],
        version=data["version"],
    )


def measure_signals(index: Index, terms: Sequence[str], findings: Findings) -> dict[str, float]:
    """The signals of one result list, each about 0 to 1 whatever the size of the corpus.

    `coverage_best` and `coverage` are the shares of the query's terms, weighted by rarity, that the best single one
    of the top passages holds, and that they hold together. `cosine` is the best one; `cosine_lead` and `bm25_lead`
    are how far the first passage of a leg stands above the next ones. `agreement` compares the legs.
    """
    weights = {term: index.lexical.weigh(term) for term in dict.fromkeys(terms)}
    mass = sum(weights.values()) or 1.0
    held = [set(split_terms(index.chunks[row].indexed)) for row, _ in findings.fused[:TOP]]
    bm25 = list(findings.lexical.values())[:TOP]
    cosine = list(findings.dense.values())[:TOP]
    return {
        "coverage_best": max((_cover(weights, each) for each in held), default=0.0) / mass,
        "coverage": _cover(weights, set[str]().union(*held)) / mass,
        "cosine": cosine[0] if cosine else 0.0,
        "cosine_lead": cosine[0] - sum(cosine) / len(cosine) if cosine else 0.0,
        "bm25_lead": 1 - sum(bm25[1:]) / (bm25[0] * (TOP - 1)) if bm25 else 0.0,
        "agreement": _agree(list(findings.lexical)[:TOP], list(findings.dense)[:TOP]),
    }


def _cover(weights: Mapping[str, float], held: set[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in held)


def _agree(one: Sequence[int], other: Sequence[int]) -> float:
    """1 when both legs put the same passage first, less the lower it stands in one, 0 when they share none."""
    ranks = [1 / (1 + max(one.index(row), other.index(row))) for row in one if row in other]
    return max(ranks, default=0.0)
