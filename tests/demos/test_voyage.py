from __future__ import annotations

import json
from datetime import date
from importlib import resources

from pilotfish.demos.optimiser import optimise
from pilotfish.demos.voyage import Check
from pilotfish.demos.voyage_constraints import read_constraints
from pilotfish.demos.voyage_query import VoyageQuery

CORPUS = read_constraints(
    (file.read_text(encoding="utf-8"), file.name)
    for file in (resources.files("pilotfish.demos") / "corpus").iterdir()
)


def check(limit: float | None, slack: float) -> Check:
    return Check(kind="draft", name="draft", limit=limit, value=None, slack=slack, unit="m")


def test_a_check_is_violated_below_zero_slack_only() -> None:
    assert not check(10.0, 0.0).violated
    assert not check(10.0, -1e-12).violated
    assert check(10.0, -0.01).violated


def test_the_json_form_has_the_keys_of_the_contract() -> None:
    query = VoyageQuery(origin="CNSHA", destination="NLRTM", teu=8000, ready=date(2026, 12, 1))
    optimum = optimise(query, CORPUS, today=date(2026, 11, 21))
    assert optimum.best is not None
    shown = json.loads(json.dumps(optimum.best.as_json()))
    assert {"passages", "distance_nm", "days", "eta", "cost_usd", "co2_t", "feasible", "binding"} <= set(
        shown
    )
    assert {"fuel", "canal", "port", "charter", "risk", "ets", "total"} <= set(shown["cost_usd"])
    assert shown["eta"] == "2027-01-05"
    assert shown["feasible"] is True
    assert shown["rejected"] is None
    assert set(shown["binding"]) == {"name", "limit", "value", "slack", "unit"}
    assert all(
        set(each.as_json()) == set(shown) and each.as_json()["rejected"] for each in optimum.alternatives
    )


def test_the_least_room_is_what_binds() -> None:
    query = VoyageQuery(origin="CNSHA", destination="NLRTM", teu=8000, draft_m=17.9)
    optimum = optimise(query, CORPUS, today=date(2026, 11, 21))
    cape = next(each for each in (optimum.best, *optimum.alternatives) if each and "sunda" in each.passages)
    assert cape.binding is not None
    assert cape.binding.name == "draft in the Sunda Strait"
    assert round(cape.binding.slack, 2) == 0.1
