"""The `learned` policy: reasoning or knowledge by a lexical model, calibrated, with the words that decided it.

It needs no weights beyond the file shipped here and loads no neural network.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from .. import UsageError
from .features import read
from .lanes import lane_of
from .lexical import LexicalModel, read_model, strongest
from .policy import Decision, Kind
from .reasons import reason_of
from .subtask import Subtask

SHIPPED = Path(__file__).parent / "weights" / "learned.json"
"""The weights trained by `pilotfish lab train` on the public sets."""


class LearnedPolicy:
    """Decides by a trained lexical model: a few hundred microseconds a step, no network, no download.

    `threshold` is the calibrated probability from which a subtask counts as reasoning; it must lie between 0 and 1.
    """

    def __init__(self, model: LexicalModel, *, threshold: float = 0.5, rows: Path | None = None) -> None:
        if not 0.0 < threshold < 1.0:
            raise UsageError(f"threshold {threshold!r} is not between 0 and 1")
        self._model = model
        self._threshold = threshold
        self._rows = rows

    @property
    def trained_on(self) -> frozenset[int] | None:
        """Fingerprints of the rows it was trained on, read when first asked for; None where no file has them."""
        return _fingerprints(self._rows) if self._rows is not None and self._rows.is_file() else None

    def __repr__(self) -> str:
        return f"LearnedPolicy(version={self._model.version!r}, threshold={self._threshold!r})"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        return [self._decide(subtask) for subtask in subtasks]

    def _decide(self, subtask: Subtask) -> Decision:
        contributions = self._model.contributions(read(subtask.text))
        p_reasoning = self._model.probability(contributions)
        reasoning = p_reasoning >= self._threshold
        kind: Kind = "reasoning" if reasoning else "knowledge"
        return Decision(
            kind=kind,
            lane=lane_of(subtask, kind),
            p_reasoning=p_reasoning,
            confidence=p_reasoning if reasoning else 1.0 - p_reasoning,
            reason=reason_of(strongest(contributions, reasoning=reasoning), kind),
            policy="learned",
            version=self._model.version,
        )


def load_learned(*, weights: Path | str | None = None, threshold: float = 0.5) -> LearnedPolicy:
    """The shipped policy, or one with the weights file of your own training; its rows are looked for beside it."""
    path = Path(weights) if weights else SHIPPED
    return LearnedPolicy(_cached(path), threshold=threshold, rows=path.with_suffix(".rows"))


@lru_cache(maxsize=4)
def _cached(path: Path) -> LexicalModel:
    return read_model(path)


@lru_cache(maxsize=4)
def _fingerprints(path: Path) -> frozenset[int]:
    from .fingerprints import read_fingerprints

    return read_fingerprints(path)
