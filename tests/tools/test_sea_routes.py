from __future__ import annotations

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pilotfish.tools.errors import ToolInputError
from pilotfish.tools.sea_network import PASSAGES, great_circle_nm, load_network, load_ports
from pilotfish.tools.sea_routes import NoRouteError, SeaRoute, _search, sea_route, sea_route_tool


def test_shanghai_to_rotterdam_by_suez_and_by_the_cape() -> None:
    suez = sea_route("CNSHA", "NLRTM")
    cape = sea_route("CNSHA", "NLRTM", avoid=["suez", "panama"])
    assert suez.distance_nm == pytest.approx(10_514, rel=0.01)
    assert cape.distance_nm == pytest.approx(13_834, rel=0.01)
    assert suez.passages == ("malacca", "babalmandab", "suez", "gibraltar")
    assert cape.passages == ("sunda", "south_africa")
    assert list(suez.passage_nm) == sorted(suez.passage_nm)
    assert suez.passage_nm[2] == pytest.approx(6_980, rel=0.01)  # Port Suez


def test_agrees_with_searoute_itself() -> None:
    import searoute

    here = sea_route((121.8, 31.2), (4.0, 51.95), avoid=["suez"])
    theirs = searoute.searoute(
        [121.8, 31.2], [4.0, 51.95], units="naut", restrictions=["northwest", "suez"], append_orig_dest=True
    )
    assert here.distance_nm == pytest.approx(theirs["properties"]["length"], rel=0.002)


def test_the_length_is_that_of_the_coordinates_and_they_never_jump() -> None:
    route = sea_route("JPTYO", "USLAX")
    pairs = list(itertools.pairwise(route.coordinates))
    assert sum(great_circle_nm(a, b) for a, b in pairs) == pytest.approx(route.distance_nm)
    assert max(abs(b[0] - a[0]) for a, b in pairs) <= 180
    assert min(lon for lon, _ in route.coordinates) >= 0  # runs on past 180 instead of jumping to -180


@pytest.mark.parametrize("passage", PASSAGES)
def test_an_avoided_passage_is_not_sailed(passage: str) -> None:
    for pair in (("CNSHA", "NLRTM"), ("KRPUS", "BRSSZ"), ("AEJEA", "USNYC"), ("UAODS", "ITGOA")):
        try:
            route = sea_route(*pair, avoid=[passage])
        except NoRouteError:
            assert passage in {"ormuz", "bosporus"}
        else:
            assert passage not in route.passages


def test_a_closed_world_is_an_error_not_a_length_of_zero() -> None:
    every_way = ["suez", "panama", "south_africa", "chili"]
    with pytest.raises(NoRouteError, match="allow one of these passages"):
        sea_route("CNSHA", "NLRTM", avoid=every_way)
    assert issubclass(NoRouteError, ToolInputError)


def test_avoiding_a_cape_does_not_lead_past_it_further_south() -> None:
    route = sea_route("CNSHA", "USNYC", avoid=["panama", "suez", "south_africa"])
    assert route.passages == ("chili",)


def test_the_northwest_passage_is_offered_only_on_demand() -> None:
    assert "northwest" in sea_route("CNSHA", "NLRTM", avoid=["suez", "panama"], arctic=True).passages
    assert "northwest" not in sea_route("CNSHA", "NLRTM", avoid=["suez", "panama"]).passages


def test_threads_with_mixed_restrictions_get_the_serial_answers() -> None:
    pairs = [("CNSHA", "NLRTM"), ("CNSHA", "USNYC"), ("SGSIN", "DEHAM"), ("KRPUS", "BRSSZ")]
    avoids = [
        (),
        ("suez",),
        ("panama",),
        ("suez", "panama"),
        ("malacca",),
        ("suez", "panama", "south_africa"),
    ]
    asked = [(a, b, avoid) for a, b in pairs for avoid in avoids] * 8

    def answer(question: tuple[str, str, tuple[str, ...]]) -> SeaRoute:
        return sea_route(question[0], question[1], avoid=question[2])

    serial = [answer(question) for question in asked]
    _search.cache_clear()
    load_network.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, asked)) == serial


@pytest.mark.parametrize(
    ("origin", "destination", "avoid", "says"),
    [
        ((-3.7, 40.4), "NLRTM", (), "nm from the nearest sea lane"),
        ((37.6, 55.75), "NLRTM", (), "nm from the nearest sea lane"),
        ("USDEN", "NLRTM", (), "nm from the nearest sea lane"),
        ("CNSHA", "CNSHA", (), "same place"),
        ("CNSHA", "NLRTM", ("sues",), "did you mean 'suez'"),
        ("CNSHA", "NLRTM", "suez canal", "did you mean 'suez'"),
        ("NLRTN", "CNSHA", (), "did you mean 'NLRTM'"),
        ("Rotterdam", "CNSHA", (), "did you mean 'NLRTM'"),
        ((200.0, 95.0), "CNSHA", (), "not a place"),
        ((float("nan"), 0.0), "CNSHA", (), "not a place"),
    ],
)
def test_refusals_name_the_trouble(origin: object, destination: str, avoid: object, says: str) -> None:
    with pytest.raises(ToolInputError, match=says):
        sea_route(origin, destination, avoid=avoid)  # type: ignore[arg-type]


def test_symmetric_and_no_shorter_when_more_is_avoided() -> None:
    free = sea_route("CNSHA", "USNYC")
    assert sea_route("USNYC", "CNSHA").distance_nm == pytest.approx(free.distance_nm)
    assert sea_route("CNSHA", "USNYC", avoid=["panama"]).distance_nm > free.distance_nm


def test_points_on_one_lane_are_sailed_straight() -> None:
    assert sea_route((-150.0, 30.0), (-150.2, 30.0)).distance_nm == pytest.approx(10.4, abs=0.2)


def test_ports_are_known_by_locode() -> None:
    assert load_ports()["NLRTM"].name == "Rotterdam"
    assert sea_route("nl rtm", "BEANR") == sea_route("NLRTM", "BEANR")


def test_does_not_import_searoute_itself() -> None:
    code = (
        "import sys; from pilotfish.tools.sea_routes import sea_route; sea_route('CNSHA', 'NLRTM');"
        "assert not {'searoute', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_is_a_langchain_tool() -> None:
    answer = sea_route_tool().invoke(
        {"origin": "CNSHA", "destination": [4.0, 51.95], "avoid": ["suez", "panama"]}
    )
    assert answer["passages"] == ["sunda", "south_africa"]
    assert answer["avoided"] == ["northwest", "panama", "suez"]


def test_canals_too_small_for_sea_going_ships_are_not_sailed() -> None:
    through_corinth = 910
    assert sea_route("GRPIR", "ITGOA").distance_nm > through_corinth + 50
    assert (
        max(lat for _, lat in sea_route("NLRTM", "PLGDN").coordinates) > 57.5
    )  # round Skagen, not through Kiel
