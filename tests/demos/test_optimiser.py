from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotfish.demos.costs import PARTS, bill_voyage, choose_class
from pilotfish.demos.optimiser import Optimum, enumerate_voyages, optimise
from pilotfish.demos.voyage_constraints import Constraints, read_constraints
from pilotfish.demos.voyage_corridors import find_corridors
from pilotfish.demos.voyage_query import VoyageQuery

TODAY = date(2026, 11, 21)
TEXTS = {
    file.name: file.read_text(encoding="utf-8")
    for file in (resources.files("pilotfish.demos") / "corpus").iterdir()
}
QUERY = VoyageQuery(
    origin="CNSHA",
    destination="NLRTM",
    teu=8000,
    draft_m=14.0,
    ready=date(2026, 12, 1),
    arrive_by=date(2027, 1, 12),
)


def corpus(
    edits: dict[str, tuple[str, str]] | None = None, *, without: str = "", extra: str = ""
) -> Constraints:
    """Constraints of the shipped corpus, with files edited, left out or added."""
    texts = {name: text for name, text in TEXTS.items() if name != without}
    for name, (pattern, replacement) in (edits or {}).items():
        changed = re.sub(pattern, replacement, texts[name])
        assert changed != texts[name]
        texts[name] = changed
    return read_constraints([*((text, name) for name, text in texts.items()), (extra, "extra.md")])


CORPUS = corpus()


def run(query: VoyageQuery = QUERY, constraints: Constraints = CORPUS) -> Optimum:
    return optimise(query, constraints, today=TODAY)


def test_shanghai_to_rotterdam() -> None:
    optimum = run()
    assert optimum.best is not None
    assert optimum.best.label == "Suez Canal"
    assert optimum.best.passages == ("malacca", "babalmandab", "suez", "gibraltar")
    assert optimum.best.rejected is None
    assert optimum.relaxation is None
    assert 2 <= len(optimum.alternatives) <= 4
    assert all(each.rejected for each in optimum.alternatives)
    assert optimum.best.cost_usd["total"] == pytest.approx(
        sum(optimum.best.cost_usd[part] for part in PARTS), abs=0.1
    )


def test_a_higher_premium_in_the_notice_moves_the_route_to_the_cape() -> None:
    risky = corpus({"red-sea-risk.md": (r"0\.35 %", "0.90 %")})
    best = run(constraints=risky).best
    assert best is not None
    assert best.label == "Cape of Good Hope"


def test_a_closed_canal_moves_the_route() -> None:
    closed = corpus({"suez-canal.md": ("status — open", "status — closed to commercial traffic")})
    optimum = run(constraints=closed)
    assert optimum.best is not None
    assert optimum.best.label == "Cape of Good Hope"
    suez = next(each for each in optimum.alternatives if "suez" in each.passages)
    assert "closed" in (suez.rejected or "")


def test_an_added_notice_counts_like_an_edited_one() -> None:
    notice = "The Suez Canal is closed to all traffic, dated 2026-11-20, source SCA, circular."
    best = run(constraints=corpus(extra=notice)).best
    assert best is not None
    assert "suez" not in best.passages


def test_a_lower_draft_in_the_panama_notice_moves_the_route() -> None:
    query = VoyageQuery(
        origin="CNSHA",
        destination="USNYC",
        teu=8000,
        draft_m=14.0,
        ready=date(2026, 12, 1),
        max_cost_usd=3.6e6,
    )
    before = run(query).best
    low = run(query, corpus({"panama-draft-notice.md": (r"15\.24 m \(50\.0 ft\)", "11.20 m (36.7 ft)")}))
    assert before is not None
    assert before.passages == ("panama",)
    assert low.best is None or "panama" not in low.best.passages
    assert any("11.2 m of the Panama Canal" in (each.rejected or "") for each in low.alternatives)


def test_a_ship_too_deep_for_panama_by_little_is_lightened_by_rail() -> None:
    query = VoyageQuery(origin="CNSHA", destination="USNYC", teu=13000, draft_m=15.6)
    shown = [
        each for each in (run(query).best, *run(query).alternatives) if each and "panama" in each.passages
    ]
    assert re.fullmatch(r"Panama Canal with \d+ TEU by rail", shown[0].label)
    assert shown[0].cost_usd["transhipment"] == pytest.approx(shown[0].transfer_teu * 320, abs=0.01)
    assert shown[0].feasible


