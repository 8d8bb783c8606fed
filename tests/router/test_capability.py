from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.models.calling import Calling
from pilotfish.router.capability import CapabilityPolicy, make_capability
from pilotfish.router.capability_file import load_capability, save_capability, settled
from pilotfish.router.capability_model import CapabilityModel, Familiar, Forms, Mix
from pilotfish.router.deciding import decide_now
from pilotfish.router.forest import Forest
from pilotfish.router.load import load_policy
from pilotfish.router.policy import Decision, Policy
from pilotfish.router.question_form import WIDTH, form
from pilotfish.router.question_terms import terms_of, vocabulary_of
from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.policy_conformance import check_policy

PROMPTS = ("add four apples", "add nine pears", "who governs the harbour", "who sank the frigate")
LIKED = {"add": (0.4, -0.4), "who": (-0.4, 0.4)}
"""What a word adds to the quality of the small and the large model."""


def model(*, costs: bool = False, **changes: Any) -> CapabilityModel:
    """The small model adds, the large one knows who."""
    vocabulary = vocabulary_of(PROMPTS)
    weights = np.zeros((len(vocabulary.idf), 2))
    for word, worth in LIKED.items():
        weights[vocabulary.index[word]] = worth
    measures = np.array([form(prompt) for prompt in PROMPTS])
    forms = Forms(centre=measures.mean(axis=0), spread=np.maximum(measures.std(axis=0), 0.5), rows=measures)
    made = CapabilityModel(
        models=("small", "large"),
        small=0,
        large=1,
        mix=Mix(),
        familiar=Familiar(known=0.2, nearness=1e-6),
        vocabulary=vocabulary,
        weights=weights,
        forms=replace(forms, rows=forms.scaled(measures)),
        dual=np.zeros((len(PROMPTS), 2)),
        prior=np.array([0.6, 0.7]),
        cost=np.array([[0.001, 0.01], [0.0, 0.001]]) if costs else None,
        mean_cost=np.array([0.001, 0.03]) if costs else None,
        trained_on=np.array([1, 5], dtype=np.int64),
        notes={"labels": 4},
    )
    return settled(replace(made, **changes))


def decide(policy: CapabilityPolicy, text: str, **more: Any) -> Any:
    return policy.decide([Subtask(id="s", text=text, **more)])[0]


def test_it_keeps_the_promises_of_a_policy() -> None:
    check_policy(CapabilityPolicy(model()))
    check_policy(CapabilityPolicy(model(costs=True), tradeoff=3.0))


def test_kinds_may_be_told_later_and_by_the_run() -> None:
    class Asking:
        async def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
            return RulesPolicy().decide(subtasks)

    class Planning(RulesPolicy):
        def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Any:
            return Asking()

    steps = [Subtask(id="a", text="add two pears"), Subtask(id="b", text="who governs the town")]
    now = CapabilityPolicy(model(), kinds=RulesPolicy()).decide(steps)
    assert decide_now(CapabilityPolicy(model(), kinds=cast("Policy", Asking())), steps) == now
    run = CapabilityPolicy(model(), kinds=Planning()).for_run(steps, calling=Calling(record=print))
    assert decide_now(run, steps) == now
    check_policy(run)


def test_it_names_the_better_model_and_what_it_expects() -> None:
    policy = CapabilityPolicy(model(costs=True))
    first, second = decide(policy, "add two pears"), decide(policy, "who governs the town")
    assert (first.model, second.model, second.lane) == ("small", "large", "large")
    assert first.lane in ("local", "retrieval")
    assert first.expected_quality > 0.6
    assert first.expected_cost_usd == pytest.approx(0.001)
    assert second.expected_cost_usd == pytest.approx(0.01 + 0.001 * len("who governs the town"))
    assert first.large_gain < 0.0 < second.large_gain
    assert second.reason.startswith("large right 0.")
    assert "$" in second.reason


def test_a_dearer_answer_must_be_worth_its_price() -> None:
    text = "who governs the town"
    costly = decide(CapabilityPolicy(model(costs=True), tradeoff=100.0), text)
    assert costly.model == "small"
    assert costly.large_gain < decide(CapabilityPolicy(model(costs=True)), text).large_gain


def test_where_it_knows_nothing_it_takes_the_best_on_average_and_says_so() -> None:
    policy = CapabilityPolicy(model(costs=True))
    for text in ("", "Größe naïve 東京", "zzzz qqqq"):
        found = decide(policy, text)
        assert (found.model, found.lane) == ("large", "large")
        assert found.expected_quality == pytest.approx(0.7)
        assert found.large_gain == pytest.approx(0.1)
        assert "unlike anything it was trained on (0% of the words known)" in found.reason
    thrifty = CapabilityPolicy(model(costs=True), tradeoff=10.0)
    assert decide(thrifty, "zzzz qqqq").model == "small", "the best fixed model at this price"


def test_a_form_unlike_any_is_strange_though_its_words_are_known() -> None:
    policy = CapabilityPolicy(model(familiar=Familiar(known=0.2, nearness=0.7)))
    assert "unlike" in decide(policy, "add nine pears\n" * 300).reason
    assert "unlike" not in decide(policy, "add nine pears").reason


