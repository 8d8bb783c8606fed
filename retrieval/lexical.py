"""The lexical leg: BM25 by bm25s, made whole every time because each new passage changes the term weights."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .manifest import StoreError
from .terms import split_terms

K1, B = 1.2, 0.75
"""Saturation of term counts and normalisation by length, at Lucene's values."""


class LexicalIndex:
    """BM25 (Lucene's form) over the passages, which it knows by their row."""

    def __init__(self, engine: Any, rows: int) -> None:
        self._engine = engine
        self._rows = rows
        self._ids: dict[str, int] = engine.vocab_dict if rows else {}

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Index `texts`; row numbers are their positions."""
        engine = _engine_class()(k1=K1, b=B, method="lucene")
        # By first appearance: bm25s numbers terms in the order of a set, another one in every process.
        ids: dict[str, int] = {}
        rows = [[ids.setdefault(term, len(ids)) for term in split_terms(text)] for text in texts]
        if not ids:
            return cls(engine, 0)
        engine.index((rows, ids), show_progress=False)
        return cls(engine, len(texts))

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index saved in `folder`; `StoreError` if it is damaged."""
        engine_class = _engine_class()
        try:
            rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
            return cls(engine_class.load(folder, show_progress=False) if rows else engine_class(), rows)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise StoreError(
                f"the lexical index {str(folder)!r} is damaged ({error}); rebuild the store"
            ) from error

    def save(self, folder: Path) -> None:
        """Write the index into `folder`."""
        folder.mkdir(parents=True)
        if self._rows:
            self._engine.save(folder, show_progress=False)
        (folder / "rows.json").write_text(json.dumps(self._rows), encoding="utf-8")

    def find_top(self, terms: Sequence[str], depth: int) -> list[tuple[int, float]]:
        """Rows that hold any of `terms`, best first, with their BM25 scores; at most `depth`."""
        scores = self.score(terms)
        best = np.argsort(-scores, kind="stable")[:depth]
        return [(int(row), float(scores[row])) for row in best if scores[row] > 0]

    def score(self, terms: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every row, shape (rows,)."""
        known = [self._ids[term] for term in terms if term in self._ids]
        if not known:
            return np.zeros(self._rows, dtype=np.float32)
        return self._engine.get_scores_from_ids(known)

    def weigh(self, term: str) -> float:
        """The inverse document frequency of `term` (Lucene's form); an unknown term weighs most."""
        held = self._count_rows(term)
        return math.log(1 + (self._rows - held + 0.5) / (held + 0.5))

    def _count_rows(self, term: str) -> int:
        if term not in self._ids:
            return 0
        bounds = self._engine.scores["indptr"]
        return int(bounds[self._ids[term] + 1] - bounds[self._ids[term]])

    def equals(self, other: LexicalIndex) -> bool:
        """Whether both score every term alike."""
        if self._ids != other._ids or self._rows != other._rows:
            return False
        return not self._rows or all(
            np.array_equal(self._engine.scores[part], other._engine.scores[part])
            for part in ("data", "indices", "indptr")
        )


def _engine_class() -> Any:
    from bm25s import BM25

    # bm25s sets its logger to DEBUG, so that every log that is set up at all shows its progress.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return BM25
