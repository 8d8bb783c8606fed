from __future__ import annotations

from itertools import pairwise

import pytest

from pilotfish.demos.ports import find_port
from pilotfish.demos.voyage_corridors import area_at, find_corridors, load_areas, measure_areas, passage_name
from pilotfish.tools.errors import ToolInputError
from pilotfish.tools.sea_network import PASSAGES, great_circle_nm


def test_asia_to_europe_has_the_four_great_corridors() -> None:
    corridors = find_corridors("CNSHA", "NLRTM")
    assert {gate for each in corridors for gate in each.gates} == {"suez", "panama", "south_africa", "chili"}
    assert corridors[0].label == "Suez Canal"
    assert len({each.label for each in corridors}) == len(corridors)
    assert len({each.route.passages for each in corridors}) == len(corridors)


def test_what_is_avoided_is_still_shown_and_so_are_the_ways_round_it() -> None:
    corridors = find_corridors("CNSHA", "NLRTM", avoid=["suez", "panama"])
    assert any("suez" in each.route.passages for each in corridors)
    assert any(not {"suez", "panama"} & set(each.route.passages) for each in corridors)


def test_a_short_crossing_has_one_corridor() -> None:
    assert [each.label for each in find_corridors("NLRTM", "USNYC")] == ["direct"]


def test_points_are_taken_as_well_as_codes() -> None:
    assert find_corridors((121.8, 31.2), (4.0, 51.95))[0].label == "Suez Canal"


def test_an_inland_port_is_refused() -> None:
    with pytest.raises(ToolInputError, match="nearest sea lane"):
        find_corridors("USDEN", "NLRTM")


@pytest.mark.parametrize(
    ("point", "area"),
    [
        ((18.0, 35.0), "mediterranean_sea"),
        ((3.5, 52.5), "north_sea"),
        ((19.0, 57.5), "baltic_sea"),
        ((-72.5, 39.5), "north_american"),
        ((236.0, 36.0), "north_american"),
        ((-66.0, 19.0), "united_states_caribbean_sea"),
        ((5.0, 66.0), "norwegian_sea"),
        ((-9.5, 40.0), None),
        ((-5.0, 54.2), None),
        ((32.6, 29.5), None),
        ((121.8, 31.2), None),
    ],
)
def test_emission_areas_hold_the_right_waters(point: tuple[float, float], area: str | None) -> None:
    assert area_at(point) == area


def test_the_mediterranean_is_about_1950_miles_from_port_said_to_gibraltar() -> None:
    suez = find_corridors("CNSHA", "NLRTM")[0]
    assert suez.area_nm["mediterranean_sea"] == pytest.approx(1_950, rel=0.03)
    assert measure_areas([(0.0, 0.0), (1.0, 0.0)]) == {}


def test_every_passage_has_a_name_and_every_outline_an_inside() -> None:
    assert all(passage_name(passage) for passage in PASSAGES)
    assert all(len(outline) >= 4 for outlines in load_areas().values() for outline in outlines)


@pytest.mark.parametrize("port", ["OMSOH", "CLCQQ", "MHMAJ", "MGMJN", "USPDX", "CNHAK"])
def test_a_port_off_the_lanes_is_joined_to_them(port: str) -> None:
    place = find_port(port)
    route = find_corridors((place.lon, place.lat), "NLRTM")[0].route
    assert route.coordinates[0] == (place.lon, place.lat)
    assert route.distance_nm == pytest.approx(
        sum(great_circle_nm(*leg) for leg in pairwise(route.coordinates)), rel=1e-3
    )
    back = find_corridors("NLRTM", (place.lon, place.lat))[0].route
    assert back.distance_nm == pytest.approx(route.distance_nm, rel=1e-3)


def test_a_way_that_begins_beyond_the_lanes_runs_on_past_the_antimeridian() -> None:
    majuro = find_port("MHMAJ")
    coordinates = find_corridors((majuro.lon, majuro.lat), "USLAX")[0].route.coordinates
    assert all(abs(b[0] - a[0]) < 180 for a, b in pairwise(coordinates))


@pytest.mark.parametrize(
    ("origin", "destination", "canals"),
    [
        ("ECGYE", "PABLB", set()),
        ("USNYC", "PAONX", set()),
        ("USNYC", "PABLB", {"panama"}),
        ("ECGYE", "PAONX", {"panama"}),
        ("EGSOK", "INBOM", set()),
        ("EGSOK", "GRPIR", {"suez"}),
        ("EGPSD", "INBOM", {"suez"}),
        ("EGPSD", "GRPIR", set()),
        ("CNSHA", "USNYC", {"panama"}),
        ("CNSHA", "NLRTM", {"suez"}),
    ],
)
def test_a_port_at_the_mouth_of_a_canal_is_reached_without_it(
    origin: str, destination: str, canals: set[str]
) -> None:
    shortest = find_corridors(origin, destination)[0].route
    assert {"panama", "suez"} & set(shortest.passages) == canals
    assert len(shortest.passages) == len(shortest.passage_nm)
