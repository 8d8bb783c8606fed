"""Agreement: drawing a few answers, stopping as soon as more would change nothing, and the verdict on the votes.

Below its competence a model agrees with itself and is wrong, so a pass here asks for more than a majority and ranks
behind every check that computes something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import comb

from ..router.subtask import Subtask
from .attempt import Attempt, Verdict
from .equivalence import equivalent, groups
from .verifier import unknown

PASSING_SHARE = 0.8
"""Three of three or four of five. A coin-tossing model wins three of five always, and this 44 times in 100."""
CERTAIN = 0.9
"""Posterior at which drawing stops; three of three gives 0.9375, two of two 0.875."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What a few samples of one answer came to."""

    answer: str | None
    """The first drawn of the largest group; `None` when no draw gave an answer."""
    share: float
    """Its group's share of all draws, those without an answer included; 0 to 1."""
    drawn: int
    """How many were drawn."""
    samples: tuple[str, ...]
    """The answers drawn, in order of the draws; a draw without an answer has none."""


async def vote(
    draw: Callable[[int], Awaitable[str | None]],
    *,
    k: int = 5,
    enough: int = 3,
    certain: float = CERTAIN,
    share: float = PASSING_SHARE,
) -> Vote:
    """Draws samples 0, 1, … until the vote is settled, `k` at most. `draw(i)` gives an answer, or `None`.

    The first two are drawn together, the others one at a time. After `enough` draws it stops when the leader's
    posterior probability of being the majority answer reaches `certain` (the Beta rule of Adaptive-Consistency,
    Aggarwal et al. 2023, arXiv 2305.11860, section 3.2), or when no further draw could change the winner or lift it
    to `share`.
    """
    drawn: list[str | None] = []
    while len(drawn) < k and not _settled(drawn, k=k, enough=enough, certain=certain, share=share):
        batch = range(len(drawn), min(len(drawn) + 1 if drawn else 2, k))
        drawn += await _together(draw, batch)
    return _count(drawn)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Passes an answer that a large enough share of the attempt's samples agrees with."""

    share: float = PASSING_SHARE
    enough: int = 3
    """Fewer samples cannot pass."""
    name: str = "agreement"

    def check(self, _subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """Fail with the reason `low_agreement` when too few samples say what the kept answer says."""
        drawn = len(attempt.samples)
        if drawn < 2:
            return unknown(self.name, "fewer than two samples were drawn")
        agreeing = sum(
            bool(sample.strip()) and equivalent(sample, attempt.text) for sample in attempt.samples
        )
        found = f"{agreeing} of {drawn} samples agree"
        if agreeing / drawn < self.share:
            return Verdict(status="fail", reason=found, checked=self.name, escalation="low_agreement")
        if drawn < self.enough:
            return unknown(self.name, f"{found}; {self.enough} are needed to pass")
        return Verdict(status="pass", reason=found, checked=self.name)


def majority_posterior(first: int, second: int) -> float:
    """Probability that the leading answer is the more frequent of the two leading ones, from their counts.

    One minus the Beta(first + 1, second + 1) distribution function at one half, under a uniform prior.
    """
    n = first + second + 1
    return 1 - sum(comb(n, j) for j in range(first + 1, n + 1)) / 2**n


async def _together(draw: Callable[[int], Awaitable[str | None]], indices: range) -> list[str | None]:
    async def one(index: int) -> str | None:
        answer = await draw(index)
        return answer if answer and answer.strip() else None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(index)) for index in indices]
    return [task.result() for task in tasks]


def _settled(drawn: list[str | None], *, k: int, enough: int, certain: float, share: float) -> bool:
    if len(drawn) < enough:
        return False
    sizes = sorted((len(group) for group in groups([a for a in drawn if a is not None])), reverse=True)
    first, second = [*sizes, 0, 0][:2]
    left = k - len(drawn)
    if first and majority_posterior(first, second) >= certain:
        return True
    return first > second + left and (first + left) / k < share


def _count(drawn: list[str | None]) -> Vote:
    samples = tuple(answer for answer in drawn if answer is not None)
    if not samples:
        return Vote(answer=None, share=0.0, drawn=len(drawn), samples=())
    winner = max(groups(samples), key=len)
    return Vote(answer=samples[winner[0]], share=len(winner) / len(drawn), drawn=len(drawn), samples=samples)
