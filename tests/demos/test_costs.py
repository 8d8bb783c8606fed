from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import resources

import pytest

from pilotfish.demos.costs import (
    bill_voyage,
    canal_tolls,
    choose_class,
    ets_ports,
    missing_prices,
    vessel_classes,
)
from pilotfish.demos.voyage_constraints import read_constraints
from pilotfish.demos.voyage_corridors import find_corridors
from pilotfish.demos.voyage_query import VoyageQuery

CORPUS = read_constraints(
    (file.read_text(encoding="utf-8"), file.name)
    for file in (resources.files("pilotfish.demos") / "corpus").iterdir()
)
QUERY = VoyageQuery(origin="CNSHA", destination="NLRTM", teu=8000)


@pytest.mark.parametrize(
    ("teu", "draft_m", "name"),
    [
        (2800, None, "feeder"),
        (2801, None, "panamax"),
        (8000, 16.0, "post-panamax"),
        (None, 15.0, "neo-panamax"),
        (None, 19.0, "ultra-large"),
        (None, None, "post-panamax"),
    ],
)
def test_the_smallest_class_that_fits(teu: int | None, draft_m: float | None, name: str) -> None:
    vessel = choose_class(replace(QUERY, teu=teu, draft_m=draft_m), CORPUS)
    assert vessel is not None
    assert vessel.name == name


def test_no_class_carries_more_than_the_largest() -> None:
    assert choose_class(replace(QUERY, teu=24_001), CORPUS) is None


def test_a_class_with_a_figure_missing_is_not_used() -> None:
    limits = {key: limit for key, limit in CORPUS.limits.items() if key != ("class feeder", "hull_usd")}
    assert next(iter(vessel_classes(replace(CORPUS, limits=limits)))).name == "panamax"


def test_carbon_is_charged_by_the_number_of_european_ports() -> None:
    corridor = find_corridors("CNSHA", "NLRTM")[0]
    vessel = choose_class(QUERY, CORPUS)
    assert vessel is not None
    costs = []
    for origin, destination in (("CNSHA", "USNYC"), ("CNSHA", "NLRTM"), ("ESBCN", "NLRTM")):
        query = replace(QUERY, origin=origin, destination=destination)
        bill = bill_voyage(
            query,
            corridor,
            vessel,
            CORPUS,
            speed_kn=15.0,
            idle_days=0.0,
            transfer_teu=0.0,
            day=date(2026, 12, 1),
        )
        costs.append((ets_ports(query), bill.cost_usd["ets"], bill.co2_t))
    assert [ports for ports, _, _ in costs] == [0, 1, 2]
    assert [usd for _, usd, _ in costs] == pytest.approx([0, costs[0][2] * 44, costs[0][2] * 88], abs=0.01)


def test_tolls_add_up_over_the_passages() -> None:
    vessel = choose_class(QUERY, CORPUS)
    assert vessel is not None
    assert canal_tolls(["suez"], vessel, CORPUS) == 90_000 + 36 * 8_500
    assert canal_tolls(["malacca", "suez", "bosporus"], vessel, CORPUS) == 90_000 + 8_000 + 38.5 * 8_500


def test_missing_prices_are_named() -> None:
    empty = read_constraints([])
    assert "mgo usd_per_tonne" in missing_prices(QUERY, empty)
    assert "eu_ets usd_per_tonne_co2" in missing_prices(QUERY, empty)
    assert missing_prices(replace(QUERY, destination="USNYC"), CORPUS) == []
