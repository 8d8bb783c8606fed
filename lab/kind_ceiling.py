"""How far any routing with these features could come: a regression fitted on the very outcomes, scored across folds.

Not a contender: it sees what those must not see. What it cannot reach, better predicted kinds will hardly reach either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .table import Floats

STRENGTH = 10.0
"""Of the ridge, on unit vectors."""
FOLDS = 5


def fitted_gains(vectors: Floats, groups: Sequence[str], gains: Floats, *, seed: int = 0) -> Floats:
    """What the other folds teach of each row's gain, shape (n,): ridge regression on vectors and groups."""
    _, codes = np.unique(np.array(groups), return_inverse=True)
    features = np.concatenate([vectors, np.eye(codes.max() + 1)[codes]], axis=1)
    fold = np.random.default_rng(seed).permutation(len(gains)) % FOLDS
    found = np.zeros(len(gains))
    for held_out in range(FOLDS):
        train, test = fold != held_out, fold == held_out
        inputs = features[train]
        curvature = inputs.T @ inputs + STRENGTH * np.eye(features.shape[1])
        found[test] = features[test] @ np.linalg.solve(curvature, inputs.T @ gains[train])
    return found
