"""The voyages on a map, as a PNG: the chosen way bold, the others thin, with a key of distance, days and cost.

Land outlines ship with the demo, so nothing is fetched. Needs matplotlib, the extra `plots`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from .. import UsageError
from ..tools.sea_network import LonLat
from .voyage import Voyage
from .voyage_corridors import load_areas, passage_name
from .voyage_geojson import split_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEA, LAND, GRID, INK = "#eaf2f8", "#d8d3c4", "#c3d3de", "#22313f"
CHOSEN = "#0b5fa5"
OTHERS = ("#d1782a", "#5a8f3c", "#8a5aa8", "#b0413e")
AREA = "#7fb68a"
AVOIDED = "#c0232c"
PASSAGE_POINTS: Mapping[str, LonLat] = {
    "babalmandab": (43.4, 12.6),
    "bering": (-169.0, 65.8),
    "bosporus": (29.1, 41.1),
    "chili": (-70.5, -53.0),
    "gibraltar": (-5.6, 35.95),
    "malacca": (100.6, 3.2),
    "northwest": (-95.0, 74.1),
    "ormuz": (56.4, 26.5),
    "panama": (-79.7, 9.1),
    "south_africa": (18.5, -34.9),
    "suez": (32.5, 30.2),
    "sunda": (105.8, -5.9),
}
"""Where each passage is marked, (lon, lat)."""


def draw_map(
    voyages: Sequence[Voyage],
    path: Path,
    *,
    title: str,
    ports: Mapping[str, LonLat],
    avoided: Sequence[str] = (),
) -> Path:
    """Draw the voyages (the one that is not rejected is the chosen one) to the PNG `path`, which is returned.

    `ports` are labelled points, `avoided` passages to cross out. `UsageError` if matplotlib is missing or there is
    nothing to draw.
    """
    if not voyages:
        raise UsageError("there is no voyage to draw; a map needs at least one way by sea")
    figure, axes = _sheet()
    centre = _centre(voyages)
    colours = _colours(voyages)
    window = _window(voyages, centre)
    _draw_base(axes, window, _areas(voyages))
    for order, voyage in enumerate(reversed(voyages)):
        _draw_route(axes, voyage, centre, colours[voyage.label], order)
    _mark_passages(axes, voyages, centre, avoided)
    _mark_ports(axes, ports, centre, voyages)
    _write_key(figure, voyages, colours)
    figure.text(0.03, 0.955, title, fontsize=15, weight="bold", color=INK, va="center")
    figure.savefig(path, format="png", dpi=150, facecolor="white")
    return path


def _sheet() -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("a map needs matplotlib: install it with pip install 'pilotfish[plots]'") from error
    figure = Figure(figsize=(13, 8.2))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.03, 0.25, 0.94, 0.67))
    return figure, axes


def _centre(voyages: Sequence[Voyage]) -> float:
    """The meridian of the map: the middle of the chosen way, so that it is never cut."""
    lons = [lon for lon, _ in voyages[0].coordinates]
    return round((min(lons) + max(lons)) / 2)


def _window(voyages: Sequence[Voyage], centre: float) -> tuple[float, float, float, float]:
    """West, east, south, north: all lines with a margin, in about the shape of the sheet."""
    points = [
        point for each in voyages for line in split_line(each.coordinates, centre=centre) for point in line
    ]
    west, east = min(lon for lon, _ in points) - 8, max(lon for lon, _ in points) + 8
    south, north = min(lat for _, lat in points) - 6, max(lat for _, lat in points) + 6
    west, east = max(west, centre - 180), min(east, centre + 180)
    shape = 12.22 / 5.49
    if (east - west) / (north - south) > shape:
        grow = ((east - west) / shape - (north - south)) / 2
        south, north = south - grow, north + grow
    else:
        grow = ((north - south) * shape - (east - west)) / 2
        west, east = max(west - grow, centre - 180), min(east + grow, centre + 180)
    return west, east, max(south, -75.0), min(north, 84.0)


def _colours(voyages: Sequence[Voyage]) -> dict[str, str]:
    others = iter(OTHERS * len(voyages))
    return {each.label: CHOSEN if each.rejected is None else next(others) for each in voyages}


def _areas(voyages: Iterable[Voyage]) -> list[tuple[LonLat, ...]]:
    names = sorted({area for each in voyages for area in each.areas})
    return [outline for name in names for outline in load_areas().get(name, ())]


def _draw_base(
    axes: Axes, window: tuple[float, float, float, float], areas: Iterable[Sequence[LonLat]]
) -> None:
    west, east, south, north = window
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_facecolor(SEA)
    axes.set_aspect("auto")
    step = next((step for step in (2, 5, 10) if (east - west) / step <= 9), 30)
    axes.set_xticks([lon for lon in range(-540, 541, step) if west <= lon <= east])
    step = min(step, 20)
    axes.set_yticks([lat for lat in range(-80, 81, step) if south <= lat <= north])
    axes.xaxis.set_major_formatter(lambda lon, _: _degrees(lon, "E", "W"))
    axes.yaxis.set_major_formatter(lambda lat, _: _degrees(lat, "N", "S"))
    axes.tick_params(labelsize=8, colors="#5d6d7e", length=0)
    axes.grid(color=GRID, linewidth=0.6, zorder=0.5)
    for side in axes.spines.values():
        side.set_color(GRID)
    for turn in (-360, 0, 360):
        for outline in areas:
            lons, lats = zip(*outline, strict=True)
            axes.fill([lon + turn for lon in lons], lats, color=AREA, alpha=0.28, linewidth=0, zorder=0.8)
        for outline in load_land():
            lons, lats = zip(*outline, strict=True)
            axes.fill([lon + turn for lon in lons], lats, color=LAND, linewidth=0, zorder=1)


def _degrees(value: float, positive: str, negative: str) -> str:
    turned = (value + 180) % 360 - 180 if positive == "E" else value
    sign = "" if turned in (0, -180) else positive if turned > 0 else negative
    return f"{abs(turned):g}°{sign}"


def _draw_route(axes: Axes, voyage: Voyage, centre: float, colour: str, order: int) -> None:
    chosen = voyage.rejected is None
    style = "-" if chosen else (0, (5, 2)) if voyage.feasible else (0, (1, 1.6))
    for line in split_line(voyage.coordinates, centre=centre):
        lons, lats = zip(*line, strict=True)
        if chosen:
            axes.plot(lons, lats, color="white", linewidth=5.5, zorder=3 + order / 10, solid_capstyle="round")
        axes.plot(
            lons,
            lats,
            color=colour,
            linewidth=3.2 if chosen else 1.7,
            linestyle=style,
            zorder=3.05 + order / 10,
        )


def _mark_passages(axes: Axes, voyages: Sequence[Voyage], centre: float, avoided: Sequence[str]) -> None:
    """Names the passages sailed, and crosses out those to avoid."""
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=2.5, foreground="white", alpha=0.85)
    sailed = dict.fromkeys(passage for each in voyages for passage in each.passages)
    for passage in dict.fromkeys([*sailed, *avoided]):
        lon, lat = _placed(PASSAGE_POINTS[passage], centre)
        out = passage in avoided
        axes.plot(
            [lon],
            [lat],
            marker="X" if out else "o",
            markersize=11 if out else 4.5,
            color=AVOIDED if out else INK,
            markeredgecolor="white",
            zorder=5,
        )
        west, east = axes.get_xlim()
        outer = lon > east - (east - west) / 8
        axes.annotate(
            f"{passage_name(passage)}{' (avoided)' if out else ''}",
            (lon, lat),
            xytext=(-6 if outer else 6, -10),
            ha="right" if outer else "left",
            textcoords="offset points",
            fontsize=7.5,
            color=AVOIDED if out else "#4a5a68",
            style="italic",
            zorder=5,
            path_effects=[halo],
        )


def _mark_ports(axes: Axes, ports: Mapping[str, LonLat], centre: float, voyages: Sequence[Voyage]) -> None:
    for name, point in ports.items():
        lon, lat = _placed(point, centre)
        axes.plot([lon], [lat], marker="s", markersize=7, color=INK, markeredgecolor="white", zorder=6)
        west, low = _free_corner(axes, (lon, lat), len(name), voyages, centre)
        axes.annotate(
            name,
            (lon, lat),
            xytext=(-8 if west else 8, -8 if low else 8),
            ha="right" if west else "left",
            va="top" if low else "baseline",
            textcoords="offset points",
            fontsize=10,
            weight="bold",
            color=INK,
            zorder=7,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )


def _free_corner(
    axes: Axes, point: LonLat, letters: int, voyages: Sequence[Voyage], centre: float
) -> tuple[bool, bool]:
    """Where the name of a port hides least of the ways and stays on the map: (to the west, below)."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    wide, high = (0.018 + 0.0085 * letters) * (east - west), 0.055 * (north - south)
    corners = [
        (left, low)
        for low in (False, True)
        for left in (point[0] > (west + east) / 2, point[0] <= (west + east) / 2)
    ]

    def hidden(corner: tuple[bool, bool]) -> int:
        left, low = corner
        start, bottom = point[0] - wide * left, point[1] - high * low
        if not (west < start and start + wide < east and south < bottom and bottom + high < north):
            return 10_000
        return sum(
            start < lon < start + wide and bottom < lat < bottom + high
            for voyage in voyages
            for line in split_line(voyage.coordinates, centre=centre)
            for lon, lat in _dense(line, wide / 6)
        )

    return min(corners, key=hidden)


