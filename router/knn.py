"""The `knn` policy: a subtask is treated as the labelled exemplars nearest to it in meaning are.

Exemplars are the shipped ones, the user's own from a YAML file, or rows of an outcome table that say how much the
large model was worth on them. Their vectors are made at the first decision and kept in the embedder's cache.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..models.embedder import Embedder, load_embedder
from .exemplars import SHIPPED, Exemplar, load_exemplars
from .fingerprints import fingerprints
from .lanes import lane_of
from .neighbours import Floats, Voting, calibration, log_odds, sigmoid, similarities
from .policy import Decision, Kind, LaneName
from .subtask import Subtask

FORMAT = "1"
_SHOWN = 60
"""Characters of an exemplar shown in a reason."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Space:
    """The exemplars as vectors, and what their votes are worth."""

    vectors: NDArray[np.float32]
    reasoning: Floats
    gains: Floats | None
    slope: float
    shift: float


class KnnPolicy:
    """Decides by the similarity-weighted votes of the nearest exemplars, calibrated on the exemplars themselves.

    Where exemplars carry `large_gain`, the lane follows the expected gain and the kind the votes.
    """

    def __init__(
        self, exemplars: Sequence[Exemplar], embedder: Embedder, *, voting: Voting | None = None
    ) -> None:
        if not exemplars:
            raise UsageError("knn needs exemplars; there are none")
        if len({exemplar.large_gain is None for exemplar in exemplars}) > 1:
            raise UsageError("knn needs a large_gain on all of its exemplars or on none")
        self._exemplars = tuple(exemplars)
        self._embedder = embedder
        self._voting = voting or Voting()

    def __repr__(self) -> str:
        return (
            f"KnnPolicy({len(self._exemplars)} exemplars, {self._embedder.model_id!r}, k={self._voting.k}, "
            f"temperature={self._voting.temperature!r})"
        )

    @property
    def exemplars(self) -> tuple[Exemplar, ...]:
        """What it knows."""
        return self._exemplars

    @property
    def embedder(self) -> Embedder:
        """What makes its vectors."""
        return self._embedder

    @property
    def voting(self) -> Voting:
        """How its neighbours are counted."""
        return self._voting

    @cached_property
    def trained_on(self) -> frozenset[int] | None:
        """Fingerprints of the exemplars."""
        return fingerprints(exemplar.text for exemplar in self._exemplars)

    @cached_property
    def version(self) -> str:
        """Identity of exemplars, embedder and settings."""
        exemplars = [(e.text, e.kind, e.route, e.lane, e.large_gain) for e in self._exemplars]
        voting = (self._voting.k, self._voting.temperature, self._voting.shrinkage)
        content = json.dumps([exemplars, self._embedder.digest, voting])
        return f"{FORMAT}-{hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        if not subtasks:
            return []
        vectors = self._embedder.encode_query([subtask.text for subtask in subtasks])
        return [
            self._decide(subtask, np.asarray(vector, dtype=np.float32))
            for subtask, vector in zip(subtasks, vectors, strict=True)
        ]

    def _decide(self, subtask: Subtask, vector: NDArray[np.float32]) -> Decision:
        space = self._space
        found = similarities(space.vectors, vector)
        nearest, weights = self._voting.weights(found)
        p_reasoning = self._probability(space, nearest, weights)
        kind: Kind = "reasoning" if p_reasoning >= 0.5 else "knowledge"
        gain = self._gain(space, nearest, weights)
        return Decision(
            kind=kind,
            lane=self._lane(subtask, kind, nearest, weights, gain),
            p_reasoning=p_reasoning,
            confidence=max(p_reasoning, 1.0 - p_reasoning),
            reason=self._reason(kind, nearest, float(found[nearest[0]]), gain),
            policy="knn",
            version=self.version,
            large_gain=gain,
        )

    def _probability(self, space: _Space, nearest: NDArray[np.intp], weights: Floats) -> float:
        votes = self._voting.estimate(weights, space.reasoning[nearest], float(space.reasoning.mean()))
        return float(sigmoid(space.slope * log_odds(votes) + space.shift))

    def _gain(self, space: _Space, nearest: NDArray[np.intp], weights: Floats) -> float | None:
        if space.gains is None:
            return None
        return float(self._voting.estimate(weights, space.gains[nearest], float(space.gains.mean())))

    def _lane(
        self, subtask: Subtask, kind: Kind, nearest: NDArray[np.intp], weights: Floats, gain: float | None
    ) -> LaneName:
        if subtask.tool is not None:
            return "tool"
        if gain is not None:
            return "large" if gain > 0.0 else "local"
        votes: dict[LaneName, float] = {}
        for index, weight in zip(nearest, weights, strict=True):
            exemplar = self._exemplars[index]
            if exemplar.kind == kind:
                lane = exemplar.lane or lane_of(subtask, kind)
                votes[lane] = votes.get(lane, 0.0) + float(weight)
        return max(votes, key=votes.__getitem__) if votes else lane_of(subtask, kind)

    def _reason(self, kind: Kind, nearest: NDArray[np.intp], similarity: float, gain: float | None) -> str:
        first = self._exemplars[nearest[0]]
        text = " ".join(first.text.split())
        shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        agree = sum(self._exemplars[index].kind == kind for index in nearest)
        said = f"nearest exemplar {shown!r} (similarity {similarity:.2f}, route {first.route!r})"
        if gain is not None:
            return f"{said}; around it the large model is worth {gain:+.2f}"
        return f"{said}; {agree} of the {len(nearest)} nearest are {kind}"

    @cached_property
    def _space(self) -> _Space:
        texts = [exemplar.text for exemplar in self._exemplars]
        vectors = np.ascontiguousarray(self._embedder.encode_query(texts), dtype=np.float32)
        reasoning = np.array([exemplar.kind == "reasoning" for exemplar in self._exemplars], dtype=np.float64)
        gains = [exemplar.large_gain for exemplar in self._exemplars if exemplar.large_gain is not None]
        slope, shift = (
            calibration(vectors.astype(np.float64), reasoning, self._voting) if len(texts) > 1 else (1.0, 0.0)
        )
        return _Space(
            vectors=vectors,
            reasoning=reasoning,
            gains=np.array(gains) if gains else None,
            slope=slope,
            shift=shift,
        )


