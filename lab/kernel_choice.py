"""Settings of a capability model, chosen on labelled rows alone: how much to shrink, and how far to trust the trees.

Outcomes are taken apart into what the models have in common on a prompt, its difficulty, and the principal directions
in which they differ. Each part is shrunk by itself: difficulty is easy to see and differences are faint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..router.capability_model import Mix
from .capability_views import Views, gram
from .table import Floats, Rows
from .trees import grow

SHRINKAGES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
LEXICAL = Mix()
MEANING = Mix(meaning=1.0, both=1.0)
MOST_ROWS = 1500
"""Settings are chosen on this many rows where there are more: they cost the cube of it."""
FEWEST_FOR_TREES = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """Settings, and how well they did on rows left out."""

    mix: Mix
    basis: Floats
    """Shape (m, m), a part of the outcomes a column: the common part, then differences by size."""
    shrinkage: Floats
    """Shape (m,), of each part."""
    trees: Floats
    """Shape (m,), 0 to 1: how far each part is the trees'."""
    errors: Floats
    """Shape (m,): squared error of each part on rows left out, as a share of its variance."""
    held_out: Floats
    """Shape (rows, m): quality predicted for each row with that row left out."""
    rows: Rows
    """The rows it was chosen on."""


def choose(views: Views, correct: Floats, *, seed: int) -> Choice:
    """The best settings for outcomes `correct` of shape (n, m), by squared error on rows left out."""
    rows = np.arange(len(correct))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS])
    views, correct = views.take(rows), correct[rows]
    basis = parts_of(correct)
    parts = (correct - correct.mean(axis=0)) @ basis
    variance = np.maximum(parts.var(axis=0), 1e-12)
    mix = LEXICAL if views.vectors is None else MEANING
    found = _left_out(gram(views, mix), parts)
    strength = strongest_fair((parts - found) ** 2)
    guess = found[strength, :, np.arange(len(basis))].T
    grown = guess
    if len(rows) >= FEWEST_FOR_TREES:
        left_out = grow(views.measures, correct, seed=seed).oob_prediction_
        grown = (left_out - correct.mean(axis=0)) @ basis
    trees = blend_of(parts, guess, grown)
    guess = guess + trees * (grown - guess)
    return Choice(
        mix=mix,
        basis=basis,
        shrinkage=np.array(SHRINKAGES)[strength],
        trees=trees,
        errors=((parts - guess) ** 2).mean(axis=0) / variance,
        held_out=correct.mean(axis=0) + guess @ basis.T,
        rows=rows,
    )


def parts_of(correct: Floats) -> Floats:
    """An orthonormal basis of outcomes: what is common to all models, then the principal directions of the rest."""
    models = correct.shape[1]
    common = np.full((models, 1), models**-0.5)
    rest = correct - correct.mean(axis=0)
    rest = rest - (rest @ common) @ common.T
    directions = np.linalg.eigh(rest.T @ rest + 1e-9 * np.eye(models) + 1e9 * (common @ common.T))[1]
    return np.hstack([common, directions[:, ::-1][:, 1:]])


def strongest_fair(errors: Floats) -> Rows:
    """Of errors of shape (shrinkages, n, m), for each part the place of the strongest shrinkage that is no worse than
    the best by more than one standard error of their difference (after Breiman et al. 1984, section 3.4.3).

    What is decided is which model leads, so that noise does more harm here than to the squared error.
    """
    best = errors.mean(axis=1).argmin(axis=0)
    worse = errors - errors[best, :, np.arange(errors.shape[2])].T
    fair = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(errors.shape[1])
    return len(errors) - 1 - fair[::-1].argmax(axis=0)


def blend_of(parts: Floats, first: Floats, second: Floats) -> Floats:
    """For each part the share of the second guess, 0 to 1: half way from an even blend to that of least squared error.

    The error hardly tells blends apart where the outcomes are mostly noise, and an even blend is seldom bad.
    """
    apart = second - first
    power = (apart * apart).sum(axis=0)
    gain = ((parts - first) * apart).sum(axis=0)
    best = np.clip(np.divide(gain, power, out=np.zeros_like(gain), where=power > 0.0), 0.0, 1.0)
    return np.where(power > 0.0, 0.5 * best + 0.25, 0.0)


def _left_out(kernel: Floats, parts: Floats) -> Floats:
    """For every shrinkage the guess at each row from the others, shape (shrinkages, n, m).

    In closed form (Rasmussen & Williams 2006, section 5.4.2).
    """
    from scipy.linalg import eigh

    values, vectors = eigh(kernel)
    turned, squares = vectors.T @ parts, vectors * vectors
    guesses: list[Floats] = []
    for shrinkage in SHRINKAGES:
        scaled = 1.0 / (np.maximum(values, 0.0) + shrinkage)
        dual = vectors @ (turned * scaled[:, None])
        guesses.append(parts - dual / (squares @ scaled)[:, None])
    return np.array(guesses)