def _dense(line: Sequence[LonLat], step: float) -> Iterator[LonLat]:
    """Points along a line, none further apart than `step` degrees."""
    for start, end in pairwise(line):
        parts = max(1, math.ceil(max(abs(end[0] - start[0]), abs(end[1] - start[1])) / step))
        for part in range(parts):
            share = part / parts
            yield (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


def _placed(point: LonLat, centre: float) -> LonLat:
    """The copy of a point nearest to the map's meridian."""
    return (centre + (point[0] - centre + 180) % 360 - 180, point[1])


def _write_key(figure: Figure, voyages: Sequence[Voyage], colours: Mapping[str, str]) -> None:
    """A table under the map, one voyage a row."""
    from matplotlib.lines import Line2D

    columns = (0.075, 0.36, 0.44, 0.51, 0.575, 0.655, 0.725)
    heads = ("way", "distance", "speed", "days", "cost", "CO₂", "")
    for x, head in zip(columns, heads, strict=True):
        figure.text(x, 0.195, head, fontsize=8.5, color="#5d6d7e")
    note = (
        "Shaded: emission control areas in force. Dotted: not feasible. Land: Natural Earth. Lanes: searoute."
    )
    figure.text(0.03, 0.012, note, fontsize=7.5, color="#5d6d7e")
    for row, voyage in enumerate(voyages):
        y = 0.195 - 0.034 * (row + 1)
        chosen = voyage.rejected is None
        style = "-" if chosen else (0, (5, 2)) if voyage.feasible else (0, (1, 1.6))
        mark = Line2D([0.03, 0.065], [y + 0.006] * 2, color=colours[voyage.label], linestyle=style)
        mark.set_linewidth(3.2 if chosen else 1.7)
        figure.add_artist(mark)
        for x, text in zip(columns, _row(voyage), strict=True):
            figure.text(x, y, text, fontsize=9, color=INK, weight="bold" if chosen else "normal")


def _row(voyage: Voyage) -> tuple[str, ...]:
    reason = "chosen" if voyage.rejected is None else voyage.rejected
    return (
        _short(voyage.label, 50),
        f"{voyage.distance_nm:,.0f} nm",
        f"{voyage.speed_kn:g} kn",
        f"{voyage.days:.1f}",
        f"${voyage.cost_usd['total'] / 1e6:.2f} M",
        f"{voyage.co2_t:,.0f} t",
        _short(reason, 54),
    )


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


@cache
def load_land() -> tuple[tuple[LonLat, ...], ...]:
    """Outlines of the continents and islands at 1:110 million (Natural Earth, public domain), (lon, lat)."""
    file = resources.files(__package__ or __name__) / "data" / "land.json"
    outlines = json.loads(file.read_text(encoding="utf-8"))["outlines"]
    return tuple(tuple((float(lon), float(lat)) for lon, lat in outline) for outline in outlines)
