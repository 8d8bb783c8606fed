"""The `budgeted` policy: within a budget for the whole run, large calls go where the inner policy sees most gain.

The allotment is made once, on the plan as it was made: later subtasks count with their references not yet filled in.
It bounds the calls that are planned, by estimates; escalations and real spend are bounded by the agent's own `Budget`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from .. import UsageError
from ..models.calling import Calling
from ..models.catalogue import find_model
from .allotment import CallEstimate, LargeBudget, allot
from .lanes import lane_of
from .policy import Decision, LaneName, Policy, RunPolicy, large_score
from .subtask import Subtask
from .wrapper import Wrapper, signed

VERSION = "1"


class Budgeted(Wrapper):
    """`policy` within a budget. Decides on a whole plan: what it is handed at once is one run.

    Subtasks whose gain is not above `least_gain` get no call. The gain of an inner policy that only names the kind is
    the probability of knowledge, so that there the whole budget is handed out, the surest knowledge first.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        budget: LargeBudget,
        estimate: CallEstimate | None = None,
        least_gain: float = 0.0,
    ) -> None:
        super().__init__(policy)
        self.budget = budget
        self.estimate = estimate or CallEstimate()
        self.least_gain = least_gain
        self.estimate.check(budget)

    def __repr__(self) -> str:
        limits = ", ".join(f"{name}={limit:g}" for name, limit in self.budget.limits().items())
        return f"Budgeted({self.inner!r}, {limits})"

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> Policy:
        """The allotment of one run; asked for a subtask, it answers by its id."""
        inner = (
            self.inner.for_run(subtasks, calling=calling) if isinstance(self.inner, RunPolicy) else self.inner
        )
        return Allotted(self.around(inner), tuple(subtasks))

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """Decisions on these subtasks as one plan, in order."""
        if isinstance(self.inner, RunPolicy):
            inner = self.inner.for_run(subtasks, calling=Calling())
            return Wrapper.decide(self.around(inner), subtasks)
        return super().decide(subtasks)

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """The allotment over these subtasks; it does not depend on their order."""
        order = sorted(range(len(subtasks)), key=lambda i: (-large_score(decisions[i]), subtasks[i].id))
        free = [i for i in order if _is_free(subtasks[i])]
        worth = [i for i in free if large_score(decisions[i]) > self.least_gain]
        forced = [i for i in order if subtasks[i].lane == "large" and subtasks[i].tool is None]
        limits = self.budget.limits()
        costs = {i: self.estimate.of(subtasks[i].text, tuple(limits)) for i in (*worth, *forced)}
        reserved = np.sum([costs[i] for i in forced], axis=0) if forced else np.zeros(len(limits))
        given = allot(
            np.array([large_score(decisions[i]) - self.least_gain for i in worth], dtype=np.float64),
            np.array([costs[i] for i in worth], dtype=np.float64).reshape(len(worth), len(limits)),
            np.maximum(np.array(list(limits.values())) - reserved, 0.0),
        )
        chosen = [i for i, gets in zip(worth, given, strict=True) if gets]
        places = {i: place for place, i in enumerate(chosen, 1)}
        tally = _Tally(
            rank={i: place for place, i in enumerate(free, 1)}, chosen=places, forced=frozenset(forced)
        )
        why = [self._why(i, large_score(decisions[i]), tally, costs.get(i)) for i in range(len(subtasks))]
        return [
            _decided(subtasks[i], decisions[i], large=i in places, reason=why[i])
            for i in range(len(subtasks))
        ]

    def _why(self, index: int, gain: float, tally: _Tally, cost: list[float] | None) -> str:
        if index in tally.forced:
            return "the workflow insists on the large lane, which the budget has set aside for"
        if index not in tally.rank:
            return "not the budget's to decide: the workflow names its lane or tool"
        rank = f"gain {gain:.2f} ranks {_ordinal(tally.rank[index])} of {len(tally.rank)}"
        if index in tally.chosen:
            return f"allotted {tally.chosen[index]} of {len(tally.chosen)} large calls{self._takes(cost or [])}; {rank}"
        if cost is None:
            return f"no large call: {rank} and is not above {self.least_gain:g}"
        return f"no large call: {rank}, and with those allotted it would take more than {self._limits()}"

    def _takes(self, cost: list[float]) -> str:
        taken = zip(self.budget.limits(), cost, strict=True)
        told = [_amount(name, value) for name, value in taken if name != "large_calls"]
        return f" ({', '.join(told)})" if told else ""

    def _limits(self) -> str:
        return " or ".join(_amount(name, limit) for name, limit in self.budget.limits().items())