def test_tools_stay_tools_and_kinds_are_the_wrapped_policys() -> None:
    policy = CapabilityPolicy(model(), kinds=load_policy("always-local"))
    found = decide(policy, "who governs the harbour", tool="lookup", arguments={})
    assert (found.lane, found.kind, found.p_reasoning) == ("tool", "reasoning", 1.0)
    assert decide(policy, "add nine pears").lane == "local"


def test_a_saved_model_decides_as_before(tmp_path: Path) -> None:
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        feature=np.array([0, 0, 0], dtype=np.int32),
        threshold=np.array([0.0, 0.0, 0.0], dtype=np.float32),
        children=np.array([[2, 1, 2], [1, 1, 2]], dtype=np.int32),
        values=np.array([[0.0, 0.0], [0.05, 0.0], [0.0, 0.05]], dtype=np.float32),
        depth=1,
    )
    made = model(costs=True, forest=forest)
    save_capability(made, tmp_path / "w.npz")
    loaded = load_policy("capability", weights=str(tmp_path / "w.npz"))
    subtasks = [Subtask(id=str(n), text=text) for n, text in enumerate([*PROMPTS, "add", "what?"])]
    assert loaded.decide(subtasks) == CapabilityPolicy(made).decide(subtasks)
    assert load_capability(tmp_path / "w.npz").version == made.version
    assert loaded.trained_on == frozenset({1, 5})
    assert not list(tmp_path.glob("*.partial"))


def rewrite(path: Path, **changes: Any) -> None:
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez(path, **{name: values for name, values in (content | changes).items() if values is not None})


def test_altered_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_capability(model(), path)
    rewrite(path, prior=np.array([0.9, 0.1], dtype=np.float32))
    with pytest.raises(UsageError, match="were altered"):
        load_capability(path)
    save_capability(model(), path)
    rewrite(path, idf=None)
    with pytest.raises(UsageError, match="not whole"):
        load_capability(path)
    rewrite(
        path, header=np.frombuffer(json.dumps({"format": "old", "version": "1"}).encode(), dtype=np.uint8)
    )
    with pytest.raises(UsageError, match=r"format 'old'.*lab train --what capability --table TABLE"):
        load_capability(path)
    for content in (b"", b"no archive", b"PK\x03\x04 cut short"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="no capability weights"):
            load_capability(path)
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UsageError, match="no capability weights"):
        load_capability(path)
    with pytest.raises(UsageError, match="No such file"):
        load_capability(tmp_path / "none.npz")


def test_a_tree_that_leads_nowhere_is_refused() -> None:
    arrays = {
        "forest_roots": np.array([0]),
        "forest_feature": np.array([0]),
        "forest_children": np.array([[7], [0]]),
    }
    with pytest.raises(ValueError, match="not there"):
        Forest.of({**arrays, "forest_depth": np.array([1])})


def test_wrong_options_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pilotfish lab train --what capability --table TABLE"):
        load_policy("capability")
    for tradeoff in (-1.0, float("inf"), float("nan"), "much"):
        with pytest.raises(UsageError, match="no quality per dollar"):
            CapabilityPolicy(model(costs=True), tradeoff=tradeoff)  # pyright: ignore[reportArgumentType] - the mistake
    with pytest.raises(UsageError, match="needs costs"):
        CapabilityPolicy(model(), tradeoff=1.0)
    save_capability(model(), tmp_path / "w.npz")
    with pytest.raises(UsageError, match="trained without an embedder"):
        make_capability(weights=tmp_path / "w.npz", embedder=FakeEmbedder())


def test_a_model_of_meaning_asks_for_its_own_embedder() -> None:
    embedder = FakeEmbedder(dimension=8)
    vectors = embedder.encode_query(PROMPTS).astype(np.float64)
    made = model(
        vectors=vectors, embedder=embedder.model_id, embedder_digest=embedder.digest, mix=Mix(meaning=1.0)
    )
    check_policy(CapabilityPolicy(made, embedder=embedder))
    with pytest.raises(UsageError, match="give that embedder"):
        CapabilityPolicy(made)
    with pytest.raises(UsageError, match="differ from those of 'other'"):
        CapabilityPolicy(made, embedder=FakeEmbedder(model_id="other"))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_finite_measures_and_terms_of_unit_length(text: str) -> None:
    measures = form(text)
    assert len(measures) == WIDTH
    assert np.isfinite(measures).all()
    found = terms_of(text, vocabulary_of([text, "add four apples"]))
    words, runs = found.values[: found.words], found.values[found.words :]
    for part in (words, runs):
        assert not len(part) or np.linalg.norm(part) == pytest.approx(1.0)
    assert 0.0 <= found.known <= 1.0


def test_rare_terms_weigh_more_than_common_ones() -> None:
    vocabulary = vocabulary_of(["the sea", "the ship", "the sky"])
    assert vocabulary.idf[vocabulary.index["sea"]] > vocabulary.idf[vocabulary.index["the"]]
    assert "~the" in vocabulary.index
    assert not any("sky" in term for term in vocabulary.index if term.startswith("~")), (
        "runs of one prompt only"
    )


def test_options_are_told_from_the_question() -> None:
    numeric = form("How many are there?\nA. 12\nB. 13\nC. 14\nD. 15")
    worded = form("How many are there?\nA. a dozen\nB. some more\nC. all of them\nD. none")
    plain = form("How many are there?")
    assert sum(a != b for a, b in zip(numeric, worded, strict=True)) > 3
    assert plain[-9:] == [0.0] * 9 != numeric[-9:]
