"""Which questions the planner puts to the corpus: one a passage that may be sailed, and one a kind of cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_PASSAGES = {
    "suez": "What are the maximum draft, toll, transit time and status of the Suez Canal?",
    "panama": "What are the locks' design draft, largest ship, toll, transit time and status of the Panama Canal?",
    "babalmandab": "What are the status, risk level, war-risk premium and maximum draft of Bab-el-Mandeb?",
    "ormuz": "What are the status, risk level, war-risk premium and maximum draft of the Strait of Hormuz?",
    "malacca": "What are the maximum draft and status of the Strait of Malacca?",
    "sunda": "What are the maximum draft and status of the Sunda Strait?",
    "south_africa": "What are the maximum draft and status of the Cape of Good Hope route?",
    "chili": "What are the maximum draft, status and pilotage toll of the Strait of Magellan?",
    "gibraltar": "What are the maximum draft and status of the Strait of Gibraltar?",
    "bosporus": "What are the maximum draft, status and dues of the Bosporus?",
    "bering": "What are the maximum draft and status of the Bering Strait?",
    "northwest": "What is the status of the Northwest Passage?",
}
_MORE = {
    "panama": {
        "panama_draft": "What is the newest Panama Canal maximum authorised draft notice?",
        "panama_transfer": "What does the Panama Canal rail transfer cost, and what does a laden container weigh?",
    }
}
_COSTS = {
    "emission_areas": "Which emission control areas have a sulphur limit of 0.10 %, and from when?",
    "fuel": "What are the VLSFO and MGO prices per tonne and their carbon factors?",
    "port_costs": "What does a port call cost?",
    "vessels": (
        "What are the size, fuel, charter and hull value of each vessel class: Feeder, Panamax, Post-Panamax, "
        "Neo-Panamax, Ultra-large?"
    ),
}
_CARBON = (
    "What are the EU ETS allowance price, the phase-in and the share of a voyage with one or two EU ports?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A grounding question."""

    id: str
    text: str


def grounding_questions(passages: Iterable[str], *, european: bool = False) -> tuple[Question, ...]:
    """Questions about these passages and the costs of any voyage; five passages of text answer each.

    `european` asks for the carbon price too; it applies where a port is in the European Union, Norway or
    Iceland.
    """
    asked: dict[str, str] = {}
    for passage in dict.fromkeys(passages):
        asked[passage] = _PASSAGES[passage]
        asked.update(_MORE.get(passage, {}))
    asked |= _COSTS
    if european:
        asked["carbon"] = _CARBON
    return tuple(Question(id=name, text=text) for name, text in asked.items())
