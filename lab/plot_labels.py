"""Names beside the points of a plot, placed so that they hide neither one another nor the points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .table import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in pixels."""
_SIZE = 8.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name for the point at `x`, `y`."""

    text: str
    x: float
    y: float
    colour: str
    bold: bool


Path = tuple[Floats, Floats]


def place_labels(
    axes: Axes, labels: Sequence[Label], *, paths: Sequence[Path] = (), bars: Sequence[Path] = ()
) -> list[Box]:
    """Writes every label where it is freest; a thin line leads to a point that is not next to it.

    A label is kept off the `bars`, and off the `paths` where there is room.

    The limits of the axes are fixed as they are. Returns the boxes, in the order of `labels`.
    """
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    figure = axes.figure
    assert figure is not None  # noqa: S101 - axes on a figure; for the type checker
    scale = figure.dpi / 72
    frame = axes.get_window_extent()
    inside: Box = (frame.x0, frame.y0, frame.x1, frame.y1)
    points = [tuple(axes.transData.transform((label.x, label.y))) for label in labels]
    curves, blocked = _dots(axes, paths, 200), np.concatenate([np.array(points), _dots(axes, bars, 9)])
    order = sorted(range(len(labels)), key=lambda index: (not labels[index].bold, -points[index][1]))
    boxes: dict[int, Box] = {}
    for index in order:
        label = labels[index]
        width, height = _extent(axes, label)
        best = min(
            _candidates(points[index], width, height, scale),
            key=lambda found: (
                _badness(found[1], found[0], inside, blocked, list(boxes.values()), curves, scale)
                + _leader_badness(points[index], found[1], np.array(points), list(boxes.values()), scale)
            ),
        )
        boxes[index] = best[1]
        _write(axes, label, points[index], best[1], far=best[0] > 16 * scale)
    return [boxes[index] for index in range(len(labels))]


def _extent(axes: Axes, label: Label) -> tuple[float, float]:
    text = axes.text(0, 0, label.text, fontsize=_SIZE, weight="bold" if label.bold else "normal")
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _candidates(
    point: Sequence[float], width: float, height: float, scale: float
) -> Iterator[tuple[float, Box]]:
    """Distance from the point and box, at eight directions and growing distances."""
    for distance in (8, 14, 22, 32, 44, 58, 74, 92):
        for eighth in range(16):
            angle = eighth * math.pi / 8
            x = point[0] + distance * scale * math.cos(angle)
            y = point[1] + distance * scale * math.sin(angle)
            left = x if math.cos(angle) > 0.2 else x - width if math.cos(angle) < -0.2 else x - width / 2
            bottom = y if math.sin(angle) > 0.5 else y - height if math.sin(angle) < -0.5 else y - height / 2
            yield distance * scale, (left, bottom, left + width, bottom + height)


def _badness(
    box: Box,
    distance: float,
    inside: Box,
    blocked: Floats,
    boxes: Sequence[Box],
    curves: Floats,
    scale: float,
) -> float:
    pad = 2.5 * scale
    outside = max(inside[0] - box[0], inside[1] - box[1], box[2] - inside[2], box[3] - inside[3], 0.0)
    overlap = sum(_overlap(box, other, pad) for other in boxes)
    wide = (box[0] - 2 * pad, box[1] - pad, box[2] + 2 * pad, box[3] + pad)
    hidden, crossed = _within(blocked, wide), _within(curves, box)
    return 100 * outside + 1000 * overlap + 150 * hidden * scale + 3 * min(crossed, 20) + distance


def _leader_badness(
    point: Sequence[float], box: Box, points: Floats, boxes: Sequence[Box], scale: float
) -> float:
    """What the line from a point to its label runs over."""
    end = _nearest(point, box)
    along = np.linspace(point, end, 12)
    gaps = np.hypot(*(along[:, None, :] - points[None, :, :]).transpose(2, 0, 1)).min(axis=0)
    own = np.hypot(*(points - np.array(point)).T) < 1e-6
    touched = int((gaps[~own] < 5 * scale).sum())
    return 250 * scale * touched + 500 * sum(_within(along, other) > 0 for other in boxes)


def _nearest(point: Sequence[float], box: Box) -> tuple[float, float]:
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _within(dots: Floats, box: Box) -> int:
    x, y = dots.T
    return int(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).sum())


def _overlap(one: Box, other: Box, pad: float) -> bool:
    return (
        one[0] < other[2] + pad
        and other[0] < one[2] + pad
        and one[1] < other[3] + pad
        and other[1] < one[3] + pad
    )


def _dots(axes: Axes, paths: Sequence[Path], number: int) -> Floats:
    """`number` points along each path, in pixels, shape (dots, 2)."""
    parts = []
    for x, y in paths:
        if len(x) > 1:
            steps = np.linspace(0, len(x) - 1, number)
            index = np.arange(len(x))
            along = np.column_stack((np.interp(steps, index, x), np.interp(steps, index, y)))
            parts.append(axes.transData.transform(along))
    return np.concatenate(parts) if parts else np.empty((0, 2))


def _write(axes: Axes, label: Label, point: Sequence[float], box: Box, *, far: bool) -> None:
    back = axes.transData.inverted()
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    x, y = back.transform(middle)
    if far:
        (x0, y0), (x1, y1) = back.transform(point), back.transform(_nearest(point, box))
        axes.plot([x0, x1], [y0, y1], color=label.colour, linewidth=0.6, alpha=0.7, zorder=2.5)
    axes.text(
        x,
        y,
        label.text,
        fontsize=_SIZE,
        weight="bold" if label.bold else "normal",
        color=label.colour,
        ha="center",
        va="center",
        zorder=6,
    )
