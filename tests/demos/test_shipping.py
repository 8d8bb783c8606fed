from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from pilotfish import Agent, Evidence
from pilotfish.agents.result import Result
from pilotfish.demos.shipping import CORPUS, DEFAULT_REQUEST, plan_of, shipping_agent
from pilotfish.demos.shipping_answer import voyages_of
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeRetriever

TODAY = date(2026, 11, 21)
REQUEST = (
    "Ship 8,000 TEU from Shanghai to Rotterdam, draft 14 m, ready 1 December 2026, arrive by 12 January 2027"
)


def read_all(corpus: Path) -> FakeRetriever:
    """Every document for every question: what the plan makes of the figures, with retrieval left out."""
    found = [
        Evidence(
            source=path.name,
            text=text,
            chunk_id=path.name,
            start=0,
            end=len(text),
            rank=rank,
            grade="sufficient",
        )
        for rank, path in enumerate(sorted(corpus.glob("*.md")), start=1)
        for text in [path.read_text()]
    ]
    return FakeRetriever(lambda _query, _k: found)


def small_model(*, choice: str = "A", **said: object) -> ScriptedChat:
    """Fills the form with what it is told, and chooses what it is told."""

    def reply(text: str) -> str:
        if "Options:" in text:
            return json.dumps({"choice": choice})
        if "Request:" in text:
            form = {
                "teu": None,
                "draft_m": None,
                "ready": None,
                "arrive_by": None,
                "max_cost_usd": None,
                "avoid": [],
            }
            return json.dumps({"origin": None, "destination": None, **form, **said})
        return "something that is in no source"

    return ScriptedChat(reply=reply)


def planned(
    tmp_path: Path, request: str, *, corpus: Path = CORPUS, local: ScriptedChat | None = None
) -> Result:
    agent = shipping_agent(
        local=local or small_model(),
        corpus=read_all(corpus),  # type: ignore[arg-type]
        today=TODAY,
        settings=Settings(home=tmp_path),
    )
    assert isinstance(agent, Agent)
    return agent.run(request)


def edited(tmp_path: Path, file: str, pattern: str, new: str) -> Path:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for path in CORPUS.glob("*.md"):
        (corpus / path.name).write_text(path.read_text())
    text = (corpus / file).read_text()
    assert re.search(pattern, text)
    (corpus / file).write_text(re.sub(pattern, new, text))
    return corpus


def test_a_request_becomes_a_route_with_everything_a_planner_wants(tmp_path: Path) -> None:
    result = planned(tmp_path, REQUEST)
    assert result.status == "answered"
    data = result.to_json()
    assert data["query"] == {
        "origin": "CNSHA",
        "destination": "NLRTM",
        "teu": 8000,
        "draft_m": 14.0,
        "ready": "2026-12-01",
        "arrive_by": "2027-01-12",
        "max_cost_usd": None,
        "avoid": [],
    }
    keys = {"passages", "distance_nm", "days", "eta", "cost_usd", "co2_t", "feasible", "binding"}
    assert keys <= set(data["route"])
    assert 2 <= len(data["alternatives"]) <= 4
    assert all(keys | {"rejected"} <= set(way) and way["rejected"] for way in data["alternatives"])
    assert data["route"]["feasible"]
    assert data["route"]["eta"] <= "2027-01-12"
    assert all(fact["quote"] and fact["date"] and fact["document"] for fact in data["facts"])
    assert "suez" in data["route"]["passages"]


def test_the_words_overrule_a_wrong_reading_visibly(tmp_path: Path) -> None:
    local = small_model(
        origin="Rotterdam, The Netherlands (NLRTM)", destination="Shanghai, China (CNSHA)", teu=8000
    )
    result = planned(tmp_path, REQUEST, local=local)
    assert (result.extra["query"]["origin"], result.extra["query"]["destination"]) == ("CNSHA", "NLRTM")
    read = result.subtasks[0]
    assert (read.id, read.lane, read.status) == ("read", "tool", "accepted")
    assert any("origin read as NLRTM" in note for note in result.extra["overruled"])


