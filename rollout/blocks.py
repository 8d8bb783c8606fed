"""Who is compared with whom: pairs in shadow, and in the ramp one answer of the candidate with some of the baseline.

In the ramp a stratum's baseline answers are gathered into blocks of 1, 2, 4, 8 or 16, about as many as there are for
each of the candidate's, and every candidate's answer meets one block. Who meets whom depends on the order in which
the arms answer, never on how, so each comparison is fair by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .observation import Observation
from .scores import SLACK, TESTS, Scores, Usual, Yardsticks, scores

_LARGEST = 16
_READY, _WAITING, _OPEN = 8, 64, 4096
"""Most blocks, candidate's answers and half pairs that are kept waiting for their other side."""
_FORGET = 0.98
_LATENCIES = [index for index, (_, metric) in enumerate(TESTS) if metric == "latency_ms"]
"""Not compared in shadow: the second answer to a request waits behind, or profits from, the first."""
Gains = list[float | None]
"""One difference per test, above 0 where the candidate did better; None where one side could not be judged."""


class _Block:
    """Baseline answers that one of the candidate's is compared with, and the yardsticks from before them."""

    __slots__ = ("answers", "size", "usual")

    def __init__(self, size: int, usual: Yardsticks) -> None:
        self.size = size
        self.usual = usual
        self.answers: list[Observation] = []

    def against(self, candidate: Observation) -> Gains:
        """What the candidate's answer is better by than these on average, test by test."""
        own = scores(candidate, self.usual, slack=SLACK)
        sums = [0.0] * len(TESTS)
        judged = 0
        for answer in self.answers:  # scored only now: in small stages most blocks meet nobody
            found = scores(answer, self.usual, slack=1.0)
            judged += found[0] is not None
            sums = [total + (score or 0.0) for total, score in zip(sums, found, strict=True)]
        first = own[0]
        passed = None if first is None or not judged else sums[0] / judged - first
        rest = zip(sums[1:], own[1:], strict=True)
        return [passed, *(total / len(self.answers) - (score or 0.0) for total, score in rest)]


class _Stratum:
    """One stratum's blocks, and the candidate's answers that came before their block."""

    def __init__(self) -> None:
        self.usual = Usual()
        self._block = _Block(1, self.usual.now)
        self._ready: deque[_Block] = deque(maxlen=_READY)
        self._waiting: deque[Observation] = deque(maxlen=_WAITING)
        self._baselines = 0.0
        self._candidates = 0.0

    def add(self, observation: Observation) -> Gains | None:
        """Take in one answer; the comparison that it completes, if any."""
        if observation.arm == "candidate":
            self._candidates = _FORGET * self._candidates + 1
            self._baselines *= _FORGET
            self._waiting.append(observation)
        else:
            self._baselines += 1
            block = self._block
            block.answers.append(observation)
            self.usual.add(observation)
            if len(block.answers) == block.size:
                self._ready.append(block)
                self._block = _Block(self._size(), self.usual.now)
        if self._ready and self._waiting:
            return self._ready.popleft().against(self._waiting.popleft())
        return None

    def _size(self) -> int:
        """The next block's size: the power of two below the baseline's answers per answer of the candidate."""
        ratio = self._baselines / max(self._candidates, 1.0)
        return 1 << (min(max(int(ratio), 1), _LARGEST).bit_length() - 1)


class Comparisons:
    """Turns a stream of observations into comparisons."""

    def __init__(self) -> None:
        self._strata: dict[str, _Stratum] = {}
        self._open: dict[str, Observation] = {}
        self.pairs = 0
        """Complete pairs with both answers judged."""

    def add(self, observation: Observation) -> Gains | None:
        """Take in one observation; the comparison that it completes, if any."""
        stratum = self._strata.get(observation.stratum)
        if stratum is None:
            stratum = self._strata[observation.stratum] = _Stratum()
        return self._pair(observation, stratum) if observation.pair else stratum.add(observation)

    def _pair(self, observation: Observation, stratum: _Stratum) -> Gains | None:
        other = self._open.pop(observation.pair, None)
        if other is None or other.arm == observation.arm:
            # The first of its pair, or said twice; half pairs whose other half never comes are forgotten.
            self._open[observation.pair] = other or observation
            if len(self._open) > _OPEN:
                del self._open[next(iter(self._open))]
            return None
        candidate, baseline = (observation, other) if observation.arm == "candidate" else (other, observation)
        usual = stratum.usual.now
        gains = list(_gains(scores(candidate, usual, slack=SLACK), scores(baseline, usual, slack=1.0)))
        for index in _LATENCIES:
            gains[index] = None
        stratum.usual.add(baseline)
        self.pairs += gains[0] is not None
        return gains


def _gains(candidate: Scores, baseline: Scores) -> Iterator[float | None]:
    for own, other in zip(candidate, baseline, strict=True):
        yield None if own is None or other is None else other - own
