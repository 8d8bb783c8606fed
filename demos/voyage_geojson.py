"""Voyages as GeoJSON (RFC 7946), and the splitting of lines where a map's edge cuts them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..tools.sea_network import LonLat
from .voyage import Voyage


def split_line(line: Sequence[LonLat], *, centre: float = 0.0) -> list[list[LonLat]]:
    """The line in pieces, each within 180° of the meridian `centre`, cut where it leaves that window.

    Longitudes may run on past ±180, as those of a sea route do; a step of more than half a turn is not one.
    """
    west = centre - 180
    pieces: list[list[LonLat]] = [[_shifted(line[0], west, _turn(line[0][0], west))]]
    for start, end in pairwise(line):
        turn, after = _turn(start[0], west), _turn(end[0], west)
        while turn != after:
            step = 1 if after > turn else -1
            edge = west + 360 * (turn + (step > 0))
            share = (edge - start[0]) / (end[0] - start[0])
            lat = start[1] + share * (end[1] - start[1])
            pieces[-1].append(_shifted((edge, lat), west, turn))
            turn += step
            pieces.append([_shifted((edge, lat), west, turn)])
        pieces[-1].append(_shifted(end, west, after))
    return [piece for piece in pieces if len(set(piece)) > 1]


def as_geojson(voyages: Sequence[Voyage], ports: Mapping[str, LonLat]) -> dict[str, Any]:
    """A FeatureCollection: a MultiLineString a voyage, with its figures as properties, and a Point a port."""
    lines = [
        _feature(
            "MultiLineString", [_rounded(piece) for piece in split_line(each.coordinates)], each.as_json()
        )
        for each in voyages
    ]
    points = [
        _feature("Point", _rounded([(lon, lat)])[0], {"port": locode}) for locode, (lon, lat) in ports.items()
    ]
    return {"type": "FeatureCollection", "features": [*lines, *points]}


def write_geojson(voyages: Sequence[Voyage], path: Path, *, ports: Mapping[str, LonLat]) -> Path:
    """Write `as_geojson` to `path`, which is returned."""
    path.write_text(
        json.dumps(as_geojson(voyages, ports), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return path


def _feature(kind: str, coordinates: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": dict(properties)}


def _turn(lon: float, west: float) -> int:
    """Which copy of the window a longitude lies in."""
    return int((lon - west) // 360)


def _shifted(point: LonLat, west: float, turn: int) -> LonLat:
    return (min(max(point[0] - 360 * turn, west), west + 360), point[1])


def _rounded(line: Sequence[LonLat]) -> list[list[float]]:
    return [[round(lon, 5), round(lat, 5)] for lon, lat in line]
