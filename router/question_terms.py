"""The words of a prompt as weighted terms: words and pairs of words, and runs of letters, for a linear model over them.

TF-IDF with logarithmic counts (Salton & Buckley 1988). Training and inference share this file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .question_form import clip

Floats = NDArray[np.float64]
VERSION = 1
RUNS = (3, 4, 5)
"""Lengths of the runs of letters."""
RUN = "~"
"""Prefix of a run, which sets it apart from a word of the same letters."""
_LONGEST = 24
_WORD = re.compile(r"\w\w+")


_PIECES = 65536
"""Words whose runs a vocabulary remembers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """The terms a model knows and how rare they are."""

    index: Mapping[str, int]
    idf: Floats
    """Shape (terms,): one plus the logarithm of the inverse share of training prompts that hold the term."""
    _runs: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def runs_of(self, piece: str) -> tuple[int, ...]:
        """Places of the known runs of one word, remembered: looking each run up is most of what a prompt costs."""
        found = self._runs.get(piece)
        if found is None:
            places = (self.index.get(run) for run in _runs_of(piece))
            found = tuple(place for place in places if place is not None)
            if len(self._runs) < _PIECES:
                self._runs[piece] = found
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """The known terms of one prompt, words first. Words and runs each have unit length, or none where none is known."""

    places: NDArray[np.intp]
    values: Floats
    words: int
    """How many of them are words and pairs; the rest are runs."""
    known: float
    """Share of the prompt's distinct words that the vocabulary holds; 0 where the prompt has no word."""


def words_of(text: str) -> list[str]:
    """The words of two letters and more, in lower case."""
    return _WORD.findall(clip(text).lower())


def counts_of(text: str) -> tuple[Counter[str], Counter[str]]:
    """How often the text holds each word or pair, and each run."""
    runs: Counter[str] = Counter()
    for piece, count in _pieces_of(text).items():
        for run in _runs_of(piece):
            runs[run] += count
    return _wording_of(text), runs


def _wording_of(text: str) -> Counter[str]:
    words = words_of(text)
    wording = Counter(words)
    wording.update([f"{a} {b}" for a, b in pairwise(words)])
    return wording


def _pieces_of(text: str) -> Counter[str]:
    return Counter([piece[:_LONGEST] for piece in clip(text).lower().split()])


def vocabulary_of(texts: Sequence[str], *, least_runs: int = 2) -> Vocabulary:
    """Every word and pair of `texts`, and every run that at least `least_runs` of them hold."""
    found: Counter[str] = Counter()
    for text in texts:
        for counts in counts_of(text):
            found.update(counts.keys())
    kept = sorted(term for term, count in found.items() if count >= least_runs or not term.startswith(RUN))
    share = np.array([(1 + found[term]) / (1 + len(texts)) for term in kept], dtype=np.float64)
    return Vocabulary(index={term: place for place, term in enumerate(kept)}, idf=1.0 - np.log(share))


def terms_of(text: str, vocabulary: Vocabulary) -> Terms:
    """The text over the vocabulary."""
    wording = _wording_of(text)
    index = vocabulary.index
    known_words = {place: count for term, count in wording.items() if (place := index.get(term)) is not None}
    runs: dict[int, int] = {}
    for piece, count in _pieces_of(text).items():
        for place in vocabulary.runs_of(piece):
            runs[place] = runs.get(place, 0) + count
    places, values = _weighed(known_words, vocabulary.idf)
    more, their_values = _weighed(runs, vocabulary.idf)
    plain = [word for word in wording if " " not in word]
    known = sum(word in index for word in plain)
    return Terms(
        places=np.concatenate([places, more]),
        values=np.concatenate([values, their_values]),
        words=len(places),
        known=known / len(plain) if plain else 0.0,
    )


def _weighed(counts: Mapping[int, int], idf: Floats) -> tuple[NDArray[np.intp], Floats]:
    places = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
    values = (1.0 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * idf[places]
    length = math.sqrt(float(values @ values))
    return places, values / length if length else values


@lru_cache(maxsize=16384)
def _runs_of(piece: str) -> tuple[str, ...]:
    padded = f" {piece} "
    return tuple(
        RUN + padded[start : start + size] for size in RUNS for start in range(max(1, len(padded) - size + 1))
    )
