"""The world's sea lanes and ports, as the searoute package ships them, held read-only.

The data modules are loaded by path: importing the package itself would pull in networkx, and its graph
carries the restrictions of whoever called last. What is built here never changes, so any thread may read
it.
"""

from __future__ import annotations

import difflib
import importlib.util
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import UnavailableError
from .errors import ToolInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PASSAGES = (
    "babalmandab",
    "bering",
    "bosporus",
    "chili",
    "gibraltar",
    "malacca",
    "northwest",
    "ormuz",
    "panama",
    "south_africa",
    "suez",
    "sunda",
)
"""Names of the passages, as searoute 1.6 spells them."""
EARTH_RADIUS_NM = 6371.0088 / 1.852
"""Mean earth radius (IUGG) in nautical miles."""
MAX_APPROACH_NM = 50.0
"""Farthest a point may lie from a sea lane; nine in ten container terminals lie within 35."""

LonLat = tuple[float, float]

# searoute leaves some lanes round these capes untagged, so that avoiding the cape led past it a little further south.
_CAPES = {"south_africa": (21.0, -90.0, -34.0), "chili": (-68.1, -90.0, -52.0)}
"""Meridian of a cape, and the latitudes between which a lane crossing it rounds the cape."""
_SMALL_CANALS = ((22.98, 37.85, 38.0), (-70.6, 41.7, 41.8))
"""The same of the Corinth and Cape Cod canals, whose lanes are left out: sea-going container ships do not fit them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of searoute's list."""

    locode: str
    name: str
    country: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Nodes and the lanes between them."""

    points: tuple[LonLat, ...]
    neighbours: tuple[tuple[tuple[int, float, str | None], ...], ...]
    """Of each node: (node, nautical miles, passage the lane runs through)."""
    lanes: NDArray[np.intp] = field(repr=False)
    """Every lane once: two node numbers a row."""
    vectors: NDArray[np.float64] = field(repr=False)
    """Unit vector of every node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mooring:
    """Where a point joins the network: the ends of the lane nearest to it."""

    point: LonLat
    lane: tuple[int, int]
    approach_nm: float
    """From the point to the lane."""
    legs: Mapping[int, float]
    """Nautical miles from the point to either end of the lane."""


def great_circle_nm(a: LonLat, b: LonLat) -> float:
    """Great-circle distance between two (lon, lat) points by the haversine formula."""
    phi_a, phi_b = math.radians(a[1]), math.radians(b[1])
    half_phi, half_lambda = (phi_b - phi_a) / 2, math.radians(b[0] - a[0]) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_NM * math.asin(min(1.0, math.sqrt(h)))


@cache
def load_network() -> Network:
    """The network; built on first use in about 0.15 s."""
    import numpy as np

    adjacency: Mapping[LonLat, Mapping[LonLat, Mapping[str, Any]]] = _data("marnet_dict").edge_list
    number = {point: i for i, point in enumerate(sorted(adjacency))}
    neighbours = tuple(
        tuple(
            (number[end], great_circle_nm(start, end), _passage(start, end, lane.get("passage")))
            for end, lane in adjacency[start].items()
            if not any(_crosses(start, end, *canal) for canal in _SMALL_CANALS)
        )
        for start in number
    )
    lanes = np.array([(i, j) for i, row in enumerate(neighbours) for j, _, _ in row if i < j], dtype=np.intp)
    for array in (lanes, vectors := _unit_vectors(number)):
        array.flags.writeable = False
    return Network(points=tuple(number), neighbours=neighbours, lanes=lanes, vectors=vectors)


@cache
def load_ports() -> Mapping[str, Port]:
    """Ports by LOCODE; of a code listed twice the first counts."""
    ports: dict[str, Port] = {}
    for entry in _data("ports_dict").node_list.values():
        port = Port(
            locode=str(entry["port"]),
            name=str(entry["name"]),
            country=str(entry["cty"]),
            lon=float(entry["x"]),
            lat=float(entry["y"]),
        )
        ports.setdefault(port.locode, port)
    return ports