class Allotted:
    """The decisions of one run: made on the first question, for the whole plan."""

    def __init__(self, policy: Budgeted, plan: Sequence[Subtask]) -> None:
        self._policy = policy
        self._plan = plan
        self._decided: dict[str, Decision] | None = None
        self._asking: asyncio.Future[list[Decision]] | None = None

    def __repr__(self) -> str:
        return f"Allotted({self._policy!r}, {len(self._plan)} subtasks)"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, by its id; an awaitable of them where the inner policy gives one."""
        if self._decided is None and self._asking is None:
            found: list[Decision] | Awaitable[list[Decision]] = Wrapper.decide(self._policy, self._plan)
            if inspect.isawaitable(found):
                self._asking = asyncio.ensure_future(found)
            else:
                self._keep(found)
        if self._decided is None:
            return cast("list[Decision]", self._later(subtasks))
        return [self._of(subtask, self._decided) for subtask in subtasks]

    def _keep(self, decisions: Sequence[Decision]) -> dict[str, Decision]:
        self._decided = {subtask.id: found for subtask, found in zip(self._plan, decisions, strict=True)}
        return self._decided

    async def _later(self, subtasks: Sequence[Subtask]) -> list[Decision]:
        assert self._asking is not None  # noqa: S101 - set by the first question
        # Shielded: a cancelled subtask must not take the others' decisions with it.
        decided = self._keep(await asyncio.shield(self._asking))
        return [self._of(subtask, decided) for subtask in subtasks]

    def _of(self, subtask: Subtask, decided: dict[str, Decision]) -> Decision:
        if subtask.id not in decided:
            known = ", ".join(map(repr, decided)) or "none"
            raise UsageError(
                f"subtask {subtask.id!r} is not in the plan this budget was allotted to (it has: {known})"
            )
        return decided[subtask.id]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """By index of the subtask: how the free ones rank, which got a call, and which have one by the workflow's word."""

    rank: dict[int, int]
    chosen: dict[int, int]
    """Those that got one, to their place among them."""
    forced: frozenset[int]


def make_budgeted(
    policy: Policy,
    *,
    budget: LargeBudget,
    large: str | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    output_tokens: int = 400,
    seconds_per_call: float | None = None,
    least_gain: float = 0.0,
) -> Budgeted:
    """`policy` within `budget`, with prices as given or, of the model `large`, as the catalogue has them.

    A remote model without a price in the catalogue counts as unknown, not as free.
    """
    spec = None if large is None else find_model(large)
    if spec is not None and (spec.price_in or spec.price_out or spec.locality == "local"):
        price_in = spec.price_in if price_in is None else price_in
        price_out = spec.price_out if price_out is None else price_out
    estimate = CallEstimate(
        price_in=price_in, price_out=price_out, output_tokens=output_tokens, seconds=seconds_per_call
    )
    return Budgeted(policy, budget=budget, estimate=estimate, least_gain=least_gain)


def _is_free(subtask: Subtask) -> bool:
    return subtask.tool is None and subtask.lane is None


def _decided(subtask: Subtask, decision: Decision, *, large: bool, reason: str) -> Decision:
    lane: LaneName = decision.lane
    if subtask.tool is None:
        lane = "large" if large else lane_of(subtask, decision.kind) if lane == "large" else lane
    same = lane == decision.lane
    return signed(
        decision,
        policy="budgeted",
        version=VERSION,
        lane=lane,
        reason=f"{reason}; {decision.reason}",
        # Stated also where the inner policy names a kind only: what was not allotted is then not asked for either.
        large_gain=large_score(decision),
        model=decision.model if same else None,
        expected_quality=decision.expected_quality if same else None,
        expected_cost_usd=decision.expected_cost_usd if same else None,
    )


def _amount(name: str, value: float) -> str:
    if name == "usd":
        return f"${value:.2g}"
    unit = name if name != "large_calls" else "large call" if value == 1 else "large calls"
    return f"{value:g} {unit}"


def _ordinal(number: int) -> str:
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else last}"
