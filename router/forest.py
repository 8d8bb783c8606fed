"""A forest of regression trees as plain arrays: all trees are walked at once. Growing them lives in the lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_PREFIX = "forest_"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """Trees in one array of nodes. A leaf is its own child on both sides."""

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    children: NDArray[np.int32]
    """Shape (2, nodes): where a measure above the threshold leads, and where any other does."""
    values: NDArray[np.float32]
    """Shape (nodes, outputs)."""
    depth: int
    """Steps from a root to its farthest leaf."""

    def predict(self, measures: Floats) -> Floats:
        """The mean of the trees' leaves for one row of measures, shape (outputs,)."""
        row, node = measures.astype(np.float32), self.roots
        for _ in range(self.depth):
            below = row[self.feature[node]] <= self.threshold[node]
            node = self.children[below.view(np.int8), node]
        return self.values[node].mean(axis=0, dtype=np.float64)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The forest as named arrays."""
        return {
            f"{_PREFIX}roots": self.roots,
            f"{_PREFIX}feature": self.feature,
            f"{_PREFIX}threshold": self.threshold,
            f"{_PREFIX}children": self.children,
            f"{_PREFIX}values": self.values,
            f"{_PREFIX}depth": np.array([self.depth], dtype=np.int32),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The forest among `arrays`, or None where there is none. Raises `ValueError` where its links lead nowhere."""
        if f"{_PREFIX}roots" not in arrays:
            return None
        found = {
            name.removeprefix(_PREFIX): kept for name, kept in arrays.items() if name.startswith(_PREFIX)
        }
        depth = int(found.pop("depth")[0])
        nodes = len(found["feature"])
        if any((found[name] < 0).any() or (found[name] >= nodes).any() for name in ("roots", "children")):
            raise ValueError("a tree leads to a node that is not there")
        return cls(**found, depth=depth)