def find_port(locode: str) -> Port:
    """The port with this LOCODE (case and blanks do not matter); an unknown one names the nearest known."""
    code = "".join(locode.split()).upper()
    ports = load_ports()
    if code in ports:
        return ports[code]
    named = {port.name.lower(): port.locode for port in ports.values()}
    near = difflib.get_close_matches(locode.strip().lower(), named, n=1, cutoff=0.75)
    found = [named[near[0]]] if near else difflib.get_close_matches(code, ports, n=1)
    hint = (
        f"did you mean {found[0]!r} ({ports[found[0]].name})?"
        if found
        else "give a UN/LOCODE such as 'NLRTM'"
    )
    raise ToolInputError(f"unknown port {locode!r}; {hint}")


def check_passages(names: Iterable[str]) -> frozenset[str]:
    """The names as a set, every one a passage; a misspelt one is refused with the nearest."""
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if name not in PASSAGES:
            near = difflib.get_close_matches(str(name).lower(), PASSAGES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(PASSAGES)}"
            raise ToolInputError(f"unknown passage {name!r}; {hint}")
    return frozenset(given)


@lru_cache(maxsize=512)
def moor(point: LonLat) -> Mooring:
    """Join a point at sea or on a quay to its nearest lane; one too far from any is refused, not moved."""
    import numpy as np

    network = load_network()
    target = _unit_vectors([point])[0]
    starts, ends = network.vectors[network.lanes[:, 0]], network.vectors[network.lanes[:, 1]]
    along = ends - starts
    share = ((target - starts) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-18)
    feet = starts + np.clip(share, 0.0, 1.0)[:, None] * along
    feet /= np.linalg.norm(feet, axis=1, keepdims=True)
    best = int(np.argmax(feet @ target))
    gap = EARTH_RADIUS_NM * 2 * math.asin(min(1.0, float(np.linalg.norm(feet[best] - target)) / 2))
    if gap > MAX_APPROACH_NM:
        raise ToolInputError(
            f"the point {point} is {gap:.0f} nm from the nearest sea lane, the limit is "
            f"{MAX_APPROACH_NM:.0f}; it may be inland or its longitude and "
            "latitude swapped: give a port or a point on a sea lane"
        )
    a, b = (int(i) for i in network.lanes[best])
    legs = {i: great_circle_nm(point, network.points[i]) for i in (a, b)}
    return Mooring(point=point, lane=(a, b), approach_nm=gap, legs=legs)


def _passage(start: LonLat, end: LonLat, tag: str | None) -> str | None:
    """The passage a lane runs through: searoute's tag, or that of the cape it rounds."""
    if tag in PASSAGES:
        return tag
    for name, gate in _CAPES.items():
        if _crosses(start, end, *gate):
            return name
    return None


def _crosses(start: LonLat, end: LonLat, meridian: float, south: float, north: float) -> bool:
    west, east = sorted((start, end))
    return (
        west[0] <= meridian < east[0] < west[0] + 180
        and south < min(start[1], end[1])
        and max(start[1], end[1]) < north
    )


def _unit_vectors(points: Iterable[LonLat]) -> NDArray[np.float64]:
    import numpy as np

    lon, lat = np.radians(np.array(list(points), dtype=np.float64)).T
    return np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), axis=1)


def _data(name: str) -> ModuleType:
    """One of searoute's two data modules, without importing searoute."""
    package = importlib.util.find_spec("searoute")
    if package is None or not package.submodule_search_locations:
        raise UnavailableError(
            "the sea lanes are missing: install searoute (pip install 'searoute>=1.6,<1.7')"
        )
    file = Path(package.submodule_search_locations[0], "data", f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UnavailableError(
            f"searoute has no {file.name}: install searoute 1.6 (pip install 'searoute>=1.6,<1.7')"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