def test_a_passage_without_figures_is_not_verified() -> None:
    optimum = run(constraints=corpus(without="red-sea-risk.md"))
    assert optimum.best is not None
    assert "babalmandab" not in optimum.best.passages
    suez = next(each for each in optimum.alternatives if "suez" in each.passages)
    assert "Bab-el-Mandeb is not verified" in (suez.rejected or "")


def test_a_closure_with_an_end_is_waited_for() -> None:
    closed = corpus(
        {"suez-canal.md": ("status — open", "status — closed to traffic from 2026-12-01 to 2026-12-30")}
    )
    vessel = choose_class(QUERY, closed)
    assert vessel is not None
    voyages = [
        each for each in enumerate_voyages(QUERY, closed, vessel, today=TODAY) if each.label == "Suez Canal"
    ]
    fast = max(voyages, key=lambda each: each.speed_kn)
    assert fast.waiting_days == 17  # reaches Suez on the 14th, which reopens on the 31st
    assert fast.days > 30


def test_avoiding_a_passage_shows_what_it_costs() -> None:
    optimum = run(replace(QUERY, avoid=("suez",)))
    assert optimum.best is not None
    assert "suez" not in optimum.best.passages
    rejected = [each.rejected for each in optimum.alternatives if "suez" in each.passages]
    assert rejected == ["uses the Suez Canal, which the request avoids"]


def test_the_binding_constraint_and_its_slack() -> None:
    best = run(replace(QUERY, arrive_by=date(2027, 1, 5))).best
    assert best is not None
    assert best.binding is not None
    assert best.binding.name == "latest arrival"
    assert best.binding.slack == pytest.approx(35 - best.days)
    assert best.eta is not None
    assert best.eta <= date(2027, 1, 5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arrive_by": date(2026, 12, 19)}, "arrive 3 days later, on 2026-12-22"),
        ({"max_cost_usd": 3_000_000.0}, r"raise the budget by \$\d{3},\d{3}"),
        ({"draft_m": 21.3, "avoid": ("south_africa",)}, "load to 0.30 m less draft"),
        ({"arrive_by": date(2026, 12, 10), "max_cost_usd": 1e6}, "arrive .* later, .* and raise the budget"),
        ({"avoid": ("suez", "south_africa", "panama", "chili")}, "allow the Suez Canal"),
        ({"teu": 30_000}, "24,000 TEU or fewer"),
    ],
)
def test_infeasible_says_the_smallest_relaxation(changes: dict[str, object], says: str) -> None:
    optimum = run(replace(QUERY, **changes))
    assert optimum.best is None
    assert re.search(says, optimum.relaxation or "")


def test_granting_the_relaxation_makes_it_feasible() -> None:
    tight = replace(QUERY, arrive_by=date(2026, 12, 19))
    assert run(tight).best is None
    assert run(replace(tight, arrive_by=date(2026, 12, 22))).best is not None


def test_without_prices_nothing_is_invented() -> None:
    optimum = run(constraints=corpus(without="fuel-prices.md"))
    assert optimum.best is None
    assert "vlsfo usd_per_tonne" in (optimum.relaxation or "")


def test_silent_requests_state_their_assumptions() -> None:
    optimum = run(VoyageQuery(origin="CNSHA", destination="NLRTM"))
    assert optimum.best is not None
    assert optimum.best.eta is None
    assert [text.split(":")[0] for text in optimum.assumptions] == [
        "no container count given",
        "no draft given",
        "no ready date given",
    ]


def test_a_single_corridor_shows_other_speeds() -> None:
    optimum = run(VoyageQuery(origin="NLRTM", destination="USNYC", teu=3000))
    assert len(optimum.alternatives) == 2
    assert all(re.search(r"at [\d.]+ kn", each.label) for each in optimum.alternatives)


