"""The `bandit` policy: learns online which lane, or model, is worth its price on a subtask, from verdicts and feedback.

Linear Thompson sampling (Agrawal and Goyal, ICML 2013): for each arm the reward is drawn from its posterior, and the
arm with the best draw less its price is taken; with a fixed probability any arm is, so that none is ever given up. The
draws come from a hash of seed, lessons so far, id and text: between lessons the same subtask gets the same decision.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from filelock import FileLock

from .. import UsageError
from .arms import Floats, LinearArms, read_arms, write_arms
from .fingerprints import fingerprint
from .hashed import vector
from .policy import Decision, LaneName, Policy
from .subtask import Subtask
from .wrapper import Wrapper, signed

VERSION = "2"
LANES: tuple[LaneName, ...] = ("local", "large")
BUCKETS = 64
SPREAD = 0.3
"""Share of the posterior's standard deviation that is sampled; the whole of it explores for too long in practice."""
_LANES: Mapping[str, LaneName] = {"local": "local", "retrieval": "retrieval", "large": "large"}
_NORMAL = NormalDist()
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """What there is to choose from."""

    names: tuple[str, ...]
    """Lanes, or models by their name in an outcome table."""
    prices: Mapping[str, float]
    """Price of one use, in any unit that `tradeoff` fits; an arm that is not named is free."""
    small: str
    large: str
    """The two between which `Decision.large_gain` is told."""

    def __post_init__(self) -> None:
        if len(set(self.names)) < 2 or len(set(self.names)) < len(self.names):
            raise UsageError(
                f"a bandit chooses among two arms or more, each named once; it was given {self.names!r}"
            )
        unknown = [name for name in (*self.prices, self.small, self.large) if name not in self.names]
        if unknown:
            raise UsageError(f"{unknown[0]!r} is none of the bandit's arms: {', '.join(self.names)}")

    def lane(self, name: str) -> LaneName:
        """The lane an arm stands for; of a model, `local` if it is the small one."""
        return _LANES.get(name, "local" if name == self.small else "large")


