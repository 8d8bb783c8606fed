"""The ports a request may name: searoute's table with its slips mended, and the names people use for them.

It says which ports a name may mean and which are near a place. It does not choose between two of one name, and it
leaves out the table's inland entries: they are listed as cities, so that a request for one can be answered.
The cities and the states of ports come from GeoNames (geonames.org, CC BY 4.0).
"""

from __future__ import annotations

import csv
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from .. import UsageError

_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "'": "", "’": "", "`": ""}
)
_MISLABELLED = {("USPWM", "Portland"), ("CASJF", "St John's")}
"""Rows of searoute's table that carry the code of another port, mended in `ports_names.json`."""
_TAIL = re.compile(r"\s*(\(.*\)|,.*| apt| port| pt)\s*$", re.IGNORECASE)


class UnknownPortError(UsageError):
    """A LOCODE that the port table does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A sea port."""

    locode: str
    """UN/LOCODE, five letters."""
    name: str
    lat: float
    lon: float
    region: str = ""
    """State or province of a port in the United States, Canada or Australia: `OR`, `BC`, `NSW`."""
    size: int = 0
    """2 a container terminal, 1 a lesser one, 0 unknown, as searoute's table has it."""

    @property
    def country(self) -> str:
        """Two letters of ISO 3166."""
        return self.locode[:2]

    def label(self) -> str:
        """Name, place and code as a message shows them: `Portland, Oregon, United States (USPDX)`."""
        gazetteer = load_gazetteer()
        parts = [self.name]
        if region := gazetteer.region_names.get(f"{self.country}-{self.region}"):
            parts.append(region)
        parts.append(gazetteer.country_names.get(self.country, self.country))
        return f"{', '.join(dict.fromkeys(parts))} ({self.locode})"


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A place that is no sea port."""

    name: str
    country: str
    lat: float
    lon: float
    lakes: bool = False
    """A harbour of the Great Lakes, behind locks and winter ice that a container ship of the sea does not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """Every port and city under every folded name (see `fold`)."""

    ports: Mapping[str, Port]
    """By LOCODE."""
    names: Mapping[str, tuple[str, ...]]
    """Folded name to the LOCODEs it may mean, the known one alone where there is one."""
    namesakes: Mapping[str, tuple[str, ...]]
    """Folded name to every port called so, for when the request says where."""
    cities: Mapping[str, City]
    """Folded name to a city without a sea port, the best known of that name."""
    other_cities: Mapping[str, tuple[City, ...]]
    """Folded name to every city of that name."""
    places: Mapping[str, frozenset[str]]
    """Folded country, state or district to what narrows a port down: `NL`, `US-OR` or a LOCODE."""
    areas: frozenset[str]
    """Folded countries and coasts, which are no port."""
    country_names: Mapping[str, str] = field(default_factory=dict[str, str])
    region_names: Mapping[str, str] = field(default_factory=dict[str, str])


def fold(text: str) -> str:
    """Lower case, no accents, no punctuation, `St` spelt out: names compare equal however they are written."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    words = re.findall(r"[a-z0-9]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    return " ".join("saint" if word == "st" else "sainte" if word == "ste" else word for word in words)


def find_port(locode: str) -> Port:
    """The port of that LOCODE. `UnknownPortError` when there is none."""
    port = load_gazetteer().ports.get(locode.replace(" ", "").upper())
    if port is None:
        raise UnknownPortError(f"no sea port has the LOCODE {locode!r}; give one such as 'NLRTM' or 'CNSHA'")
    return port


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in kilometres (haversine, mean radius 6371 km)."""
    north, east = math.radians(lat2 - lat1) / 2, math.radians(lon2 - lon1) / 2
    chord = (
        math.sin(north) ** 2
        + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * math.sin(east) ** 2
    )
    return 12742 * math.asin(math.sqrt(chord))


def nearest_ports(lat: float, lon: float, *, count: int = 3) -> list[Port]:
    """The container ports nearest to a point, nearest first."""
    terminals = [port for port in load_gazetteer().ports.values() if port.size == 2]
    return sorted(terminals, key=lambda port: distance_km(lat, lon, port.lat, port.lon))[:count]


def ports_of_country(country: str, *, count: int = 3) -> list[Port]:
    """Container ports of a country, those with the most known names first."""
    gazetteer = load_gazetteer()
    known = [code for codes in gazetteer.names.values() for code in codes]
    ports = [port for port in gazetteer.ports.values() if port.country == country and port.size == 2]
    return sorted(ports, key=lambda port: (-known.count(port.locode), port.name))[:count]


