from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from pilotfish.demos.costs import ets_ports
from pilotfish.demos.optimiser import optimise
from pilotfish.demos.voyage_constraints import read_constraints
from pilotfish.demos.voyage_corridors import find_corridors
from pilotfish.demos.voyage_grounding import grounding_questions
from pilotfish.demos.voyage_query import VoyageQuery
from pilotfish.models.embedder import load_embedder
from pilotfish.retrieval.store import HybridStore
from pilotfish.tools.sea_network import PASSAGES


def test_asks_about_the_passages_given_and_every_kind_of_cost() -> None:
    ids = [question.id for question in grounding_questions(["suez", "panama", "suez"])]
    assert len(set(ids)) == len(ids)
    assert {"suez", "panama", "panama_draft", "emission_areas", "fuel", "port_costs", "vessels"} <= set(ids)
    assert "carbon" not in ids


def test_asks_for_the_carbon_price_where_europe_is_touched() -> None:
    assert "carbon" in {question.id for question in grounding_questions([], european=True)}


def test_knows_a_question_for_every_passage() -> None:
    assert set(PASSAGES) <= {question.id for question in grounding_questions(PASSAGES)}


@pytest.mark.weights
@pytest.mark.parametrize(
    "pair", [("CNSHA", "NLRTM"), ("KRPUS", "BRSSZ"), ("AEJEA", "USNYC"), ("UAODS", "EGALY")]
)
def test_five_passages_a_question_hold_every_figure_the_plan_needs(
    weights: Path, tmp_path: Path, pair: tuple[str, str]
) -> None:
    corpus = Path(str(resources.files("pilotfish.demos") / "corpus"))
    query = VoyageQuery(origin=pair[0], destination=pair[1], teu=8000, draft_m=13.5, ready=date(2026, 12, 1))
    passages = [passage for each in find_corridors(*pair) for passage in each.route.passages]
    with HybridStore.open(tmp_path / "store", embedder=load_embedder(home=weights), create=True) as store:
        store.ingest(corpus)
        found = [
            (evidence.text, evidence.source, evidence.heading or "")
            for question in grounding_questions(passages, european=ets_ports(query) > 0)
            for evidence in store.search(question.text, 5)
        ]
    everything = [(file.read_text(encoding="utf-8"), file.name) for file in corpus.iterdir()]
    today = date(2026, 11, 21)
    retrieved, known = (
        optimise(query, read_constraints(texts), today=today) for texts in (found, everything)
    )
    assert retrieved.best == known.best
    assert retrieved.alternatives == known.alternatives
