"""The lexical model behind the learned policy: a weight per feature, a bias and a calibration, from one JSON file.

Scoring is a sum over a dictionary: no numpy, no compiled code, microseconds. Training lives in `lab.train`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import UsageError
from .features import Features

FORMAT = 1
"""Version of the file's layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalModel:
    """Logistic regression over named features, Platt-scaled."""

    version: str
    """Date and digest of the weights."""
    bias: float
    slope: float
    """Platt scaling: `p = sigmoid(slope * score + shift)`."""
    shift: float
    weights: Mapping[str, float]

    def contributions(self, features: Features) -> list[tuple[float, str]]:
        """What each known feature adds to the score; positive speaks for reasoning."""
        weight_of = self.weights.get
        return [(weight * value, name) for name, value in features if (weight := weight_of(name)) is not None]

    def probability(self, contributions: list[tuple[float, str]]) -> float:
        """Calibrated probability that the text is reasoning-heavy."""
        score = self.bias + math.fsum([part for part, _ in contributions])
        return sigmoid(self.slope * score + self.shift)


def sigmoid(value: float) -> float:
    """The logistic function, safe at both ends."""
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    power = math.exp(value)
    return power / (1.0 + power)


def strongest(contributions: list[tuple[float, str]], *, reasoning: bool, count: int = 3) -> list[str]:
    """Names of the features that spoke most for the decided kind, strongest first."""
    spoke = [item for item in contributions if (item[0] > 0) == reasoning and item[0]]
    spoke.sort(reverse=reasoning)
    return [name for _, name in spoke[:count]]


def read_model(path: Path) -> LexicalModel:
    """The model in `path`. Raises `UsageError` when the file is not one this version can read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"no router weights at {str(path)!r} ({error.strerror}); train some with `pilotfish lab train`"
        ) from None
    except ValueError as error:
        raise UsageError(f"router weights {str(path)!r} are not JSON ({error}); train them again") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(
            f"router weights {str(path)!r} are not of format {FORMAT}; train them with this version"
        )
    return LexicalModel(
        version=content["version"],
        bias=content["bias"],
        slope=content["slope"],
        shift=content["shift"],
        weights=content["weights"],
    )


def write_model(model: LexicalModel, path: Path) -> None:
    """Writes the model as JSON with sorted keys: equal models give equal bytes."""
    content = {
        "format": FORMAT,
        "version": model.version,
        "bias": model.bias,
        "slope": model.slope,
        "shift": model.shift,
        "weights": dict(sorted(model.weights.items())),
    }
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n", encoding="utf-8"
    )
