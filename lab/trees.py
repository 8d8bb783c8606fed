"""Grows the trees of a capability model: extremely randomised ones (Geurts, Ernst & Wehenkel 2006), as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..router.forest import Forest
from .table import Floats

TREES = 100
DEPTH = 9
LEAF = 10
SHARE = 0.3


def grow(measures: Floats, outcomes: Floats, *, seed: int) -> Any:
    """Fitted regressor of outcomes of shape (n, m) by measures of shape (n, measures).

    Its `oob_prediction_` says of each row what the trees say that were grown without it.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    regressor = ExtraTreesRegressor(
        TREES,
        max_depth=DEPTH,
        min_samples_leaf=LEAF,
        max_features=SHARE,
        random_state=seed,
        bootstrap=True,
        oob_score=True,
    )
    return regressor.fit(measures.astype(np.float32), outcomes)


def plant(regressor: Any, prior: Floats, projection: Floats) -> Forest:
    """The regressor as a forest of its deviations from `prior`, each turned by `projection` of shape (m, m)."""
    trees = [one.tree_ for one in regressor.estimators_]
    sizes = [tree.node_count for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    nodes = np.arange(sum(sizes))
    left = np.concatenate(
        [
            tree.children_left + root * (tree.children_left >= 0)
            for tree, root in zip(trees, roots, strict=True)
        ]
    )
    right = np.concatenate(
        [
            tree.children_right + root * (tree.children_right >= 0)
            for tree, root in zip(trees, roots, strict=True)
        ]
    )
    leaf = left < 0
    values = np.concatenate([tree.value[:, :, 0] for tree in trees])
    return Forest(
        roots=roots.astype(np.int32),
        feature=np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])).astype(np.int32),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float32),
        children=np.stack([np.where(leaf, nodes, right), np.where(leaf, nodes, left)]).astype(np.int32),
        values=((values - prior) @ projection).astype(np.float32),
        depth=max(tree.max_depth for tree in trees),
    )