def load_knn(
    *,
    exemplars: Path | str | Sequence[Exemplar] = SHIPPED,
    embedder: str | Embedder = "minilm-l6",
    k: int = 16,
    temperature: float = 0.05,
    home: Path | str | None = None,
) -> KnnPolicy:
    """The policy of an exemplar file, of `shipped` exemplars or of a list of them, with any embedder.

    Raises `UsageError` for a bad file or setting, and as `load_embedder` does where its weights are missing.
    """
    voting = voting_of(k=k, temperature=temperature)
    known = load_exemplars(exemplars) if isinstance(exemplars, str | Path) else tuple(exemplars)
    return KnnPolicy(known, find_embedder(embedder, home=home), voting=voting)


def voting_of(*, k: int, temperature: float, shrinkage: float = 1.0) -> Voting:
    """The settings, checked."""
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:  # pyright: ignore[reportUnnecessaryIsInstance] - from a command line
        raise UsageError(f"k {k!r} is no number of neighbours; it must be a whole number, 1 or more")
    if not (isinstance(temperature, float | int) and 0.0 < temperature < math.inf):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
        raise UsageError(f"temperature {temperature!r} is not above 0; 0.05 is usual")
    return Voting(k=k, temperature=float(temperature), shrinkage=shrinkage)


def find_embedder(embedder: str | Embedder, *, home: Path | str | None = None) -> Embedder:
    """An embedder as it is, or the catalogue's by name, with its weights and cache under `home`."""
    if not isinstance(embedder, str):
        if not callable(getattr(embedder, "encode_query", None)):
            raise UsageError(f"embedder {embedder!r} is none; name one of the catalogue, such as 'minilm-l6'")
        return embedder
    if home is None:
        from ..models.settings import load_settings

        home = load_settings().home
    return load_embedder(embedder, home=Path(home))
