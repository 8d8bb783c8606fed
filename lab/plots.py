"""The plots of a report, drawn with matplotlib without pyplot: nothing global is touched and no figure stays open.

Each is drawn once, in ink on nothing, as a `Drawing`: SVG whose colours a page may replace, and PNG on white.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import UsageError
from .plot_labels import Label, place_labels
from .table import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1b2733", "#5c6975", "#dde3e8", "#fefefe"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#56b4e9")
"""Told apart by people of any colour vision (after Okabe and Ito); each also has a marker of its own."""
MARKERS = "oDs^vP"
ROLES: Mapping[str, str] = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    **{colour: f"s{number}" for number, colour in enumerate(SERIES, start=1)},
}
"""Colour to the name of the page's variable that may stand for it."""
_WIDTH = 6.2
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "svg.fonttype": "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One plot, both ways."""

    svg: str
    """An `<svg>` element without prologue, name spaces or links."""
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A contender on the plot of cost against quality."""

    name: str
    x: float
    y: float
    low: float
    high: float
    role: Literal["policy", "baseline", "bound"]
    """A `bound` is what no policy can reach; it does not count for the Pareto front."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A curve of a policy, under the policy's name."""

    name: str
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """Predicted against observed means, shape (bins,) each."""

    name: str
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """A policy's scores by what it chose."""

    name: str
    small: Floats
    large: Floats
    threshold: float | None
    """Where the choice changes; None where the score alone does not decide."""


