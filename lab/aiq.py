"""AIQ, the average improvement in quality of RouterBench (arXiv 2403.12031, section 3): the area under the
non-decreasing convex hull of a router's points of cost and quality, over the range of costs.
"""

from __future__ import annotations

import numpy as np

from .table import Floats


def hull(cost: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """The corners of the upper convex hull that never falls, by ascending cost.

    Mixing two points by chance reaches every point between them; a dearer and worse point is never used.
    """
    corners: list[tuple[float, float]] = []
    for x, y in sorted(
        zip(cost.tolist(), quality.tolist(), strict=True), key=lambda point: (point[0], -point[1])
    ):
        if corners and y <= corners[-1][1]:
            continue
        while corners and corners[-1][0] == x:
            corners.pop()
        while len(corners) > 1 and _below(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    found = np.array(corners, dtype=np.float64)
    return found[:, 0], found[:, 1]


def aiq(cost: Floats, quality: Floats, *, low: float, high: float) -> float:
    """Mean height of the hull between the costs `low` and `high`; not a number where they are the same.

    Left of its cheapest point the hull is level with it: give the cheapest model as a point to avoid that.
    """
    if not high > low:
        return float("nan")
    x, y = hull(cost, quality)
    grid = np.unique(np.concatenate([x[(x > low) & (x < high)], [low, high]]))
    return float(np.trapezoid(np.interp(grid, x, y), grid) / (high - low))


def _below(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    rise = (last[1] - first[1]) * (middle[0] - first[0])
    return (middle[1] - first[1]) * (last[0] - first[0]) <= rise
