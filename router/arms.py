"""What a bandit knows: for each arm a Bayesian linear regression of reward on a vector, and its file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from .. import UsageError
from ..tracing.whole import write_whole
from .hashed import VERSION as HASHED
from .hashed import Floats, size

VERSION = f"1.{HASHED}"
"""Of the file: its form, and what the numbers of a vector mean."""
NOISE = 0.5
"""Standard deviation of a reward around its mean; at most 0.5 for a reward of 0 to 1."""
EXPECTED = 0.5
"""Mean reward of an arm that was never tried."""
_FIELDS = ("version", "arms", "buckets", "means", "covariances", "lessons", "seen")


class LinearArms:
    """Posterior of every arm's weights: `means` of shape (arms, size), `covariances` (arms, size, size) in units of
    the noise, `lessons` learned by each. The prior is standard normal in those units."""

    def __init__(self, names: Iterable[str], *, buckets: int) -> None:
        self.names = tuple(names)
        self.buckets = buckets
        width = size(buckets)
        self.means: Floats = np.zeros((len(self.names), width))
        self.covariances: Floats = np.repeat(np.eye(width)[None], len(self.names), axis=0)
        self.lessons = np.zeros(len(self.names), dtype=np.int64)
        self.seen: set[int] = set()
        """Fingerprints of the texts learned from."""
        self._digest: str | None = None

    def __repr__(self) -> str:
        told = ", ".join(f"{name}: {count}" for name, count in zip(self.names, self.lessons, strict=True))
        return f"LinearArms({told})"

    @property
    def digest(self) -> str:
        """Identity of the numbers, found once a lesson."""
        if self._digest is None:
            found = hashlib.sha256(repr((self.names, self.buckets, self.lessons.tolist())).encode())
            found.update(self.means.tobytes())
            found.update(self.covariances.tobytes())
            self._digest = found.hexdigest()
        return self._digest

    def renamed(self, arms: Mapping[str, str]) -> LinearArms:
        """What is known of some of the arms, under new names: new to old."""
        columns = [self.names.index(old) for old in arms.values()]
        found = LinearArms(arms, buckets=self.buckets)
        found.means, found.covariances = self.means[columns], self.covariances[columns]
        found.lessons, found.seen = self.lessons[columns], set(self.seen)
        return found

    def expect(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of every arm's expected reward on the vector `x`, shape (arms,) each."""
        spread = np.sqrt(np.maximum((self.covariances @ x) @ x, 0.0))
        return EXPECTED + self.means @ x, NOISE * spread

    def learn(self, arm: str, x: Floats, reward: float, *, fingerprint: int) -> None:
        """One rank-one update (Sherman and Morrison) of one arm; nothing is drawn."""
        at = self.names.index(arm)
        along = self.covariances[at] @ x
        gain = along / (1.0 + float(along @ x))
        self.means[at] += gain * (reward - EXPECTED - float(self.means[at] @ x))
        self.covariances[at] -= np.outer(gain, along)
        self.lessons[at] += 1
        self.seen.add(fingerprint)
        self._digest = None


def write_arms(arms: LinearArms, path: Path) -> None:
    """Writes the state as npz; whole or not at all."""
    data = io.BytesIO()
    np.savez(
        data,
        version=np.array(VERSION),
        arms=np.array(arms.names),
        buckets=np.array(arms.buckets),
        means=arms.means,
        covariances=arms.covariances,
        lessons=arms.lessons,
        seen=np.array(sorted(arms.seen), dtype=np.int64),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data.getvalue())


def read_arms(path: Path, names: Iterable[str], *, buckets: int) -> LinearArms:
    """The state at `path`. Raises `UsageError` where it is of other arms, size or version, or no such file at all."""
    remedy = "name another file with state=PATH, or move this one away to begin anew"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            found = {name: file[name] for name in _FIELDS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{str(path)!r} is no state of a bandit ({error}); {remedy}") from None
    arms = LinearArms(names, buckets=buckets)
    for what, has, needs in (
        ("version", str(found["version"]), VERSION),
        ("arms", tuple(map(str, found["arms"])), arms.names),
        ("buckets", int(found["buckets"]), buckets),
        (
            "shape",
            (*found["means"].shape, *found["covariances"].shape),
            (*arms.means.shape, *arms.covariances.shape),
        ),
    ):
        if has != needs:
            raise UsageError(
                f"the bandit's state {str(path)!r} has {what} {has!r}, and this one needs {needs!r}; {remedy}"
            )
    arms.means, arms.covariances = found["means"], found["covariances"]
    arms.lessons, arms.seen = found["lessons"], set(map(int, found["seen"]))
    return arms
