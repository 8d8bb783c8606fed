from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pilotfish.agents.agent import Agent
from pilotfish.agents.retrieval_lane import RetrievalLane
from pilotfish.agents.scope import Services
from pilotfish.lab import tasks_identity
from pilotfish.lab.tasks_identity import policy_identity, services_identity
from pilotfish.prompts import Prompt, load_prompt
from pilotfish.retrieval.store import HybridStore
from pilotfish.router.fixed import always_local
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.lanes import FakeRetriever


class Warm(ScriptedChat):
    temperature: float = 0.0


def services(corpus: Any = None, **settings: Any) -> Services:
    corpus = corpus or FakeRetriever(lambda _query, _k: [])
    return Agent(local=Warm(reply=str, **settings), corpus=corpus).services


def reading(change: Callable[[RetrievalLane], RetrievalLane]) -> Services:
    made = services()
    lane = made.lanes["retrieval"]
    assert isinstance(lane, RetrievalLane)
    return replace(made, lanes={**made.lanes, "retrieval": change(lane)})


def sampled(lane: RetrievalLane) -> RetrievalLane:
    spec = lane.reader.spec
    hotter = replace(spec, sampling=replace(spec.sampling, temperature=0.9))
    return replace(lane, reader=replace(lane.reader, spec=hotter))


def test_the_same_parts_made_again_are_the_same() -> None:
    assert services_identity(services()) == services_identity(services())


@pytest.mark.parametrize(
    "other",
    [
        lambda: services(temperature=0.9),
        lambda: replace(services(), timeout_s=1.0),
        lambda: reading(lambda lane: replace(lane, passages=9)),
        lambda: reading(lambda lane: replace(lane, read=1)),
        lambda: reading(sampled),
    ],
)
def test_whatever_can_change_an_answer_counts(other: Callable[[], Services]) -> None:
    assert services_identity(other()) != services_identity(services())


def test_an_edited_prompt_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = services_identity(services())

    def edited(name: str) -> Prompt:
        return replace(load_prompt(name), version="edited")

    monkeypatch.setattr(tasks_identity, "load_prompt", edited)
    assert services_identity(services()) != before


def test_a_store_is_known_by_its_passages_and_its_embedder(tmp_path: Path) -> None:
    def identity(folder: str, text: str, *, digest: str) -> Any:
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / "a.txt").write_text(text)
        embedder = FakeEmbedder()
        embedder.digest = digest
        with HybridStore.open(tmp_path / folder, embedder=embedder, create=True) as store:
            store.ingest(tmp_path / "docs")
            return services_identity(services(corpus=store))

    first = identity("one", "Jane Austen wrote Emma.", digest="1")
    assert identity("two", "Jane Austen wrote Emma.", digest="1") == first
    assert identity("three", "Jane Austen wrote Emma.", digest="2") != first
    assert identity("four", "Jane Austen wrote Persuasion.", digest="1") != first


class Asynchronous:
    def __init__(self, version: str) -> None:
        self.version = version

    def __repr__(self) -> str:
        return "Asynchronous()"

    async def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [replace(found, version=self.version) for found in always_local().decide(subtasks)]


async def test_a_policy_is_known_by_the_version_of_its_decisions() -> None:
    def fitted(version: str) -> Any:
        return Asynchronous(version)

    assert await policy_identity(fitted("1")) == await policy_identity(fitted("1"))
    assert await policy_identity(fitted("1")) != await policy_identity(fitted("2"))


async def test_a_policy_that_tells_nothing_of_itself_is_no_others_equal() -> None:
    class Silent:
        def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
            return always_local().decide(subtasks)

    assert await policy_identity(Silent()) != await policy_identity(Silent())


async def test_a_policy_that_asks_a_model_is_known_without_a_call() -> None:
    def refuse(text: str) -> str:
        raise AssertionError(text)

    policy = load_policy("llm", model=ScriptedChat(reply=refuse))
    assert "llm" in str(await policy_identity(policy))