class BanditPolicy(Wrapper):
    """Chooses among `arms`; the kind, with its probability, is the inner policy's, and tools keep their subtasks.

    `tradeoff` is the reward given up to save a price of 1; `exploration` the floor, the probability with which an arm
    is drawn evenly from all; `spread` scales the sampled deviation (0: greedy but for the floor). With `state`, every
    lesson is saved there before `learn` returns, and several processes may learn into the same file.
    """

    def __init__(
        self,
        inner: Policy,
        *,
        arms: Arms,
        tradeoff: float = 0.1,
        exploration: float = 0.05,
        spread: float = SPREAD,
        seed: int = 0,
        buckets: int = BUCKETS,
        state: Path | None = None,
    ) -> None:
        super().__init__(inner)
        if not 0.0 <= exploration <= 1.0:
            raise UsageError(f"exploration {exploration!r} is not between 0 and 1")
        if not (tradeoff >= 0.0 and spread >= 0.0):
            raise UsageError(f"tradeoff {tradeoff!r} and spread {spread!r} must be 0 or more")
        self.arms = arms
        self._prices = tradeoff * np.array([arms.prices.get(name, 0.0) for name in arms.names])
        self._exploration, self._spread, self._seed = exploration, spread, seed
        self._buckets, self._state = buckets, state
        prices = sorted(arms.prices.items())
        self._settings = repr((arms.small, arms.large, prices, tradeoff, exploration, spread, seed))
        self._known = LinearArms(arms.names, buckets=buckets)
        self._read: tuple[int, ...] | None = None
        self._lock = threading.Lock()  # lessons come from a thread of their own
        self._restore()

    def __repr__(self) -> str:
        state = f", state={str(self._state)!r}" if self._state else ""
        return f"BanditPolicy({self.inner!r}, {self._known!r}{state})"

    @property
    def known(self) -> LinearArms:
        """What it has learned so far; to be read only."""
        return self._known

    @property
    def version(self) -> str:
        """Of its decisions: another one after every lesson, and for every other setting."""
        found = hashlib.sha256(f"{self._settings}\x1f{self._known.digest}".encode())
        return f"{VERSION}-{found.hexdigest()[:8]}"

    @property
    def trained_on(self) -> frozenset[int]:
        """Fingerprints of the texts learned from, with those of the inner policy."""
        with self._lock:
            seen = frozenset(self._known.seen)
        return seen | frozenset(super().trained_on or ())

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """One decision per subtask, in order; nothing is learned here."""
        with self._lock:
            return [
                self._one(subtask, decision) for subtask, decision in zip(subtasks, decisions, strict=True)
            ]

    def learn(self, subtask: Subtask, decision: Decision, /, *, reward: float) -> None:
        """One lesson about the arm that was decided; a decision for none of the arms teaches nothing.

        Raises `UsageError` for a reward outside 0 to 1, and for a state that another version has written meanwhile.
        """
        if not 0.0 <= reward <= 1.0:
            raise UsageError(f"reward {reward!r} is not between 0 and 1")
        arm = decision.model if decision.model in self.arms.names else decision.lane
        if arm not in self.arms.names or subtask.tool is not None:
            return
        x = vector(subtask.text, p_reasoning=decision.p_reasoning, buckets=self._buckets)
        lesson = fingerprint(subtask.text)
        if self._state is None:
            with self._lock:
                self._known.learn(arm, x, reward, fingerprint=lesson)
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._state}.lock"), self._lock:
            self._restore()  # what other processes learned meanwhile is kept
            self._known.learn(arm, x, reward, fingerprint=lesson)
            write_arms(self._known, self._state)
            self._read = _identity(self._state)

    def _one(self, subtask: Subtask, decision: Decision) -> Decision:
        if subtask.tool is not None:
            return signed(decision, policy="bandit", version=self.version)
        names = self.arms.names
        x = vector(subtask.text, p_reasoning=decision.p_reasoning, buckets=self._buckets)
        means, deviations = self._known.expect(x)
        worth, sampled = means - self._prices, self._spread * deviations
        draws = self._draws(subtask, 2 * len(names) + 1)
        explores = draws[-1] < self._exploration
        if explores:
            chosen = int(np.argmax(draws[len(names) : -1]))
        else:
            normal = np.array([_NORMAL.inv_cdf(draw) for draw in draws[: len(names)]])
            chosen = int(np.argmax(worth + sampled * normal))
        propensity = self._exploration / len(names)
        propensity += (1.0 - self._exploration) * _wins(chosen, worth, sampled)
        gain = worth[names.index(self.arms.large)] - worth[names.index(self.arms.small)]
        how = "explored" if explores else "chosen"
        told = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, worth, strict=True))
        is_lane = names[chosen] in _LANES
        return signed(
            decision,
            policy="bandit",
            version=self.version,
            lane=self.arms.lane(names[chosen]),
            reason=f"{names[chosen]} {how} with propensity {propensity:.4f} after {self._known.lessons.sum()} lessons; "
            f"expected reward less price: {told}",
            large_gain=float(np.clip(gain, -1.0, 1.0)),
            model=None if is_lane else names[chosen],
            expected_quality=float(np.clip(means[chosen], 0.0, 1.0)),
            expected_cost_usd=None,
        )

    def _draws(self, subtask: Subtask, count: int) -> list[float]:
        """Uniform in (0, 1), by seed, what was learned, and the subtask."""
        key = f"{self._seed}\x1f{self._known.lessons.tolist()}\x1f{subtask.id}\x1f{subtask.text}"
        drawn = hashlib.shake_256(key.encode("utf-8", "surrogatepass")).digest(7 * count)
        return [(int.from_bytes(drawn[at : at + 7]) + 0.5) / 2**56 for at in range(0, 7 * count, 7)]

    def _restore(self) -> None:
        """The state on disk, where it is there and not what was read or written last."""
        if self._state is None or not self._state.exists():
            return
        identity = _identity(self._state)
        if identity != self._read:
            self._known = read_arms(self._state, self.arms.names, buckets=self._buckets)
            self._read = identity


def make_bandit(
    inner: Policy,
    *,
    state: str | Path | None = None,
    arms: str | Sequence[str] = LANES,
    prices: Mapping[str, float] | None = None,
    exploration: float = 0.05,
    tradeoff: float = 0.1,
    seed: int = 0,
) -> BanditPolicy:
    """A bandit among lanes; a use of the large lane costs 1 and any other nothing, unless `prices` says otherwise."""
    names = tuple(name.strip() for name in arms.split(";")) if isinstance(arms, str) else tuple(arms)
    wrong = [name for name in names if name not in _LANES]
    if wrong:
        raise UsageError(f"the bandit's arm {wrong[0]!r} is no lane; there are: {', '.join(_LANES)}")
    chosen = Arms(
        names=names,
        prices=prices if prices is not None else {"large": 1.0} if "large" in names else {},
        small=names[0],
        large="large" if "large" in names else names[-1],
    )
    path = None if state is None else Path(state)
    return BanditPolicy(inner, arms=chosen, exploration=exploration, tradeoff=tradeoff, seed=seed, state=path)


def _wins(arm: int, means: Floats, deviations: Floats) -> float:
    """Probability that one of several independent normal draws is the largest; ties of certain ones go to the first."""
    others = [other for other in range(len(means)) if other != arm]
    if deviations[arm] == 0.0:
        points, weights = np.array([means[arm]]), np.array([1.0])
    elif len(others) == 1:
        (other,) = others
        return _NORMAL.cdf((means[arm] - means[other]) / math.hypot(deviations[arm], deviations[other]))
    else:
        points, weights = means[arm] + deviations[arm] * _NODES, _WEIGHTS / _WEIGHTS.sum()
    below = np.ones(len(points))
    for other in others:
        if deviations[other] == 0.0:
            below *= points >= means[other] if arm < other else points > means[other]
        else:
            below *= [_NORMAL.cdf((point - means[other]) / deviations[other]) for point in points]
    return float(weights @ below)


def _identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
