"""The `capability` policy: chooses the model with the best expected quality for its cost, and says what it expects.

It is trained on an outcome table by `pilotfish lab train --what capability`. Where a prompt has nothing in common with
those it was trained on it takes the model that is best on average, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..models.embedder import Embedder
from .capability_file import REMEDY, load_capability
from .capability_model import CapabilityModel, Estimate
from .lanes import lane_of
from .learned import load_learned
from .policy import Decision, LaneName, Policy
from .subtask import Subtask
from .wrapper import Wrapper

FORMAT = "1"
_NAMED = 3
"""Models named in a reason."""


class CapabilityPolicy(Wrapper):
    """Decides by utility: quality less `tradeoff`, in quality per dollar, times cost. Kinds are the `kinds` policy's.

    In an agent the large model of the table is the large lane; any other is local or retrieval by kind.
    """

    def __init__(
        self,
        model: CapabilityModel,
        *,
        tradeoff: float = 0.0,
        embedder: Embedder | None = None,
        kinds: Policy | None = None,
    ) -> None:
        super().__init__(kinds or load_learned())
        _check_tradeoff(tradeoff)
        if tradeoff and model.cost is None:
            raise UsageError(
                f"tradeoff {tradeoff!r} needs costs, and the table these weights were trained on had none; "
                "leave it out, or train on a table with 'MODEL|cost' columns"
            )
        _check_embedder(model, embedder)
        self._model = model
        self._tradeoff = float(tradeoff)
        self._embedder = embedder

    def __repr__(self) -> str:
        return f"CapabilityPolicy({self._model!r}, tradeoff={self._tradeoff!r})"

    @property
    def model(self) -> CapabilityModel:
        """What it was trained to."""
        return self._model

    @cached_property
    def version(self) -> str:
        """Identity of the trained model; the trade-off is part of it."""
        return f"{FORMAT}-{self._model.version}" + (f"-{self._tradeoff:g}" if self._tradeoff else "")

    @property
    def trained_on(self) -> frozenset[int]:
        """Fingerprints of the training prompts."""
        return frozenset(self._model.trained_on.tolist())

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """One decision per subtask, in order; of the inner one only kind, its probability and confidence are kept."""
        vectors = self._vectors([subtask.text for subtask in subtasks])
        return [
            self._decide(subtask, kind, self._model.estimate(subtask.text, vector))
            for subtask, kind, vector in zip(subtasks, decisions, vectors, strict=True)
        ]

    def _vectors(self, texts: Sequence[str]) -> Sequence[NDArray[np.float64] | None]:
        if self._embedder is None:
            return [None] * len(texts)
        return list(np.asarray(self._embedder.encode_query(texts), dtype=np.float64))

    def _decide(self, subtask: Subtask, kind: Decision, found: Estimate) -> Decision:
        model = self._model
        quality = found.quality if found.familiar else tuple(map(float, model.prior))
        cost = found.cost if found.familiar or model.mean_cost is None else tuple(map(float, model.mean_cost))
        utility = [
            worth - self._tradeoff * price
            for worth, price in zip(quality, cost or _free(quality), strict=True)
        ]
        chosen = max(range(len(utility)), key=utility.__getitem__)
        return Decision(
            kind=kind.kind,
            lane=self._lane(subtask, kind, chosen),
            p_reasoning=kind.p_reasoning,
            confidence=kind.confidence,
            reason=self._reason(found, chosen, quality, cost),
            policy="capability",
            version=self.version,
            large_gain=float(np.clip(utility[model.large] - utility[model.small], -1.0, 1.0)),
            model=model.models[chosen],
            expected_quality=min(1.0, max(0.0, quality[chosen])),
            expected_cost_usd=None if cost is None else cost[chosen],
        )

    def _lane(self, subtask: Subtask, kind: Decision, chosen: int) -> LaneName:
        if subtask.tool is not None:
            return "tool"
        return "large" if chosen == self._model.large else lane_of(subtask, kind.kind)

    def _reason(
        self, found: Estimate, chosen: int, quality: Sequence[float], cost: Sequence[float] | None
    ) -> str:
        model = self._model
        others = [
            chosen,
            model.large,
            model.small,
            *sorted(range(len(quality)), key=lambda one: -quality[one]),
        ]
        said = [
            f"{model.models[one]} right {min(1.0, max(0.0, quality[one])):.2f}"
            + ("" if cost is None else f" for ${cost[one]:.2g}")
            for one in list(dict.fromkeys(others))[:_NAMED]
        ]
        if found.familiar:
            return ", ".join(said)
        return (
            f"unlike anything it was trained on ({found.known:.0%} of the words known): the best on average, "
            + ", ".join(said)
        )


def make_capability(
    *,
    weights: Path | str | None = None,
    tradeoff: float = 0.0,
    embedder: str | Embedder | None = None,
    home: Path | str | None = None,
    kinds: Policy | None = None,
) -> CapabilityPolicy:
    """The policy in a weights file, with the embedder it was trained with where it was.

    Raises `UsageError` without `weights`, for a file that is none, or for another embedder.
    """
    if weights is None:
        raise UsageError(
            f"policy 'capability' needs weights; {REMEDY}, then name them with capability:weights=FILE"
        )
    model = load_capability(weights)
    if model.embedder is None:
        if embedder is not None:
            raise UsageError(f"{str(weights)!r} was trained without an embedder; leave 'embedder' out")
        return CapabilityPolicy(model, tradeoff=tradeoff, kinds=kinds)
    from .knn import find_embedder

    found = find_embedder(embedder or model.embedder, home=home)
    return CapabilityPolicy(model, tradeoff=tradeoff, embedder=found, kinds=kinds)


def _check_tradeoff(tradeoff: object) -> None:
    if isinstance(tradeoff, bool) or not isinstance(tradeoff, float | int) or not 0.0 <= tradeoff < math.inf:
        raise UsageError(f"tradeoff {tradeoff!r} is no quality per dollar; give 0 or more")


def _check_embedder(model: CapabilityModel, embedder: Embedder | None) -> None:
    if model.embedder_digest == (None if embedder is None else embedder.digest):
        return
    if embedder is None:
        raise UsageError(
            f"this capability model was trained with vectors of {model.embedder!r}; give that embedder"
        )
    raise UsageError(
        f"this capability model was trained with vectors of {model.embedder!r}, which differ from those of "
        f"{embedder.model_id!r}; train it again, or give that embedder"
    )


def _free(quality: Sequence[float]) -> Sequence[float]:
    return [0.0] * len(quality)
