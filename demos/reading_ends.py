"""One end of the voyage settled to a LOCODE, or turned into a question that names the choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .ports import City, Port, distance_km, find_port, fold, load_gazetteer, nearest_ports, ports_of_country
from .request_places import Place
from .request_roles import Cast
from .request_spelling import similar_ports

_SPOKEN = {"origin": "the port of loading ('origin')", "destination": "the port of discharge ('destination')"}
_INLAND_KM = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The origin or the destination as far as it is settled."""

    name: str
    locode: str | None = None
    question: str = ""
    missing: bool = False
    open: bool = False
    """A choice between loose places could fill it."""
    notes: tuple[str, ...] = ()


def settle_end(name: str, cast: Cast, chosen: Any = None) -> End:
    """Settle one end; `chosen` is a LOCODE among the loose places."""
    held = cast.origin if name == "origin" else cast.destination
    if not held:
        return _settle_loose(name, cast.loose, chosen)
    if len(held) > 1:
        options = "; ".join(_describe(place) for place in held)
        return End(
            name=name, question=f"the request names several places for {_SPOKEN[name]}: {options}. Which one?"
        )
    return settle_place(name, next(iter(held)))


def settle_place(name: str, place: Place) -> End:
    """Settle one end on one place."""
    notes = (place.note,) if place.note else ()
    if place.kind == "area":
        return End(name=name, question=_area_question(name, place))
    if place.kind == "city" and place.city is not None:
        return End(name=name, question=_city_question(name, place.name, place.city), notes=notes)
    if place.kind == "unknown":
        options = _listed(find_port(code) for code in similar_ports(fold(place.name)))
        question = (
            f"no sea port called {place.name!r} is known for {_SPOKEN[name]}; similar names: {options}."
        )
        return End(name=name, question=f"{question} Which port?")
    if place.elsewhere:
        options = _listed(find_port(code) for code in place.locodes)
        return End(
            name=name,
            question=f"{place.span.text!r} is not a known port; there is {options}. Which port is {_SPOKEN[name]}?",
        )
    if len(place.locodes) > 1:
        return End(name=name, question=_namesakes_question(name, place), notes=notes)
    return End(name=name, locode=next(iter(place.locodes), None), notes=notes)


def _settle_loose(name: str, loose: Sequence[Place], chosen: Any) -> End:
    for place in loose:
        if chosen is not None and chosen in place.locodes and len(place.locodes) == 1:
            return End(
                name=name, locode=str(chosen), notes=(f"{place.name} was chosen as the {name} by the model",)
            )
    if not loose:
        return End(name=name, missing=True, question=f"the request does not say {_SPOKEN[name]}: which port?")
    options = " or ".join(place.name for place in loose)
    question = f"the request does not say {_SPOKEN[name]}: is it {options}, or another port?"
    return End(
        name=name, missing=True, open=any(len(place.locodes) == 1 for place in loose), question=question
    )


def _namesakes_question(name: str, place: Place) -> str:
    options = _listed(find_port(code) for code in place.locodes)
    if place.note:
        return f"{place.name!r} is no port by that spelling; near it are {options}. Which one is {_SPOKEN[name]}?"
    return f"there are {len(place.locodes)} ports called {place.name!r}: {options}. Which one is {_SPOKEN[name]}?"


def _city_question(name: str, written: str, city: City) -> str:
    near = nearest_ports(city.lat, city.lon)
    away = distance_km(city.lat, city.lon, near[0].lat, near[0].lon)
    fact = "is inland" if away > _INLAND_KM else "has no sea port of its own here"
    fact = (
        "is inland, about the Great Lakes, where no container ship of the open sea goes"
        if city.lakes
        else fact
    )
    return f"{written!r} {fact}; the nearest ports are {_listed(near)}. Which port is {_SPOKEN[name]}?"


def _area_question(name: str, place: Place) -> str:
    gazetteer = load_gazetteer()
    countries = [code for code in gazetteer.places.get(fold(place.name), ()) if len(code) == 2]
    ports = _listed(ports_of_country(countries[0])) if countries else ""
    hint = f"; its ports include {ports}" if ports else ""
    return f"{place.name!r} is a country or a region, not a port{hint}. Which port is {_SPOKEN[name]}?"


def _describe(place: Place) -> str:
    return place.name if len(place.locodes) != 1 else find_port(next(iter(place.locodes))).label()


def _listed(ports: Iterable[Port]) -> str:
    return "; ".join(port.label() for port in ports)
