"""What a trained capability model holds and predicts: how probably each model is right on a prompt, and what it costs.

A kernel ridge regression over three views of the prompt, its words, its form and, where it was trained with an
embedder, its meaning, blended with a forest over form and meaning. The words need no kernel: their part is a weight per
term. Fitting lives in `lab.capability_fit`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .forest import Forest
from .question_form import form
from .question_terms import Vocabulary, terms_of

Floats = NDArray[np.float64]
FARTHEST = 4.0
"""Standard deviations beyond which a measure of form is read as this far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How much each view counts; a view of weight 0 is not used."""

    words: float = 1.0
    runs: float = 1.0
    form: float = 1.0
    meaning: float = 0.0
    both: float = 0.0
    """Form and meaning together: near only where both are."""
    reach: float = 0.7
    """Length scale of the meaning's kernel; unit vectors are at most 2 apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """What a prompt must have in common with the training prompts to be told from them."""

    known: float = 0.0
    """Least share of its words that are known; a prompt without any known word is never familiar."""
    nearness: float = 0.0
    """Least nearness, 0 to 1, of its form to that of the nearest training prompt."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forms:
    """The forms of the training prompts, on a common scale."""

    centre: Floats
    spread: Floats
    rows: Floats
    """Shape (n, measures)."""

    def scaled(self, measures: Floats) -> Floats:
        """Measures of shape (…, measures) on the scale of `rows`."""
        scaled = np.clip((measures - self.centre) / self.spread, -FARTHEST, FARTHEST)
        return scaled / np.sqrt(len(self.centre))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the model expects on one prompt; per model, in the order of `CapabilityModel.models`."""

    quality: tuple[float, ...]
    cost: tuple[float, ...] | None
    familiar: bool
    known: float
    """Share of the prompt's words that the model knows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CapabilityModel:
    """A trained model of `m` models on `n` training prompts. Not slotted: its version is computed once."""

    models: tuple[str, ...]
    small: int
    large: int
    mix: Mix
    familiar: Familiar
    vocabulary: Vocabulary
    weights: Floats
    """Shape (terms, m): what a term adds to each model's quality."""
    forms: Forms
    dual: Floats
    """Shape (n, m): what nearness to a training prompt adds."""
    forest: Forest | None = None
    """What the trees add; None where there were too few prompts for them."""
    prior: Floats
    """Shape (m,): mean quality."""
    cost: Floats | None = None
    """Shape (2, m): dollars a prompt, and dollars a character of it; None where the table had no costs."""
    mean_cost: Floats | None = None
    """Shape (m,)."""
    embedder: str | None = None
    embedder_digest: str | None = None
    vectors: Floats | None = None
    """Shape (n, dimension); None without an embedder."""
    trained_on: NDArray[np.int64]
    """Fingerprints of the training prompts, ascending."""
    notes: dict[str, Any]
    """What the fit was: table, digest, settings. Plain JSON."""

    def __repr__(self) -> str:
        meaning = f", {self.embedder!r}" if self.embedder else ""
        return f"CapabilityModel({len(self.models)} models, {len(self.dual)} prompts{meaning})"

    def estimate(self, text: str, vector: Floats | None = None) -> Estimate:
        """What is expected on `text`, whose embedding `vector` is where the model has one.

        Every text is computed by itself, so that a batch gives the same numbers as single texts.
        """
        found = terms_of(text, self.vocabulary)
        scales = np.full(len(found.values), self.mix.runs)
        scales[: found.words] = self.mix.words
        measures = self.forms.scaled(np.array(form(text)))
        nearness = near(self.forms.rows, measures, 1.0)
        kernel = self.mix.form * nearness
        if self.vectors is not None and vector is not None:
            meaning = near(self.vectors, vector, self.mix.reach)
            kernel = kernel + meaning * (self.mix.meaning + self.mix.both * nearness)
        quality = self.prior + (scales * found.values) @ self.weights[found.places] + kernel @ self.dual
        if self.forest is not None:
            seen = measures if self.vectors is None or vector is None else np.concatenate([measures, vector])
            quality = quality + self.forest.predict(seen)
        familiar = found.known > 0.0 and found.known >= self.familiar.known
        familiar = familiar and float(nearness.max()) >= self.familiar.nearness
        return Estimate(
            quality=tuple(map(float, quality)),
            cost=self._cost(len(text)),
            familiar=familiar,
            known=found.known,
        )

    def _cost(self, length: int) -> tuple[float, ...] | None:
        if self.cost is None:
            return None
        return tuple(float(max(0.0, base + length * each)) for base, each in self.cost.T)

    @cached_property
    def version(self) -> str:
        """Identity of all that decides, 12 hexadecimal digits."""
        found = hashlib.sha256(json.dumps(self.header, sort_keys=True).encode())
        for name, values in sorted(self.arrays.items()):
            found.update(name.encode() + str(values.shape).encode() + np.ascontiguousarray(values).tobytes())
        return found.hexdigest()[:12]

    @property
    def header(self) -> dict[str, Any]:
        """Everything that is no array, as plain JSON."""
        return {
            "models": list(self.models),
            "small": self.small,
            "large": self.large,
            "mix": {field.name: getattr(self.mix, field.name) for field in fields(Mix)},
            "familiar": {field.name: getattr(self.familiar, field.name) for field in fields(Familiar)},
            "embedder": self.embedder,
            "embedder_digest": self.embedder_digest,
            "notes": self.notes,
        }

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything else; the terms as UTF-8, one a line. Floats are of single precision, as they are on disk."""
        terms = sorted(self.vocabulary.index, key=self.vocabulary.index.__getitem__)
        floats = {
            "idf": self.vocabulary.idf,
            "weights": self.weights,
            "centre": self.forms.centre,
            "spread": self.forms.spread,
            "rows": self.forms.rows,
            "dual": self.dual,
            "prior": self.prior,
            "cost": self.cost,
            "mean_cost": self.mean_cost,
            "vectors": self.vectors,
        }
        kept: dict[str, NDArray[Any]] = {
            name: values.astype(np.float32) for name, values in floats.items() if values is not None
        }
        kept["terms"] = np.frombuffer("\n".join(terms).encode("utf-8", "surrogatepass"), dtype=np.uint8)
        kept["trained_on"] = self.trained_on
        return kept | ({} if self.forest is None else self.forest.arrays)


def near(rows: Floats, point: Floats, reach: float) -> Floats:
    """Nearness, 0 to 1, of each row to a point: `exp(-distance² / 2 reach²)`."""
    apart = rows - point
    return np.exp(np.einsum("ij,ij->i", apart, apart) / (-2.0 * reach * reach))
