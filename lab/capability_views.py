"""The prompts of a table as the views a capability model learns from, and how near two of them are in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.embedder import Embedder
from ..router.capability_model import Forms, Mix
from ..router.question_form import form
from ..router.question_terms import Terms, Vocabulary, terms_of, vocabulary_of
from .table import Floats, Rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """`n` training prompts as their words, form and meaning."""

    vocabulary: Vocabulary
    words: csr_matrix
    runs: csr_matrix
    """Both of shape (n, terms)."""
    forms: Forms
    vectors: Floats | None

    def __len__(self) -> int:
        return len(self.forms.rows)

    def take(self, rows: Rows) -> Views:
        """These prompts only; vocabulary and scale stay."""
        return Views(
            vocabulary=self.vocabulary,
            words=self.words[rows],
            runs=self.runs[rows],
            forms=replace(self.forms, rows=self.forms.rows[rows]),
            vectors=None if self.vectors is None else self.vectors[rows],
        )

    @property
    def measures(self) -> Floats:
        """Form and meaning side by side: what trees look at."""
        return self.forms.rows if self.vectors is None else np.hstack([self.forms.rows, self.vectors])


def read_views(prompts: Sequence[str], embedder: Embedder | None) -> Views:
    """The views of `prompts`; vocabulary, rarity and scale are taken from these prompts alone."""
    vocabulary = vocabulary_of(prompts)
    found = [terms_of(prompt, vocabulary) for prompt in prompts]
    measures = np.array([form(prompt) for prompt in prompts], dtype=np.float64)
    spread = measures.std(axis=0)
    forms = Forms(centre=measures.mean(axis=0), spread=np.where(spread > 1e-9, spread, 1.0), rows=measures)
    return Views(
        vocabulary=vocabulary,
        words=_matrix(found, vocabulary, words=True),
        runs=_matrix(found, vocabulary, words=False),
        forms=replace(forms, rows=forms.scaled(measures)),
        vectors=None if embedder is None else np.asarray(embedder.encode_query(prompts), dtype=np.float64),
    )


def gram(views: Views, mix: Mix) -> Floats:
    """How near the prompts are to each other under `mix`, shape (n, n)."""
    found = mix.words * _inner(views.words) + mix.runs * _inner(views.runs)
    alike = pairwise_nearness(views.forms.rows, 1.0)
    found += mix.form * alike
    if views.vectors is not None and (mix.meaning or mix.both):
        found += pairwise_nearness(views.vectors, mix.reach) * (mix.meaning + mix.both * alike)
    return found


def pairwise_nearness(rows: Floats, reach: float) -> Floats:
    """`capability_model.near` of every row to every row."""
    lengths = np.einsum("ij,ij->i", rows, rows)
    apart = lengths[:, None] + lengths[None, :] - 2.0 * (rows @ rows.T)
    return np.exp(np.maximum(apart, 0.0) / (-2.0 * reach * reach))


def term_weights(views: Views, mix: Mix, dual: Floats) -> Floats:
    """The part of the words as a weight per term, shape (terms, m)."""
    return np.asarray(views.words.T @ (mix.words * dual) + views.runs.T @ (mix.runs * dual))


def _inner(matrix: csr_matrix) -> Floats:
    return (matrix @ matrix.T).toarray()


def _matrix(found: Sequence[Terms], vocabulary: Vocabulary, *, words: bool) -> csr_matrix:
    from scipy.sparse import csr_matrix

    parts: list[tuple[Any, Any]] = []
    for terms in found:
        kept = slice(None, terms.words) if words else slice(terms.words, None)
        parts.append((terms.places[kept], terms.values[kept]))
    starts = np.cumsum([0, *(len(places) for places, _ in parts)])
    places = np.concatenate([places for places, _ in parts])
    values = np.concatenate([values for _, values in parts])
    return csr_matrix((values, places, starts), shape=(len(found), len(vocabulary.idf)))
