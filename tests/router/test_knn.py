from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pilotfish import PilotfishError, UsageError
from pilotfish.router.exemplars import Exemplar
from pilotfish.router.fingerprints import fingerprint
from pilotfish.router.knn import KnnPolicy, load_knn
from pilotfish.router.load import load_policy
from pilotfish.router.neighbours import Voting, calibration, held_out_estimates
from pilotfish.router.policy import Policy, TrainedPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.policy_conformance import check_policy

SUMS = [f"add {n} apples and {m} apples together" for n in range(6) for m in range(2)]
PORTS = [f"who governs the harbour town number {n}" for n in range(12)]
EXEMPLARS = [
    *(Exemplar(text=text, kind="reasoning", route="sums") for text in SUMS),
    *(Exemplar(text=text, kind="knowledge", route="ports", lane="large") for text in PORTS),
]


def subtask(text: str) -> Subtask:
    return Subtask(id="s", text=text)


@pytest.fixture
def policy() -> KnnPolicy:
    return load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder(dimension=256), k=5)


def test_it_keeps_the_promises_of_a_policy(policy: KnnPolicy) -> None:
    check_policy(policy)
    assert isinstance(policy, Policy)


def test_a_subtask_is_treated_as_its_nearest_exemplars_are(policy: KnnPolicy) -> None:
    summed, governed = policy.decide(
        [subtask("add 7 apples and 9 apples"), subtask("who governs the harbour")]
    )
    assert (summed.kind, summed.lane) == ("reasoning", "local")
    assert (governed.kind, governed.lane) == ("knowledge", "large")
    assert governed.p_reasoning < 0.2 < 0.8 < summed.p_reasoning
    assert summed.large_gain is None


def test_the_reason_names_the_nearest_exemplar_and_its_similarity(policy: KnnPolicy) -> None:
    [decision] = policy.decide([subtask(SUMS[3])])
    assert f"{SUMS[3]!r} (similarity 1.00, route 'sums')" in decision.reason
    assert "5 of the 5 nearest are reasoning" in decision.reason
    [decision] = policy.decide([subtask("add " + "many " * 30)])
    assert len(decision.reason) < 160


def test_what_is_like_no_exemplar_is_less_certain(policy: KnnPolicy) -> None:
    near, far = policy.decide([subtask(SUMS[0]), subtask("zebra quilt violin")])
    assert far.confidence < near.confidence


def test_measured_gains_choose_the_lane_and_votes_the_kind() -> None:
    gains = [replace(e, large_gain=-0.4 if e.route == "ports" else 0.7) for e in EXEMPLARS]
    policy = load_knn(exemplars=gains, embedder=FakeEmbedder(dimension=256), k=5)
    check_policy(policy)
    summed, governed = policy.decide([subtask(SUMS[1]), subtask(PORTS[2])])
    assert (summed.kind, summed.lane) == ("reasoning", "large")
    assert (governed.kind, governed.lane) == ("knowledge", "local")
    assert summed.large_gain is not None
    assert governed.large_gain is not None
    assert governed.large_gain < 0.0 < summed.large_gain < 0.7, "drawn towards the mean"
    assert "worth +0." in summed.reason


def test_gains_on_some_exemplars_only_are_refused() -> None:
    with pytest.raises(UsageError, match="large_gain on all"):
        KnnPolicy([EXEMPLARS[0], replace(EXEMPLARS[1], large_gain=0.5)], FakeEmbedder())


def test_no_exemplars_are_refused() -> None:
    with pytest.raises(UsageError, match="needs exemplars"):
        load_knn(exemplars=[], embedder=FakeEmbedder())


@pytest.mark.parametrize("k", [0, 1.5, True, "many"])
def test_a_bad_k_is_named(k: object) -> None:
    with pytest.raises(UsageError, match=f"k {k!r}"):
        load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder(), k=k)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan"), "hot"])
def test_a_bad_temperature_is_named(temperature: object) -> None:
    with pytest.raises(UsageError, match="temperature"):
        load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder(), temperature=temperature)  # type: ignore[arg-type]


def test_it_knows_its_exemplars_and_embeds_them_once_and_only_when_needed() -> None:
    embedder = FakeEmbedder()
    policy = load_knn(exemplars=EXEMPLARS, embedder=embedder)
    assert isinstance(policy, TrainedPolicy)
    assert policy.trained_on == {fingerprint(exemplar.text) for exemplar in EXEMPLARS}
    assert not embedder.encoded
    policy.decide([subtask("a")])
    policy.decide([subtask("b")])
    assert sorted(embedder.encoded) == sorted([*SUMS, *PORTS, "a", "b"])


def test_the_version_tells_exemplars_settings_and_embedder_apart() -> None:
    versions = {
        load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder()).version,
        load_knn(exemplars=EXEMPLARS[:-1], embedder=FakeEmbedder()).version,
        load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder(), k=3).version,
        load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder(dimension=32)).version,
    }
    assert len(versions) == 4
    assert load_knn(exemplars=EXEMPLARS, embedder=FakeEmbedder()).version in versions


def test_by_name_with_the_users_own_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "routes: {a: {kind: reasoning, examples: [add two and two]}, b: {lane: large, examples: [who was she]}}"
    )
    policy = load_policy("knn", exemplars=str(file), embedder=FakeEmbedder(), k=1)
    assert [d.lane for d in policy.decide([subtask("add two and three"), subtask("who was he")])] == [
        "local",
        "large",
    ]


def test_without_the_embedders_weights_the_error_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(PilotfishError, match="models pull minilm-l6"):
        load_policy("knn", home=str(tmp_path))


def test_votes_draw_near_the_mean_when_only_one_neighbour_counts() -> None:
    voting = Voting(k=4, temperature=0.1, shrinkage=1.0)
    even, one = np.full(4, 0.25), np.array([1.0, 0.0, 0.0, 0.0])
    values = np.ones(4)
    assert voting.estimate(even, values, 0.0) == pytest.approx(0.8)
    assert voting.estimate(one, values, 0.0) == pytest.approx(0.5)


def test_a_row_left_out_has_no_say_in_its_own_estimate() -> None:
    vectors = FakeEmbedder(dimension=128).encode_query([*SUMS, *PORTS]).astype(np.float64)
    values = np.zeros(len(vectors))
    values[0] = 1.0
    [estimates] = held_out_estimates(vectors, values, [Voting(k=3, shrinkage=0.5)])
    assert estimates[0] == 0.0
    assert estimates[1:].max() > 0.0


def test_calibration_flattens_votes_that_mean_nothing() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    noise = (rng.random(200) < 0.5).astype(np.float64)
    meant = (vectors[:, 0] > 0).astype(np.float64)
    assert calibration(vectors, noise, Voting())[0] < 0.3
    assert calibration(vectors, meant, Voting())[0] > 0.7
