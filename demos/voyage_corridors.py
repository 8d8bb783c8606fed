"""The distinct ways between two ports, found by closing passages in turn, with the part of each inside
emission areas.

Purely geographic: draft, tolls and closures are for the optimiser.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise

from ..tools.errors import ToolInputError
from ..tools.sea_network import MAX_APPROACH_NM, LonLat, great_circle_nm, load_network, moor
from ..tools.sea_routes import NoRouteError, SeaRoute, locate, sea_route

MAX_SEARCHES = 40
"""Most searches for one pair of ports; each takes some 10 ms."""
SAMPLE_NM = 20.0
"""Spacing of the points at which a route is looked up in the emission areas."""
MOST_COASTING_NM = 250.0
"""How far a port may lie from the nearest lane: the table has lanes along coasts, but not along all of them."""
GATES = ("suez", "panama", "south_africa", "chili")
"""The passages that set the great corridors apart; the others make variants of them."""

_LOCKS: Mapping[str, tuple[float, float, float]] = {"panama": (9.1, -80.5, -79.0), "suez": (30.3, 32.0, 33.0)}
"""Where a canal is crossed: a latitude between two longitudes. The lanes up to it, from the sea, bear its name too."""
_NAMES: Mapping[str, str] = {
    "babalmandab": "Bab-el-Mandeb",
    "bering": "Bering Strait",
    "bosporus": "Bosporus",
    "chili": "Strait of Magellan",
    "gibraltar": "Strait of Gibraltar",
    "malacca": "Strait of Malacca",
    "northwest": "Northwest Passage",
    "ormuz": "Strait of Hormuz",
    "panama": "Panama Canal",
    "south_africa": "Cape of Good Hope",
    "suez": "Suez Canal",
    "sunda": "Sunda Strait",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor:
    """One way between the ports."""

    route: SeaRoute
    label: str
    """Its name among the ways found, such as `Suez Canal` or `Cape of Good Hope`."""
    area_nm: Mapping[str, float]
    """Nautical miles inside each emission area it touches, in force or not."""

    @property
    def gates(self) -> tuple[str, ...]:
        """The great passages it uses."""
        return tuple(name for name in self.route.passages if name in GATES)


def passage_name(passage: str) -> str:
    """A passage's name for people."""
    return _NAMES[passage]


def find_corridors(
    origin: str | LonLat, destination: str | LonLat, *, avoid: Sequence[str] = ()
) -> list[Corridor]:
    """Every way that differs in its passages, shortest first, whether or not it uses what `avoid` names.

    With a way to avoid something, the ways round it are among them if there are any. `ToolInputError` when
    a port is unknown or inland; an empty list when there is no way at all.
    """
    return list(_find(_place(origin), _place(destination), tuple(sorted(set(avoid)))))


@lru_cache(maxsize=64)
def _find(origin: str | LonLat, destination: str | LonLat, avoid: tuple[str, ...]) -> tuple[Corridor, ...]:
    explorer = _Explorer(origin, destination)
    queue = [frozenset[str](), frozenset(avoid)]
    for closed in queue:  # it grows while it is walked
        route = explorer.shortest(closed)
        wider = [closed | {passage} for passage in route.passages] if route else []
        queue.extend(each for each in wider if each not in queue)
    found = {route.passages: route for _, route in explorer.ways}
    routes = sorted(found.values(), key=lambda each: (each.distance_nm, each.passages))
    return tuple(
        Corridor(route=route, label=label, area_nm=measure_areas(route.coordinates))
        for route, label in zip(routes, _labels(routes), strict=True)
    )


class _Explorer:
    """Shortest ways under growing sets of closed passages, without searching twice for one that is known."""

    def __init__(self, origin: str | LonLat, destination: str | LonLat) -> None:
        self._ends = (locate(origin), locate(destination))
        self._lanes = (_join(self._ends[0]), _join(self._ends[1]))
        self._dead: list[frozenset[str]] = []
        self._searches = 0
        self.ways: list[tuple[frozenset[str], SeaRoute]] = []
        """What was closed, and the shortest way then."""

    def shortest(self, closed: frozenset[str]) -> SeaRoute | None:
        """The shortest way, or None if there is none or the searches are used up."""
        if any(dead <= closed for dead in self._dead):
            return None
        for fewer, route in self.ways:
            # Shortest with less closed and still open, so shortest now.
            if fewer <= closed and not closed.intersection(route.passages):
                return route
        if self._searches == MAX_SEARCHES:
            return None
        self._searches += 1
        try:
            route = self._from_quay_to_quay(sea_route(*self._lanes, avoid=sorted(closed)))
        except NoRouteError:
            self._dead.append(closed)
            return None
        self.ways.append((closed, route))
        return route

    def _from_quay_to_quay(self, route: SeaRoute) -> SeaRoute:
        """The way with the stretches between the ports and where it joins the lanes."""
        first, last = (great_circle_nm(*pair) for pair in zip(self._ends, self._lanes, strict=True))
        before = (_beside(self._ends[0], route.coordinates[0]),) if first else ()
        after = (_beside(self._ends[1], route.coordinates[-1]),) if last else ()
        begun = zip(route.passages, route.passage_nm, strict=True)
        sailed = {name: miles + first for name, miles in begun if _transits(route.coordinates, name)}
        return replace(
            route,
            distance_nm=route.distance_nm + first + last,
            passages=tuple(sailed),
            passage_nm=tuple(sailed.values()),
            coordinates=(*before, *route.coordinates, *after),
        )


