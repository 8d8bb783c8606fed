"""No text reaches a place that its data class forbids, whatever the plan, the faults and the policy."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilotfish.agents import execution, tool_lane
from pilotfish.models.data_policy import DataPolicy
from pilotfish.retrieval.evidence import Evidence
from pilotfish.router.subtask import Subtask

_SPEC = importlib.util.spec_from_file_location("data_world", Path(__file__).with_name("data_world.py"))
assert _SPEC
assert _SPEC.loader
data_world: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["data_world"] = data_world
_SPEC.loader.exec_module(data_world)

EXAMPLES = 200
MUTANTS = 150
"""Worlds among which a missing gate must show."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Crashes are meant here, and their tracebacks cost more than the runs."""
    caplog.set_level(logging.CRITICAL + 1, logger="pilotfish")


def classes_in(text: str, policy: DataPolicy) -> set[str]:
    """The data classes that a text's canaries, and what is detected in it, give away."""
    return {name for name in data_world.CLASSES if data_world.canary(name) in text} | set(
        policy.detected(text)
    )


def leaks(world: Any, policy: DataPolicy, written: bytes) -> list[str]:
    """What reached a place, or the ledger's file, that its class forbids."""
    found = [
        f"{sight.place} {sight.model_id} ({sight.locality}) saw {name}"
        for sight in world.sights
        for name in classes_in(sight.text, policy)
        if sight.place != "verifier" or sight.locality == "remote"
        if policy.refusal([name], locality=sight.locality, model_id=sight.model_id) is not None
    ]
    kept = [name for name in data_world.CLASSES if not policy.keeps_content([name])]
    return found + [f"the ledger kept {name}" for name in kept if data_world.canary(name).encode() in written]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_nothing_reaches_a_place_its_class_forbids_and_every_subtask_ends(seed: int) -> None:
    world = data_world.World(seed=seed)
    policy, plan, state, written = world.run()
    assert leaks(world, policy, written) == []
    results = {row["id"]: row for row in state["results"]}
    planned = {row["id"] for row in state["plan"]["subtasks"]}
    assert set(results) == planned
    assert planned == {subtask.id for subtask in plan} or state["plan"]["planner"] == "llm"
    for row in results.values():
        assert row["status"] in ("accepted", "unverified", "failed", "skipped")
        assert (row["answer"] is None) == (row["status"] in ("failed", "skipped"))
        known = classes_in(f"{row['text']} {row['answer'] or ''}", policy)
        assert known <= {*row["data_classes"], *policy.detected(row["answer"] or "")}


def test_the_worlds_are_worth_drawing() -> None:
    """Remote models, tools, retrievers and verifiers are reached, restricted text is answered, and some is refused."""
    seen: set[tuple[str, str]] = set()
    restricted: set[str] = set()
    for seed in range(80):
        world = data_world.World(seed=seed)
        _, _, state, _ = world.run()
        seen |= {(sight.place, sight.locality) for sight in world.sights}
        rows = [row for row in state["results"] if "restricted" in row["data_classes"]]
        restricted |= {row["failure"] or row["status"] for row in rows}
    wanted = {(place, where) for place in ("model", "retriever", "verifier") for where in ("local", "remote")}
    assert wanted | {("here", "local"), ("silent", "remote"), ("away", "remote")} <= seen
    assert {"accepted", "unverified", "data_policy"} <= restricted


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no_classes(*_: Any, **__: Any) -> tuple[str, ...]:
    return ()


MUTATIONS: dict[str, tuple[Any, str, Any]] = {
    "answers do not carry their classes on": (
        execution,
        "_classes",
        lambda _subtask, _attempts: ("public",),
    ),
    "evidence has no class": (Evidence, "data_classes", property(lambda _self: ("public",))),
    "a subtask has its own class only": (
        Subtask,
        "data_classes",
        property(lambda self: (self.data_class or "public",)),
    ),
    "nothing is detected": (DataPolicy, "detected", _no_classes),
    "tools go unasked": (tool_lane, "place_refusal", _nothing),
    "retrievers go unasked": (sys.modules["pilotfish.agents.retrieval_lane"], "place_refusal", _nothing),
    "verifiers go unasked": (sys.modules["pilotfish.agents.checking"], "verifier_refusal", _nothing),
    "all content is kept": (DataPolicy, "keeps_content", lambda _self, _classes: True),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_gate_taken_away_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above can fail: with any one of these gone, some world leaks."""
    detected, keeps = DataPolicy.detected, DataPolicy.keeps_content
    monkeypatch.setattr(*MUTATIONS[name])
    for seed in range(MUTANTS):
        world = data_world.World(seed=seed)
        policy, _, _, written = world.run()
        with monkeypatch.context() as honest:
            honest.setattr(DataPolicy, "detected", detected)
            honest.setattr(DataPolicy, "keeps_content", keeps)
            if leaks(world, policy, written):
                return
    pytest.fail(f"{name}, and {MUTANTS} worlds did not show it")


def test_the_boundary_alone_stops_what_the_gate_would_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes ask again for themselves, so without the gate before them still nothing leaves."""
    monkeypatch.setattr(sys.modules["pilotfish.agents.subtask_graph"], "refused_lanes", lambda *_: {})
    monkeypatch.setattr(execution, "nowhere_to_start", _nothing)
    for seed in range(50):
        world = data_world.World(seed=seed)
        policy, _, _, written = world.run()
        assert leaks(world, policy, written) == []
