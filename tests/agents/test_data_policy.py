from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import StructuredTool
from langgraph.graph import END, START, StateGraph

from pilotfish import Agent, DataPolicy, Evidence, Plan, Result, Subtask, UsageError
from pilotfish.models.data_policy import Rule
from pilotfish.models.detection import Finding
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy, FakeRetriever


class Far(ScriptedChat):
    """A model beyond this machine."""

    base_url: str = "https://models.example/v1"


class Desk:
    """An agent with a small model here and a large one far away, and what each was told."""

    def __init__(self, home: Path, **more: Any) -> None:
        self.here: list[str] = []
        self.away: list[str] = []
        self.down = False
        more.setdefault("policy", FakePolicy())
        self.agent = Agent(
            local=ScriptedChat(reply=self._answer, model_name="small"),
            large=Far(reply=lambda told: self.away.append(told) or "far", model_name="vendor"),
            planner=more.pop("planner", "rules"),
            settings=Settings(home=home),
            votes=1,
            resilience=None,
            **more,
        )

    def _answer(self, told: str) -> str:
        self.here.append(told)
        if self.down:
            raise ConnectionRefusedError("nobody listens")
        return "near"

    def run(self, plan: str | Plan = "What is it?", **more: Any) -> Result:
        return self.agent.run(plan if isinstance(plan, str) else "a plan", **more)


def passage(text: str, **more: Any) -> Evidence:
    return Evidence(
        source="a.md", text=text, chunk_id="c", start=0, end=len(text), rank=1, grade="sufficient", **more
    )