@pytest.mark.parametrize("choice", ["A", "B", "C", "D", "none"])
def test_whatever_the_model_chooses_the_route_is_the_optimum(tmp_path: Path, choice: str) -> None:
    result = planned(tmp_path, REQUEST, local=small_model(choice=choice))
    costs = [way["cost_usd"]["total"] for way in result.extra["alternatives"] if way["feasible"]]
    assert result.extra["route"]["cost_usd"]["total"] <= min(costs)
    chosen = next(subtask for subtask in result.subtasks if subtask.id == "choose")
    overruled = [note for note in result.extra["overruled"] if note.startswith("choose:")]
    assert (chosen.lane == "tool") == bool(overruled)


@pytest.mark.parametrize(
    ("file", "pattern", "new"),
    [
        ("suez-canal.md", r"(Suez Canal status — )open", r"\1closed to commercial traffic"),
        ("suez-canal.md", r"20\.12 m \(66 ft\)", "11.00 m (36.1 ft)"),
        ("red-sea-risk.md", r"(premium — )0\.35 %", r"\g<1>0.90 %"),
    ],
)
def test_a_changed_notice_changes_the_route(tmp_path: Path, file: str, pattern: str, new: str) -> None:
    before = planned(tmp_path, REQUEST).extra["route"]
    after = planned(tmp_path, REQUEST, corpus=edited(tmp_path, file, pattern, new)).extra["route"]
    assert "suez" in before["passages"]
    assert "suez" not in after["passages"]


def test_without_a_notice_a_passage_is_not_verified(tmp_path: Path) -> None:
    corpus = edited(tmp_path, "suez-canal.md", r"(?s).*", "# Suez Canal\n\nNothing is known.\n")
    result = planned(tmp_path, REQUEST, corpus=corpus)
    suez = [way for way in result.extra["alternatives"] if "suez" in way["passages"]]
    assert all("not verified" in way["rejected"] for way in suez)
    assert "suez" not in result.extra["route"]["passages"]


@pytest.mark.parametrize(
    ("request_text", "status", "words"),
    [
        ("Ship 500 TEU from Hamburg", "needs_input", ["destination"]),
        ("From Portland to Hamburg", "needs_input", ["Portland", "USPDX"]),
        ("From Munich to Singapore, 100 TEU", "needs_input", ["Munich"]),
        ("Sing me a song", "refused", ["sea voyage"]),
        ("Hamburg to Singapore, ready 5 March 2027, arrive by 1 March 2027", "refused", []),
        ("Hamburg to Singapore for at most 900,000 EUR", "refused", ["euro", "dollars"]),
        (
            "8,000 TEU Shanghai to Rotterdam, ready 1 March 2027, arrive by 5 March 2027",
            "infeasible",
            ["later"],
        ),
    ],
)
def test_what_cannot_be_planned_says_why(
    tmp_path: Path, request_text: str, status: str, words: list[str]
) -> None:
    result = planned(tmp_path, request_text)
    assert result.status == status
    route = result.extra["route"]
    assert (route is None) == (status != "infeasible")
    for word in words:
        assert word in result.extra["message"]
    if status == "infeasible":
        assert (route["feasible"], bool(route["rejected"])) == (False, True)
    else:
        assert [subtask.id for subtask in result.subtasks] == ["read"]


def test_the_plan_asks_only_about_passages_some_way_uses() -> None:
    ids = [subtask.id for subtask in plan_of("200 TEU from Hamburg to Felixstowe", TODAY)]
    assert "panama" not in ids
    assert {"read", "fuel", "vessels", "routes", "choose"} <= set(ids)


def test_the_ways_can_be_drawn(tmp_path: Path) -> None:
    found = voyages_of(planned(tmp_path, DEFAULT_REQUEST))
    assert found is not None
    voyages, ports = found
    assert set(ports) == {"Shanghai", "Rotterdam"}
    assert all(len(voyage.coordinates) > 10 for voyage in voyages)
    assert voyages_of(planned(tmp_path, "Sing me a song")) is None


@pytest.mark.weights
def test_the_demo_on_real_models(weights: Path, tmp_path: Path) -> None:
    for name in ("models", "cache"):
        (weights / name).mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(weights / name)
    agent = shipping_agent(today=TODAY, settings=Settings(home=tmp_path))
    result = agent.run("1,200 TEU from Santos to Felixstowe, draft 11 m, ready 10 February 2027")
    assert result.status == "answered"
    assert (result.extra["query"]["origin"], result.extra["query"]["destination"]) == ("BRSSZ", "GBFXT")
    assert result.extra["route"]["feasible"]
    assert result.citations
    for subtask in result.subtasks:
        assert all(call.prompt_version and call.model_digest for call in subtask.calls)
