from __future__ import annotations

from pilotfish.demos.voyage_grounding import grounding_questions
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