@cache
def load_gazetteer() -> Gazetteer:
    """Read searoute's table and the planner's own lists, once."""
    lists = _read_json("ports_names.json")
    geography = _read_json("ports_regions.json")
    ports, spellings, hinterland = _read_ports(lists)
    names = _index_names(ports, spellings, lists)
    cities = {fold(row["city"]): _city(row) for row in _read_csv("ports_cities.csv")}
    others: dict[str, tuple[City, ...]] = {}
    for city in (*cities.values(), *hinterland):
        cities.setdefault(fold(city.name), city)
        others[fold(city.name)] = (*others.get(fold(city.name), ()), city)
    return Gazetteer(
        ports=ports,
        names=names,
        namesakes=_namesakes(names, ports, spellings),
        cities={name: city for name, city in cities.items() if name not in names},
        other_cities=others,
        places=_index_places(geography),
        areas=_areas(geography),
        country_names={code: spoken[0] for code, spoken in geography["countries"].items()},
        region_names={code: spoken[0] for code, spoken in geography["regions"].items() if spoken},
    )


def _read_ports(
    lists: Mapping[str, Any],
) -> tuple[dict[str, Port], dict[str, set[str]], list[City]]:
    from searoute.data.ports_dict import node_list  # pyright: ignore[reportMissingTypeStubs]  (no stubs)

    inland, lakes = set(lists["inland"]), set(lists["lakes"])
    regions = {row["locode"]: row["region"] for row in _read_csv("ports_regions.csv")}
    ports: dict[str, Port] = {}
    spellings: dict[str, set[str]] = {}
    hinterland: list[City] = []
    table: list[dict[str, Any]] = list(node_list.values())  # pyright: ignore[reportAssignmentType]  (rows of mixed values)
    rows = [(p["port"], p["name"], p["y"], p["x"], p["t"]) for p in table if len(p["port"]) == 5]
    rows = [row for row in rows if row[:2] not in _MISLABELLED]
    for code, name, lat, lon, size in [*((*extra, 1.0) for extra in lists["extra"]), *rows]:
        written = name.title() if name.isupper() else name
        tidy = stripped if len(stripped := _TAIL.sub("", written)) > 3 else written
        shown = (lists["aliases"].get(code) or [tidy])[0]
        if code in inland or code in lakes:
            hinterland.append(City(name=shown, country=code[:2], lat=lat, lon=lon, lakes=code in lakes))
            continue
        found = Port(
            locode=code,
            name=shown,
            lat=lat,
            lon=lon,
            region=regions.get(code, ""),
            size=0 if size is None else int(size) + 1,
        )
        if code not in ports or ports[code].size < found.size:
            ports[code] = found
        spellings.setdefault(code, set()).update(
            {fold(name), fold(tidy), *map(fold, re.split(r"[/(),]", name)[:1])}
        )
    return ports, spellings, hinterland


def _index_names(
    ports: Mapping[str, Port], spellings: Mapping[str, set[str]], lists: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, spelt in spellings.items():
        for name in spelt - {""}:
            found.setdefault(name, []).append(code)
    names = {name: _largest(codes, ports) for name, codes in found.items()}
    for code, aliases in lists["aliases"].items():
        names.update({fold(alias): (code,) for alias in aliases if code in ports})
    names.update({name: tuple(codes) for name, codes in lists["ask"].items()})
    names.update({name: (code,) for name, code in lists["known"].items()})
    return names


def _namesakes(
    names: Mapping[str, tuple[str, ...]], ports: Mapping[str, Port], spellings: Mapping[str, set[str]]
) -> dict[str, tuple[str, ...]]:
    everyone = {name: list(codes) for name, codes in names.items()}
    for code, spelt in spellings.items():
        for name in {*spelt, fold(ports[code].name)} - {""}:
            if code not in everyone.setdefault(name, []):
                everyone[name].append(code)
    return {name: tuple(codes) for name, codes in everyone.items()}


def _largest(codes: Iterable[str], ports: Mapping[str, Port]) -> tuple[str, ...]:
    """Of ports of one name, a terminal hides the places of which nothing is known."""
    distinct = list(dict.fromkeys(codes))
    best = max(ports[code].size for code in distinct)
    return tuple(code for code in distinct if ports[code].size == best or (best < 2))


def _index_places(geography: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    places: dict[str, set[str]] = {}
    for code, spoken in [*geography["countries"].items(), *geography["regions"].items()]:
        for name in spoken:
            places.setdefault(fold(name), set()).add(code)
    for code in geography["regions"]:
        places.setdefault(code.split("-")[1].lower(), set()).add(code)
    for district, locode in geography["districts"].items():
        places.setdefault(district, set()).add(locode)
    return {name: frozenset(codes) for name, codes in places.items() if name}


def _areas(geography: Mapping[str, Any]) -> frozenset[str]:
    spoken = [name for names in geography["countries"].values() for name in names if len(name) > 2]
    return frozenset(fold(name) for name in [*spoken, *geography["areas"]])


def _city(row: Mapping[str, str]) -> City:
    return City(name=row["city"], country=row["country"], lat=float(row["lat"]), lon=float(row["lon"]))


def _read_json(name: str) -> dict[str, Any]:
    return json.loads((resources.files(__package__ or "") / "data" / name).read_text(encoding="utf-8"))


def _read_csv(name: str) -> list[dict[str, str]]:
    text = (resources.files(__package__ or "") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