def test_a_restricted_subtask_whose_local_model_is_down_fails_and_never_leaves(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.down = True
    (subtask,) = desk.run(data_class="restricted", run_id="r").subtasks
    assert (subtask.status, subtask.failure, subtask.lane) == ("failed", "data_policy", "local")
    assert "model_unavailable" in subtask.detail
    assert (
        "may not go on to the large lane: data class 'restricted' may not go to a remote model"
        in subtask.detail
    )
    assert desk.away == []
    desk.down = False
    (again,) = desk.agent.resume("r").subtasks  # it was a matter of the moment
    assert (again.answer, again.failure, desk.away) == ("near", None, [])


def test_the_same_task_unrestricted_goes_on_to_the_large_model(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.down = True
    (subtask,) = desk.run(data_class="internal").subtasks
    assert (subtask.lane, len(desk.away)) == ("large", 1)


def test_a_lane_the_workflow_insists_on_is_stood_in_for_and_the_decision_says_so(tmp_path: Path) -> None:
    plan = Plan([Subtask(id="a", text="What?", lane="large", data_class="restricted")])
    (subtask,) = (desk := Desk(tmp_path, planner=plan)).run().subtasks
    assert (subtask.lane, desk.away) == ("local", [])
    assert subtask.decision is not None
    assert (
        "large is not allowed: data class 'restricted' may not go to a remote model"
        in subtask.decision.reason
    )


def test_a_class_without_a_rule_is_refused_before_the_run_begins(tmp_path: Path) -> None:
    desk = Desk(tmp_path, planner="llm")
    with pytest.raises(UsageError, match=r"'restrictd' has no rule.*nearest one that has is 'restricted'"):
        desk.run(data_class="restrictd")
    assert desk.here == desk.away == []


def test_the_planner_of_a_restricted_task_is_the_rules_where_its_model_is_remote(tmp_path: Path) -> None:
    desk = Desk(tmp_path, planner="llm")
    result = desk.run(data_class="restricted")
    assert "data_policy" in result.plan["note"]
    assert (result.plan["planner"], desk.away) == ("rules", [])


def test_an_answer_carries_the_classes_of_its_evidence_to_those_who_use_it(tmp_path: Path) -> None:
    found = passage("The secret draft is 20.1 m.", data_class="restricted")
    plan = Plan(
        [
            Subtask(id="a", text="What is the secret draft?", lane="retrieval"),
            Subtask(id="b", text="Is #a deep?", depends_on=("a",), lane="large"),
            Subtask(id="c", text="Is it deep?", lane="large"),
        ]
    )
    desk = Desk(tmp_path, planner=plan, corpus=FakeRetriever(lambda _q, _k: [found]))
    first, second, third = desk.run().subtasks
    assert first.data_classes == second.data_classes == ("internal", "restricted")
    assert (second.lane, third.lane, third.data_classes) == ("retrieval", "large", ("internal",))
    assert not any("20.1" in told for told in desk.away)


def test_passages_the_reader_may_not_see_are_withheld_and_said_to_be(tmp_path: Path) -> None:
    policy = DataPolicy(
        rules={
            "internal": Rule(localities=("local", "remote")),
            "sealed": Rule(localities=("local",), models=("other",)),
        }
    )
    found = [passage("The draft is 20.1 m."), passage("The sealed draft is 9 m.", data_class="sealed")]
    plan = Plan([Subtask(id="a", text="What is the draft?", lane="retrieval")])
    desk = Desk(tmp_path, planner=plan, data_policy=policy, corpus=FakeRetriever(lambda _q, _k: found))
    (subtask,) = desk.run().subtasks
    assert (
        "1 of 2 passages were withheld: data class 'sealed' may go to other, not to 'small'" in subtask.detail
    )
    assert subtask.data_classes == ("internal",)
    assert not any("9 m" in told for told in desk.here)


class Lookup(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(page_content="The draft is 20.1 m.", metadata={"data_class": "public"})]


@pytest.mark.parametrize("declared", [False, True])
def test_a_retriever_of_others_takes_restricted_queries_only_if_it_says_it_is_local(
    tmp_path: Path, declared: bool
) -> None:
    corpus = Lookup(metadata={"pilotfish.locality": "local"} if declared else None)
    plan = Plan([Subtask(id="a", text="What is the draft?", lane="retrieval", data_class="restricted")])
    (subtask,) = Desk(tmp_path, planner=plan, corpus=corpus).run().subtasks
    assert subtask.lane == ("retrieval" if declared else "local")
    assert subtask.decision is not None
    assert ("metadata={'pilotfish.locality': 'local'}" in subtask.decision.reason) is not declared


@pytest.mark.parametrize("declared", [False, True])
def test_a_tool_takes_restricted_arguments_only_if_it_says_it_is_local(
    tmp_path: Path, declared: bool
) -> None:
    used: list[str] = []

    def note(told: str) -> str:
        """Write it down."""
        used.append(told)
        return told

    metadata = {"pilotfish.locality": "local"} if declared else None
    tool = StructuredTool.from_function(note, metadata=metadata)
    plan = Plan(
        [Subtask(id="a", text="Note it", tool="note", arguments={"told": "x"}, data_class="restricted")]
    )
    (subtask,) = Desk(tmp_path, planner=plan, tools=[tool]).run().subtasks
    assert used == (["x"] if declared else [])
    assert subtask.failure == (None if declared else "data_policy")
    assert declared or "which does not say where text goes" in subtask.detail


def test_the_shipped_tools_are_local(tmp_path: Path) -> None:
    arguments = {"expression": "2 + 2"}
    plan = Plan(
        [Subtask(id="a", text="2 + 2", tool="calculator", arguments=arguments, data_class="restricted")]
    )
    (subtask,) = Desk(tmp_path, planner=plan).run().subtasks
    assert (subtask.status, subtask.answer) == ("accepted", "4")


class Cards:
    def detect(self, text: str) -> tuple[Finding, ...]:
        start = text.find("4111")
        return () if start < 0 else (Finding(kind="CREDIT_CARD", start=start, end=start + 4),)


def test_what_is_detected_in_task_subtask_answer_and_evidence_keeps_them_here(tmp_path: Path) -> None:
    policy = DataPolicy(detect={"CREDIT_CARD": "restricted"}, detector=Cards())
    plan = Plan(
        [
            Subtask(id="a", text="Who pays with 4111?", lane="large"),
            Subtask(id="b", text="Who pays?", lane="retrieval"),
            Subtask(id="c", text="Is #b right?", depends_on=("b",), lane="large"),
            Subtask(id="d", text="Is it right?", lane="large"),
        ]
    )
    found = [passage("Who pays: card 4111.")]
    desk = Desk(tmp_path, planner=plan, data_policy=policy, corpus=FakeRetriever(lambda _q, _k: found))
    assert [subtask.lane for subtask in desk.run().subtasks] == [
        "retrieval",
        "retrieval",
        "retrieval",
        "large",
    ]
    assert not any("4111" in told for told in desk.away)
    desk.away.clear()
    desk.agent.run("my card is 4111")
    assert desk.away == []


def test_a_policy_is_a_file_by_argument_or_setting(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("classes: {internal: {localities: [local]}}")
    by_argument = Desk(tmp_path, data_policy=path)
    assert dict(by_argument.agent.services.calling.data_policy.rules) == {
        "internal": Rule(localities=("local",))
    }
    by_setting = Agent(local=ScriptedChat(reply=str), settings=Settings(home=tmp_path, data_policy=path))
    assert set(by_setting.services.calling.data_policy.rules) == {"internal"}
    path.write_text("classes: {internal: {localities: [cloud]}}")
    with pytest.raises(
        UsageError, match=r"policy.yaml' cannot be used: 'classes.internal.localities.0' is 'cloud'"
    ):
        _ = Desk(tmp_path, data_policy=str(path)).agent.services


class Outer(TypedDict):
    task: str
    data_class: str
    answer: str


async def test_a_graph_inside_another_takes_the_class_from_its_state(tmp_path: Path) -> None:
    plan = Plan([Subtask(id="a", text="What?", lane="large")])
    desk = Desk(tmp_path, planner=plan)
    outer = StateGraph(Outer)
    outer.add_node("agent", desk.agent.graph)
    outer.add_edge(START, "agent")
    outer.add_edge("agent", END)
    state: Any = {"task": "What?", "data_class": "restricted"}
    final = await outer.compile().ainvoke(state)
    assert (final["answer"].split()[0], desk.away) == ("near", [])


def test_documents_have_the_class_their_owner_gives_them_and_cannot_take_it_away(tmp_path: Path) -> None:
    from pilotfish.retrieval.store import HybridStore
    from pilotfish.testing.embedder import FakeEmbedder

    corpus = tmp_path / "corpus"
    (corpus / "hr").mkdir(parents=True)
    (corpus / "hr" / "pay.md").write_text("---\ndata_class: public\n---\n# Pay\n\nThe pay of the crew.\n")
    (corpus / "own.md").write_text(
        "---\ndata_class: restricted\ntitle: x\n---\n# Own\n\nA word of its own.\n"
    )
    (corpus / "odd.md").write_text("---\ndata_class: [a, b]\n---\n# Odd\n\nSomething odd.\n")
    (corpus / "plain.txt").write_text("Nothing is said of this.\n")
    (corpus / "data_classes.yaml").write_text("'hr/*': restricted\n")
    with HybridStore.open(tmp_path / "store", embedder=FakeEmbedder(), create=True) as store:
        report = store.ingest(corpus)
        assert report.skipped == ()
        classes = {chunk.source: (chunk.data_class, chunk.also) for chunk in store.list_chunks()}
        assert classes == {
            "hr/pay.md": ("restricted", ("public",)),
            "odd.md": ("unreadable", ()),
            "own.md": ("restricted", ()),
            "plain.txt": ("internal", ()),
        }
        assert {hit.data_class for hit in store.search("the pay of the crew", 1)} == {"restricted"}
        (corpus / "data_classes.yaml").write_text("'*': restricted\n'plain*': public\n")
        report = store.ingest(corpus)
        assert (report.added, report.changed, report.removed) == (0, 0, 0)
        assert {chunk.data_class for chunk in store.list_chunks() if chunk.source == "plain.txt"} == {
            "public"
        }
        store.ingest(corpus, data_class="public")
        assert {chunk.data_class for chunk in store.list_chunks() if chunk.source == "hr/pay.md"} == {
            "restricted"
        }


def test_documents_are_not_embedded_by_a_model_that_may_not_see_them(tmp_path: Path) -> None:
    from pilotfish.retrieval.store import HybridStore
    from pilotfish.testing.embedder import FakeEmbedder

    class FarEmbedder(FakeEmbedder):
        locality = "remote"  # type: ignore[assignment]

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.md").write_text("---\ndata_class: restricted\n---\nA secret.\n")
    embedder = FarEmbedder()
    with HybridStore.open(tmp_path / "store", embedder=embedder, create=True) as store:
        assert store.locality == "remote"
        with pytest.raises(
            UsageError, match=r"'a.md' cannot be embedded: data class 'restricted' may not go to"
        ):
            store.ingest(corpus)
    assert embedder.encoded == []


def test_a_store_from_before_there_were_classes_opens_and_its_documents_are_classed_anew(
    tmp_path: Path,
) -> None:
    import json

    from pilotfish.retrieval.chunk_file import read_chunks
    from pilotfish.retrieval.manifest import read_manifest, write_manifest
    from pilotfish.retrieval.store import HybridStore
    from pilotfish.testing.embedder import FakeEmbedder

    corpus, home = tmp_path / "corpus", tmp_path / "store"
    corpus.mkdir()
    (corpus / "a.md").write_text("---\ndata_class: restricted\n---\nA secret.\n")
    with HybridStore.open(home, embedder=FakeEmbedder(), create=True) as store:
        store.ingest(corpus)
    (path,) = home.glob("chunks-*.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    old = "".join(
        json.dumps({k: v for k, v in row.items() if k not in ("data_class", "also")}) + "\n" for row in rows
    )
    path.write_text(old)
    digest = hashlib.sha256(old.encode()).hexdigest()
    assert [chunk.data_class for chunk in read_chunks(path, sha256=digest)] == ["internal"]
    manifest = read_manifest(home)
    assert manifest is not None
    write_manifest(home, replace(manifest, chunks_sha256=digest, classes=""))
    embedder = FakeEmbedder()
    with HybridStore.open(home, embedder=embedder) as store:
        assert [chunk.data_class for chunk in store.list_chunks()] == ["internal"]
        store.ingest(corpus)
        assert [chunk.data_class for chunk in store.list_chunks()] == ["restricted"]


def test_a_result_says_every_class_it_came_from(tmp_path: Path) -> None:
    plan = Plan([Subtask(id="a", text="What?", data_class="restricted"), Subtask(id="b", text="Who?")])
    assert Desk(tmp_path, planner=plan).run(data_class="public").data_classes == ("public", "restricted")
