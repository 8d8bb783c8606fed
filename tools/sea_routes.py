"""Shortest sea routes between two places, with passages that may be avoided.

The search reads one immutable network and keeps all its state in the call, so calls with different
restrictions can run at the same time. A route that cannot be found is an error, never a length of zero.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .errors import ToolInputError
from .sea_network import (
    PASSAGES,
    LonLat,
    Mooring,
    Network,
    check_passages,
    find_port,
    great_circle_nm,
    load_network,
    moor,
)

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

CLOSED_UNLESS_ASKED = frozenset({"northwest"})
"""Passages not sailed by default: ice closes them most of the year."""


class NoRouteError(ToolInputError):
    """What is avoided leaves no way by sea between the two places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaRoute:
    """A way by sea."""

    distance_nm: float
    """Nautical miles, from the very points asked for."""
    passages: tuple[str, ...]
    """Passages sailed through, in order."""
    passage_nm: tuple[float, ...]
    """Nautical miles from the origin to where each passage begins."""
    coordinates: tuple[LonLat, ...]
    """(lon, lat) of the way; longitudes run on past ±180 where it crosses the antimeridian."""
    avoided: tuple[str, ...]
    """Passages it had to avoid."""


def sea_route(
    origin: str | Sequence[float],
    destination: str | Sequence[float],
    *,
    avoid: Sequence[str] = (),
    arctic: bool = False,
) -> SeaRoute:
    """The shortest route by sea between two ports (LOCODE) or points (lon, lat).

    `avoid` names passages of `sea_network.PASSAGES`. The Northwest Passage is used only if `arctic`.
    Distances are great-circle lengths along searoute's lanes (Apache-2.0; median 1.7 % from published
    tables) plus the way from the points to their lanes. `ToolInputError` for an unknown port or passage, a
    point too far from any lane, or two equal places; `NoRouteError` if nothing is left to sail.
    """
    blocked = check_passages(avoid) | (frozenset() if arctic else CLOSED_UNLESS_ASKED)
    start, end = locate(origin), locate(destination)
    if great_circle_nm(start, end) < 0.1:
        raise ToolInputError(f"{origin!r} and {destination!r} are the same place; a route needs two")
    return _search(start, end, blocked)


def sea_route_tool() -> BaseTool:
    """The route finder as a langchain-core tool `sea_route`, whose answer is JSON-able (no coordinates)."""
    from langchain_core.tools import StructuredTool

    def route(
        origin: str | tuple[float, float],
        destination: str | tuple[float, float],
        avoid: list[str] | None = None,
    ) -> dict[str, Any]:
        found = sea_route(origin, destination, avoid=avoid or ())
        return {
            "distance_nm": round(found.distance_nm, 1),
            "passages": list(found.passages),
            "avoided": list(found.avoided),
        }

    return StructuredTool.from_function(
        route,
        name="sea_route",
        description=(
            "Shortest route by sea between two ports (UN/LOCODE) or (lon, lat) points: nautical miles and "
            f"passages. `avoid` may name: {', '.join(PASSAGES)}."
        ),
        metadata={"pilotfish.locality": "local"},
    )


def locate(place: str | Sequence[float]) -> LonLat:
    """The (lon, lat) of a LOCODE or of a pair of numbers, within ±180 and ±90."""
    if isinstance(place, str):
        port = find_port(place)
        return (port.lon, port.lat)
    numbers = [float(n) for n in place]
    if (
        len(numbers) != 2
        or not all(map(math.isfinite, numbers))
        or abs(numbers[1]) > 90
        or abs(numbers[0]) > 360
    ):
        raise ToolInputError(f"{place!r} is not a place: give a LOCODE or (longitude, latitude) in degrees")
    lon, lat = numbers
    return (lon if -180 <= lon <= 180 else lon - math.copysign(360, lon), lat)


@lru_cache(maxsize=256)
def _search(start: LonLat, end: LonLat, blocked: frozenset[str]) -> SeaRoute:
    network = load_network()
    source, target = moor(start), moor(end)
    direct = great_circle_nm(start, end) if source.lane == target.lane else math.inf
    cost, nodes = _shortest(network, source, target, blocked)
    if min(cost, direct) == math.inf:
        raise NoRouteError(
            f"no way by sea from {start} to {end} without {', '.join(sorted(blocked))}; "
            "allow one of these passages"
        )
    if direct <= cost:
        cost, nodes = direct, []
    passages = _passages(network, nodes, source)
    return SeaRoute(
        distance_nm=cost,
        passages=tuple(passages),
        passage_nm=tuple(passages.values()),
        coordinates=_unrolled([start, *(network.points[i] for i in nodes), end]),
        avoided=tuple(sorted(blocked)),
    )


def _shortest(
    network: Network, source: Mooring, target: Mooring, blocked: frozenset[str]
) -> tuple[float, list[int]]:
    """Length and nodes of the shortest way from one mooring to another; infinite if there is none.

    A* led by the distances of the open network, which no restriction can shorten.
    """
    to_go = _distances_to(target.point)
    before: dict[int, int] = {}
    queue = [(leg + to_go[node], node, leg, -1) for node, leg in source.legs.items()]
    heapq.heapify(queue)
    best, last = math.inf, -1
    while queue and queue[0][0] < best:
        _, node, length, previous = heapq.heappop(queue)
        if node in before:
            continue
        before[node] = previous
        if node in target.legs and length + target.legs[node] < best:
            best, last = length + target.legs[node], node
        for neighbour, miles, passage in network.neighbours[node]:
            if neighbour not in before and passage not in blocked:
                heapq.heappush(queue, (length + miles + to_go[neighbour], neighbour, length + miles, node))
    return best, _walked(before, last)


@lru_cache(maxsize=64)
def _distances_to(point: LonLat) -> tuple[float, ...]:
    """From every node to a point, with every passage open (Dijkstra); infinite where no lane leads."""
    network = load_network()
    lengths = [math.inf] * len(network.points)
    queue = [(leg, node) for node, leg in moor(point).legs.items()]
    heapq.heapify(queue)
    while queue:
        length, node = heapq.heappop(queue)
        if length < lengths[node]:
            lengths[node] = length
            for neighbour, miles, _ in network.neighbours[node]:
                if length + miles < lengths[neighbour]:
                    heapq.heappush(queue, (length + miles, neighbour))
    return tuple(lengths)


def _walked(before: Mapping[int, int], last: int) -> list[int]:
    nodes: list[int] = []
    while last >= 0:
        nodes.append(last)
        last = before[last]
    return nodes[::-1]


def _passages(network: Network, nodes: Sequence[int], source: Mooring) -> dict[str, float]:
    """Passages along a way, each once and in order, to nautical miles from its start."""
    found: dict[str, float] = {}
    sailed = source.legs[nodes[0]] if nodes else 0.0
    for node, following in pairwise(nodes):
        miles, passage = next(lane[1:] for lane in network.neighbours[node] if lane[0] == following)
        if passage:
            found.setdefault(passage, sailed)
        sailed += miles
    return found


def _unrolled(points: Sequence[LonLat]) -> tuple[LonLat, ...]:
    """The same points with no jump of longitude above 180°."""
    line = [points[0]]
    for lon, lat in points[1:]:
        turns = round((line[-1][0] - lon) / 360)
        line.append((lon + 360 * turns, lat))
    return tuple(line)