def _transits(coordinates: Sequence[LonLat], passage: str) -> bool:
    """Whether a way goes through a canal, and not only up to a port at its mouth."""
    if passage not in _LOCKS:
        return True
    lat, west, east = _LOCKS[passage]
    return any(
        (start[1] > lat) != (end[1] > lat) and west < (start[0] + 180) % 360 - 180 < east
        for start, end in pairwise(coordinates)
    )


def _beside(point: LonLat, neighbour: LonLat) -> LonLat:
    """The point with its longitude counted as far round as its neighbour's."""
    return (point[0] + 360 * round((neighbour[0] - point[0]) / 360), point[1])


def _join(port: LonLat) -> LonLat:
    """The port itself or, off a coast without lanes, a point straight ahead that a lane can be reached from."""
    try:
        moor(port)
    except ToolInputError:
        node = min(load_network().points, key=lambda point: great_circle_nm(port, point))
        away = great_circle_nm(port, node)
        if away > MOST_COASTING_NM:
            raise
        share = 1 - MAX_APPROACH_NM / 2 / away
        east = (node[0] - port[0] + 180) % 360 - 180
        return ((port[0] + share * east + 180) % 360 - 180, port[1] + share * (node[1] - port[1]))
    return port


def _place(place: str | LonLat) -> str | LonLat:
    return place if isinstance(place, str) else (float(place[0]), float(place[1]))


def _labels(routes: Sequence[SeaRoute]) -> Iterator[str]:
    """Short names that tell the routes apart: the great passages, and the others where those are not enough."""
    great = [tuple(p for p in route.passages if p in GATES) for route in routes]
    for route, gates in zip(routes, great, strict=True):
        first = routes[great.index(gates)]
        names = " and ".join(passage_name(p) for p in gates) or "direct"
        if route is not first:
            others = [passage_name(p) for p in route.passages if p not in first.passages]
            skipped = [passage_name(p) for p in first.passages if p not in route.passages]
            names += f" via {', '.join(others)}" if others else f" without {', '.join(skipped)}"
        yield names


def measure_areas(coordinates: Sequence[LonLat]) -> dict[str, float]:
    """Nautical miles of a line inside each emission area, by sampling it about every 20."""
    inside: dict[str, float] = {}
    for start, end in pairwise(coordinates):
        miles = great_circle_nm(start, end)
        steps = max(1, math.ceil(miles / SAMPLE_NM))
        for step in range(steps):
            share = (step + 0.5) / steps
            point = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            if area := area_at(point):
                inside[area] = inside.get(area, 0.0) + miles / steps
    return inside


def area_at(point: LonLat) -> str | None:
    """The emission area around a point, in force or not."""
    lon, lat = (point[0] + 180) % 360 - 180, point[1]
    for name, outlines in load_areas().items():
        if any(_near(lon, lat, outline) and _within(lon, lat, outline) for outline in outlines):
            return name
    return None


@cache
def load_areas() -> Mapping[str, tuple[tuple[LonLat, ...], ...]]:
    """Outlines of the emission areas, by the name the corpus gives them in lower case with underscores."""
    file = resources.files(__package__ or __name__) / "data" / "emission_areas.json"
    areas = json.loads(file.read_text(encoding="utf-8"))["areas"]
    return {
        name: tuple(tuple((float(lon), float(lat)) for lon, lat in outline) for outline in outlines)
        for name, outlines in areas.items()
    }


def _near(lon: float, lat: float, outline: tuple[LonLat, ...]) -> bool:
    west, south, east, north = _box(outline)
    return west <= lon <= east and south <= lat <= north


@cache
def _box(outline: tuple[LonLat, ...]) -> tuple[float, float, float, float]:
    lons, lats = zip(*outline, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def _within(lon: float, lat: float, outline: Sequence[LonLat]) -> bool:
    """Even-odd rule: whether a ray to the east crosses the outline an odd number of times."""
    odd = False
    for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
        if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1):
            odd = not odd
    return odd
