"""The heat map of routing by kind: every small model against every large one, as PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from ..tracing.whole import writing_whole
from .kind_pairs import Bools, PairGrid
from .table import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, EMPTY = "#1b2733", "#5c6975", "#f1f3f5"
STRONGEST = 8.0
"""Points at which a colour is full; beyond it the number tells."""
_STYLE = {"font.size": 9.0, "svg.hashsalt": "kinds", "svg.fonttype": "path", "text.color": INK}


def draw_heatmap(grid: PairGrid, *, out: Path, policy: str, share: float) -> tuple[Path, Path]:
    """Writes `out` as PNG and as SVG beside it, whole or not at all; gives both paths."""
    figure_type, context, normalise = _matplotlib()
    with context(_STYLE):
        size = 3.0 + 0.3 * len(grid.models)
        figure = figure_type(figsize=(size, 2 * size), layout="constrained")
        upper, lower = figure.subplots(2, 1)
        scale = normalise(vcenter=0.0, vmin=-STRONGEST, vmax=STRONGEST)
        shown = _panel(upper, grid, grid.over_large, grid.better(), "Against the large model alone", scale)
        _panel(
            lower, grid, grid.over_random, grid.beats_random(), "Against as many large calls at random", scale
        )
        bar = figure.colorbar(shown, ax=upper, location="top", shrink=0.5, aspect=40, pad=0.01, extend="both")
        bar.set_label("points of accuracy that the hybrid gains (blue) or loses (red)")
        bar.outline.set_visible(False)
        figure.suptitle(
            f"MMLU-Pro routed by kind, for each pair of models\n{policy}, {share:.0%} large calls; "
            "bold in a frame: above zero at 95 %, pair by pair",
            fontsize=13,
            color=INK,
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        return _save(figure, out.with_suffix(".png")), _save(figure, out.with_suffix(".svg"))


def _panel(axes: Axes, grid: PairGrid, values: Floats, certain: Bools, title: str, scale: Any) -> Any:
    names = [f"{name}  {100 * quality:.0f}" for name, quality in zip(grid.models, grid.quality, strict=True)]
    # The strongest model is never the small one, the weakest never the large one: their lines would be empty.
    points = 100.0 * values[:-1, 1:]
    certain = certain[:-1, 1:]
    axes.set_facecolor(EMPTY)
    shown = axes.imshow(np.ma.masked_invalid(points), cmap="RdBu", norm=scale, aspect="equal")
    axes.set_xticks(range(len(names) - 1), names[1:], rotation=90)
    axes.set_yticks(range(len(names) - 1), names[:-1])
    axes.tick_params(length=0, colors=INK)
    axes.set_title(title, fontsize=12, color=INK)
    axes.set_xlabel("large model, answers the rest; accuracy in %")
    axes.set_ylabel("small model, answers what reads as reasoning; accuracy in %")
    for side in axes.spines.values():
        side.set_visible(False)
    for row, column in np.argwhere(~np.isnan(points)):
        _cell(axes, int(row), int(column), float(points[row, column]), sure=bool(certain[row, column]))
    return shown


def _cell(axes: Axes, row: int, column: int, value: float, *, sure: bool) -> None:
    from matplotlib.patches import Rectangle

    dark = abs(value) > 0.62 * STRONGEST
    text = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    axes.text(
        column,
        row,
        text.replace("-", "−"),
        ha="center",
        va="center",
        fontsize=7.0,
        fontweight="bold" if sure else "normal",
        color="white" if dark else INK,
    )
    if sure:
        axes.add_patch(
            Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor=INK, linewidth=0.9)
        )


def _save(figure: Any, path: Path) -> Path:
    """Without a date in it, so that equal figures give equal files."""
    kind = path.suffix[1:]
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with writing_whole(path) as partial:
        figure.savefig(partial, format=kind, dpi=110, metadata=metadata, bbox_inches="tight")
    return path


def _matplotlib() -> tuple[Any, Any, Any]:
    try:
        from matplotlib import rc_context
        from matplotlib.colors import TwoSlopeNorm
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the heat map needs matplotlib; install it with: pip install 'pilotfish[plots]'"
        ) from error
    return Figure, rc_context, TwoSlopeNorm