def pareto(points: Iterable[Point]) -> list[Point]:
    """The points that no other beats in both cost and quality, by rising cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, -point.y)):
        if not front or point.y > front[-1].y:
            front.append(point)
    return front


def draw_cost_quality(
    points: Sequence[Point],
    lines: Sequence[Line],
    *,
    policies: Sequence[str],
    random: Sequence[tuple[float, float]],
    x_label: str,
) -> Drawing:
    """Cost against quality, both as given: the front stepped, every point labelled; `random` is the line of chance."""
    with _figure(4.4) as figure:
        axes = figure.add_axes((0.1, 0.115, 0.88, 0.865))
        looks = looks_of(policies)
        for line in lines:
            colour, _ = looks.get(line.name, (MUTED, "."))
            axes.plot(line.x, line.y, color=colour, linewidth=1.1, alpha=0.6, zorder=2)
        if len(random) > 1:
            axes.plot(*zip(*random, strict=True), color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
        front = pareto(point for point in points if point.role != "bound")
        axes.step(
            [p.x for p in front],
            [p.y for p in front],
            where="post",
            color=INK,
            linewidth=6,
            alpha=0.09,
            zorder=1,
        )
        labels = [_draw_point(axes, point, looks) for point in points]
        axes.margins(x=0.06, y=0.09)
        axes.set_xlabel(x_label)
        axes.set_ylabel("quality, %")
        bars = [(np.array([p.x, p.x]), np.array([p.low, p.high])) for p in points]
        chance = [(np.array([x for x, _ in random]), np.array([y for _, y in random]))]
        place_labels(axes, labels, paths=[*chance, *[(line.x, line.y) for line in lines]], bars=bars)
        return _drawing(figure, "cost-quality")


def draw_ranking(points: Sequence[Point], *, policies: Sequence[str]) -> Drawing:
    """Quality of every contender with its interval, the best on top: where costs are not known."""
    ordered = sorted(points, key=lambda point: point.y)
    height = 0.6 + 0.27 * len(ordered)
    with _figure(height) as figure:
        axes = figure.add_axes((0.36, 0.47 / height, 0.61, (height - 0.55) / height))
        looks = looks_of(policies)
        for place, point in enumerate(ordered):
            policy = point.role == "policy"
            colour, marker = looks[point.name] if policy else (MUTED, "x" if point.role == "bound" else "o")
            axes.hlines(place, point.low, point.high, color=colour, linewidth=1.4, alpha=0.7)
            face = PAPER if point.role == "baseline" else colour
            axes.plot(
                [point.y],
                [place],
                marker=marker,
                markersize=6.5,
                color=colour,
                markerfacecolor=face,
                linestyle="none",
            )
        axes.set_yticks(range(len(ordered)), [_shown(point.name, 34) for point in ordered])
        axes.tick_params(axis="y", labelsize=8.5)
        for tick, point in zip(axes.get_yticklabels(), ordered, strict=True):
            tick.set_color(looks[point.name][0] if point.role == "policy" else MUTED)
            tick.set_fontweight("bold" if point.role == "policy" else "normal")
        axes.set_ylim(-0.7, len(ordered) - 0.3)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("quality, %")
        return _drawing(figure, "ranking")


def draw_reliability(bins: Sequence[Bins], *, policies: Sequence[str], x_label: str, y_label: str) -> Drawing:
    """Predicted against observed, one line per policy; on the diagonal a prediction means what it says."""
    with _figure(4.2) as figure:
        axes = figure.add_axes((0.11, 0.125, 0.86, 0.76))
        looks = looks_of(policies)
        reach = np.concatenate([part for each in bins for part in (each.predicted, each.observed)])
        ends = (float(reach.min()), float(reach.max()))
        axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label="as predicted")
        for each in bins:
            colour, marker = looks[each.name]
            axes.vlines(each.predicted, each.low, each.high, color=colour, linewidth=1, alpha=0.6)
            _draw_bins(axes, each, each.predicted, colour=colour, marker=marker)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        _legend(axes, [each.name for each in bins])
        return _drawing(figure, "reliability")


def _draw_bins(axes: Any, each: Bins, places: Floats, *, colour: str, marker: str) -> None:
    axes.plot(
        places,
        each.observed,
        color=colour,
        marker=marker,
        markersize=5,
        linewidth=1.3,
        label=_shown(each.name, 34),
    )


def draw_gains(bins: Sequence[Bins], *, policies: Sequence[str], y_label: str) -> Drawing:
    """The large model's observed gain by tenths of each policy's score: a score that knows something rises."""
    with _figure(3.8) as figure:
        axes = figure.add_axes((0.1, 0.135, 0.88, 0.75))
        looks = looks_of(policies)
        shift = np.linspace(-0.12, 0.12, len(bins)) if len(bins) > 1 else [0.0]
        for offset, each in zip(shift, bins, strict=True):
            colour, marker = looks[each.name]
            places = each.predicted + offset
            axes.vlines(places, each.low, each.high, color=colour, linewidth=1, alpha=0.5)
            _draw_bins(axes, each, places, colour=colour, marker=marker)
        axes.axhline(0, color=MUTED, linewidth=0.9)
        axes.set_xticks(range(1, 11))
        axes.set_xlim(0.6, 10.4)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("tenth of the prompts by score, from “small” to “large”")
        axes.set_ylabel(y_label)
        _legend(axes, [each.name for each in bins])
        return _drawing(figure, "gain-by-score")


def draw_scores(panels: Sequence[Scores], *, small: str, large: str) -> Drawing:
    """Histograms of scores by choice, one panel per policy, with the threshold where the choice is cut by one."""
    each, foot = 1.3, 0.45
    tall = foot + each * len(panels)
    with _figure(tall) as figure:
        for number, panel in enumerate(panels):
            bottom = (foot + each * (len(panels) - 1 - number)) / tall
            axes = figure.add_axes((0.1, bottom + 0.22 / tall, 0.88, (each - 0.48) / tall))
            _draw_panel(axes, panel)
        handles = _patches((SERIES[0], f"to {small}"), (SERIES[1], f"to {large}"))
        figure.legend(handles=handles, loc="lower center", ncols=2, fontsize=9, borderaxespad=0.2)
        return _drawing(figure, "scores")


def _legend(axes: Axes, names: Sequence[str]) -> None:
    """Above the plot, where it hides nothing."""
    longest = max(min(len(name), 34) for name in names)
    columns = max(1, min(3, 70 // (longest + 8)))
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=columns,
        fontsize=9,
        columnspacing=1.6,
        borderaxespad=0.2,
    )


def _draw_point(axes: Axes, point: Point, looks: Mapping[str, tuple[str, str]]) -> Label:
    policy = point.role == "policy"
    colour, marker = looks[point.name] if policy else (MUTED, "x" if point.role == "bound" else "o")
    axes.vlines(
        point.x, point.low, point.high, color=colour, linewidth=1.4 if policy else 1, alpha=0.8, zorder=3
    )
    axes.plot(
        [point.x],
        [point.y],
        marker=marker,
        markersize=7.5 if policy else 5,
        color=colour,
        markeredgecolor=PAPER if policy else colour,
        markerfacecolor=colour if policy else PAPER,
        linestyle="none",
        zorder=5 if policy else 4,
    )
    return Label(text=_shown(point.name, 34), x=point.x, y=point.y, colour=colour, bold=policy)


def _draw_panel(axes: Axes, panel: Scores) -> None:
    both = np.concatenate((panel.small, panel.large))
    low, high = float(both.min()), float(both.max())
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 41).tolist()
    axes.hist(
        [panel.small, panel.large],
        bins=edges,
        stacked=True,
        color=[SERIES[0], SERIES[1]],
        edgecolor=PAPER,
        linewidth=0.3,
    )
    if panel.threshold is not None:
        axes.axvline(panel.threshold, color=INK, linewidth=1.1)
        middle = (low + high) / 2
        axes.annotate(
            f"{round(panel.threshold, 2) + 0.0:.2f}",
            (panel.threshold, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if panel.threshold > middle else 4, -2),
            textcoords="offset points",
            ha="right" if panel.threshold > middle else "left",
            va="top",
            fontsize=8.5,
        )
    axes.set_title(_shown(panel.name, 60), loc="left", fontsize=9.5, color=INK, pad=4)
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(labelsize=8.5)
    axes.grid(visible=False, axis="x")


def looks_of(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each policy, in the order given: the same in every plot of a report."""
    return {
        name: (SERIES[place % len(SERIES)], MARKERS[(place + place // len(SERIES)) % len(MARKERS)])
        for place, name in enumerate(names)
    }


def _patches(*wanted: tuple[str, str]) -> list[Any]:
    from matplotlib.patches import Patch

    return [Patch(color=colour, label=_shown(label, 40)) for colour, label in wanted]


def _shown(text: str, length: int) -> str:
    """A name as matplotlib can show it: one line, and no underscore first, which would hide it from a legend."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = f" {line}" if line.startswith("_") else line
    return line if len(line) <= length else f"{line[: length - 1]}…"


@contextmanager
def _figure(height: float) -> Generator[Figure]:
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the plots of a report need matplotlib; install it with: pip install 'pilotfish[plots,lab]'"
        ) from error
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing"
        )  # a name in a script the font lacks: boxes
        figure = Figure(figsize=(_WIDTH, height))
        FigureCanvasAgg(figure)
        yield figure


def _drawing(figure: Figure, name: str) -> Drawing:
    from matplotlib import rc_context

    png, svg = io.BytesIO(), io.StringIO()
    figure.savefig(png, format="png", dpi=180, facecolor="white", metadata={"Software": None})
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return Drawing(svg=_bare(svg.getvalue(), name), png=png.getvalue())


def _bare(svg: str, name: str) -> str:
    """The `<svg>` element alone, with identifiers of its own and sized by the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = (
        re.sub(r'\s(xmlns(:\w+)?|width|height|version)="[^"]*"', "", svg[: svg.index(">")])
        + svg[svg.index(">") :]
    )
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.strip()