def test_every_figure_behind_the_plan_is_cited() -> None:
    cited = {(limit.subject, limit.name) for limit in run().limits}
    assert {("suez", "toll_usd"), ("suez", "max_draft_m"), ("babalmandab", "war_risk_percent")} <= cited
    assert {("vlsfo", "usd_per_tonne"), ("class post-panamax", "charter_usd_day")} <= cited
    assert {("eu_ets", "usd_per_tonne_co2"), ("eca mediterranean_sea", "sulphur_percent")} <= cited
    assert all(limit.document and limit.date for limit in run().limits)


def test_fuel_follows_the_cube_of_the_speed_and_areas_the_date() -> None:
    corridor = find_corridors("CNSHA", "NLRTM")[0]
    vessel = choose_class(QUERY, CORPUS)
    assert vessel is not None
    still = replace(vessel, auxiliary_t_day=0.0)

    def bill(speed: float, day: date) -> tuple[float, float]:
        found = bill_voyage(
            QUERY, corridor, still, CORPUS, speed_kn=speed, idle_days=0.0, transfer_teu=0.0, day=day
        )
        return found.fuel_t, found.cost_usd["fuel"]

    assert bill(20.0, TODAY)[0] == pytest.approx(4 * bill(10.0, TODAY)[0])
    assert bill(15.0, TODAY)[1] > bill(15.0, date(2025, 4, 1))[1]  # before the Mediterranean became an area


queries = st.builds(
    VoyageQuery,
    origin=st.just("CNSHA"),
    destination=st.sampled_from(["NLRTM", "USNYC"]),
    teu=st.sampled_from([1500, 4000, 8000, 13000, 20000]),
    draft_m=st.none() | st.sampled_from([11.0, 13.5, 15.24, 15.5, 17.0, 19.0]),
    ready=st.just(date(2026, 12, 1)),
    arrive_by=st.none() | st.integers(18, 60).map(lambda days: date(2026, 12, 1) + timedelta(days=days)),
    max_cost_usd=st.none() | st.sampled_from([1e6, 2e6, 3.5e6, 5e6, 9e6]),
    avoid=st.lists(st.sampled_from(["suez", "panama", "malacca"]), max_size=2, unique=True).map(tuple),
)
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(queries)
def test_no_enumerated_voyage_that_keeps_the_rules_is_cheaper(query: VoyageQuery) -> None:
    vessel = choose_class(query, CORPUS)
    assert vessel is not None
    draft = query.draft_m or vessel.design_draft_m
    allowed = []
    for voyage in enumerate_voyages(query, CORPUS, vessel, today=TODAY):
        limits = [
            limit.value for each in voyage.passages if (limit := CORPUS.draft_limit(each)) and limit.value
        ]
        fits = voyage.transfer_teu > 0 or all(draft <= limit for limit in limits)
        in_time = query.arrive_by is None or (voyage.eta is not None and voyage.eta <= query.arrive_by)
        affordable = query.max_cost_usd is None or voyage.cost_usd["total"] <= query.max_cost_usd
        small = "panama" not in voyage.passages or vessel.capacity_teu <= 17_600
        if fits and in_time and affordable and small and not set(query.avoid) & set(voyage.passages):
            allowed.append(voyage.cost_usd["total"])
    best = run(query).best
    assert (best is None) == (not allowed)
    if best is not None:
        assert best.feasible
        assert best.cost_usd["total"] == min(allowed)


@quick
@given(queries, st.sampled_from(["arrive_by", "max_cost_usd", "avoid", "draft_m"]))
def test_loosening_never_costs_more(query: VoyageQuery, what: str) -> None:
    looser = {
        "arrive_by": replace(
            query, arrive_by=query.arrive_by + timedelta(days=4) if query.arrive_by else None
        ),
        "max_cost_usd": replace(query, max_cost_usd=query.max_cost_usd * 1.3 if query.max_cost_usd else None),
        "avoid": replace(query, avoid=query.avoid[1:]),
        "draft_m": replace(query, draft_m=query.draft_m - 1.0 if query.draft_m else None),
    }[what]
    before, after = run(query).best, run(looser).best
    if before is not None:
        assert after is not None
        assert after.cost_usd["total"] <= before.cost_usd["total"]
