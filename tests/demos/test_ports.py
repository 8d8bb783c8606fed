from __future__ import annotations

import pytest

from pilotfish.demos.ports import (
    UnknownPortError,
    distance_km,
    find_port,
    fold,
    load_gazetteer,
    nearest_ports,
    ports_of_country,
)


@pytest.mark.parametrize(
    ("name", "locode"),
    [
        ("Anvers", "BEANR"), ("Hambourg", "DEHAM"), ("Gênes", "ITGOA"), ("Leghorn", "ITLIV"), ("Pirée", "GRPIR"),
        ("Saigon", "VNSGN"), ("Bombay", "INBOM"), ("Nhava Sheva", "INNSA"), ("Busan", "KRPUS"), ("Pusan", "KRPUS"),
        ("Port Said", "EGPSD"), ("New York", "USNYC"), ("Shanghai", "CNSHA"), ("Boston", "USBOS"),
        ("São Luís", "BRITQ"), ("St. Petersburg", "RULED"), ("Tanger-Med", "MAPTM"), ("Sydney", "AUSYD"),
    ],
)  # fmt: skip
def test_a_name_in_any_spelling_means_its_port(name: str, locode: str) -> None:
    assert load_gazetteer().names[fold(name)] == (locode,)


@pytest.mark.parametrize(
    "name", ["Portland", "Newcastle", "Tripoli", "Cartagena", "Georgetown", "Kingston", "Manzanillo"]
)
def test_a_name_that_several_ports_share_keeps_them_all(name: str) -> None:
    codes = load_gazetteer().names[fold(name)]
    assert len(codes) > 1
    assert all(find_port(code) for code in codes)


def test_every_name_leads_to_a_port_of_the_table() -> None:
    gazetteer = load_gazetteer()
    assert {code for codes in gazetteer.names.values() for code in codes} <= set(gazetteer.ports)


@pytest.mark.parametrize(
    "name", ["Munich", "Zürich", "Madrid", "Johannesburg", "Nairobi", "Denver", "Prague", "Lahore"]
)
def test_inland_places_are_cities_and_no_ports(name: str) -> None:
    gazetteer = load_gazetteer()
    assert fold(name) in gazetteer.cities
    assert fold(name) not in gazetteer.names


def test_the_two_portlands_of_the_united_states_lie_on_their_own_coasts() -> None:
    assert find_port("USPDX").lon < -120 < -75 < find_port("USPWM").lon
    assert find_port("USPDX").label() == "Portland, Oregon, United States (USPDX)"


def test_a_locode_is_found_in_any_writing_and_an_unknown_one_is_named() -> None:
    assert find_port("nl rtm").name == "Rotterdam"
    with pytest.raises(UnknownPortError, match="'XXABC'"):
        find_port("XXABC")


def test_nearest_ports_are_container_ports_in_order_of_distance() -> None:
    near = nearest_ports(47.37, 8.55, count=4)
    away = [distance_km(47.37, 8.55, port.lat, port.lon) for port in near]
    assert away == sorted(away)
    assert near[0].locode == "ITGOA"


def test_a_country_lists_its_best_known_ports_first() -> None:
    assert ports_of_country("DE", count=1)[0].locode == "DEHAM"


def test_distance_is_a_great_circle_in_kilometres() -> None:
    assert distance_km(0, 0, 0, 90) == pytest.approx(10007.5, rel=1e-3)


def test_fold_makes_spellings_equal() -> None:
    assert fold("St. John's") == fold("saint johns")
    assert fold("Göteborg") == fold("GOTEBORG")
    assert fold("Ærø") == "aero"
