from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.router.arms import EXPECTED, NOISE, LinearArms, read_arms, write_arms
from pilotfish.router.hashed import size


def taught(seed: int = 0, lessons: int = 40) -> tuple[LinearArms, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    arms = LinearArms(["a", "b"], buckets=4)
    xs, rewards = random.normal(size=(lessons, size(4))), random.uniform(size=lessons)
    for number, (x, reward) in enumerate(zip(xs, rewards, strict=True)):
        arms.learn("b", x, float(reward), fingerprint=number)
    return arms, xs, rewards


def test_lessons_one_by_one_come_to_the_regression_on_all_of_them() -> None:
    arms, xs, rewards = taught()
    precision = xs.T @ xs + np.eye(size(4))
    assert np.allclose(arms.means[1], np.linalg.solve(precision, xs.T @ (rewards - EXPECTED)))
    assert np.allclose(arms.covariances[1], np.linalg.inv(precision))
    x = xs[0]
    means, deviations = arms.expect(x)
    assert means[1] == pytest.approx(EXPECTED + x @ arms.means[1])
    assert deviations[1] == pytest.approx(NOISE * np.sqrt(x @ np.linalg.inv(precision) @ x))
    assert means[0] == EXPECTED, "what was never tried is as it was"
    assert deviations[0] > deviations[1]


def test_a_state_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    arms, _, _ = taught()
    write_arms(arms, tmp_path / "new" / "bandit.npz")
    back = read_arms(tmp_path / "new" / "bandit.npz", ["a", "b"], buckets=4)
    assert np.array_equal(back.means, arms.means)
    assert np.array_equal(back.covariances, arms.covariances)
    assert (back.lessons.tolist(), back.seen) == ([0, 40], set(range(40)))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bandit.npz"]


def test_a_state_that_does_not_fit_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "bandit.npz"
    write_arms(taught()[0], path)
    with pytest.raises(
        UsageError, match=r"has arms \('a', 'b'\), and this one needs \('a', 'c'\); name another file"
    ):
        read_arms(path, ["a", "c"], buckets=4)
    with pytest.raises(UsageError, match=r"has buckets 4, and this one needs 8; .* move this one away"):
        read_arms(path, ["a", "b"], buckets=8)


def test_a_state_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bandit.npz"
    write_arms(taught()[0], path)
    monkeypatch.setattr("pilotfish.router.arms.VERSION", "9.9")
    with pytest.raises(UsageError, match=r"has version '1\.1', and this one needs '9\.9'"):
        read_arms(path, ["a", "b"], buckets=4)


@pytest.mark.parametrize("damage", ["cut", "other", "missing"])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "bandit.npz"
    write_arms(taught()[0], path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "other":
        path.write_text("not numbers")
    else:
        np.savez(path, means=np.zeros(3))
    with pytest.raises(UsageError, match="is no state of a bandit"):
        read_arms(path, ["a", "b"], buckets=4)
