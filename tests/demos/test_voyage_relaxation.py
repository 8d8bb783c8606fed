from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pilotfish.demos.optimiser import Optimum, optimise
from pilotfish.demos.voyage_constraints import read_constraints
from pilotfish.demos.voyage_corridors import passage_name
from pilotfish.demos.voyage_query import VoyageQuery
from pilotfish.tools.sea_network import PASSAGES

TODAY = date(2026, 11, 21)
CORPUS = read_constraints(
    (file.read_text(encoding="utf-8"), file.name)
    for file in (resources.files("pilotfish.demos") / "corpus").iterdir()
)
PAIRS = (
    "CNSHA-NLRTM",
    "USHOU-PECLL",
    "KRPUS-USNYC",
    "ROCND-ITGOA",
    "NLRTM-DEHAM",
    "BRSSZ-CNSHA",
    "USLAX-JPYOK",
)
BY_NAME = {passage_name(each): each for each in PASSAGES}


def run(query: VoyageQuery) -> Optimum:
    return optimise(query, CORPUS, today=TODAY)


def grant(query: VoyageQuery, change: str) -> VoyageQuery:
    """The request with a relaxation, as its words have it."""
    if later := re.search(r"later, on ([\d-]+)", change):
        query = replace(query, arrive_by=date.fromisoformat(later[1]))
    if dearer := re.search(r"raise the budget by \$([\d,]+)", change):
        assert query.max_cost_usd is not None
        query = replace(query, max_cost_usd=query.max_cost_usd + int(dearer[1].replace(",", "")))
    if lighter := re.search(r"load to ([\d.]+) m less draft", change):
        assert query.draft_m is not None
        query = replace(query, draft_m=query.draft_m - float(lighter[1]))
    allowed = [name for words, name in BY_NAME.items() if f"allow the {words}" in change]
    return replace(query, avoid=tuple(each for each in query.avoid if each not in allowed))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    pair=st.sampled_from(PAIRS),
    teu=st.sampled_from([50, 2_000, 9_000]),
    draft=st.sampled_from([9.0, 13.5, 17.5, 22.0]),
    wait=st.sampled_from([None, 3, 60]),
    days=st.integers(1, 100),
    budget=st.sampled_from([None, 10.0, 2e5, 5e6]),
    avoid=st.sets(st.sampled_from(["suez", "panama", "south_africa", "chili", "bosporus", "sunda"])),
)
def test_every_relaxation_offered_makes_the_request_feasible(
    pair: str,
    teu: int,
    draft: float,
    wait: int | None,
    days: int,
    budget: float | None,
    avoid: set[str],
) -> None:
    ready = None if wait is None else TODAY + timedelta(days=wait)
    query = VoyageQuery(
        origin=pair[:5], destination=pair[6:], teu=teu, draft_m=draft, ready=ready,
        arrive_by=(ready or TODAY) + timedelta(days=days), max_cost_usd=budget, avoid=tuple(sorted(avoid)),
    )  # fmt: skip
    found = run(query)
    assume(found.best is None)
    for change in (found.relaxation or "").split(", or to "):
        eased = grant(query, change)
        assert eased != query, change
        assert run(eased).best is not None, change
