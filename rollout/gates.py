"""What is proof enough to go on, and to go back: the three gates of a canary.

One object takes in every observation of a canary, in constant time and memory, and is asked at any time whether to
hold, to advance, to roll back or to end for want of proof. It knows the plan and the observations, no clock and no
ledger, so the simulation and the live canary run the very same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .blocks import Comparisons
from .observation import Observation
from .plan import RolloutPlan
from .scores import TESTS
from .sequential import DifferenceSequence, ErrorGuard

Action = Literal["hold", "advance", "roll_back", "expire"]
GUARD_SHARE, FIRST_SHARE = 0.2, 0.5
"""Of alpha, a fifth is the error guard's, half the first metric's; the other metrics share the rest evenly."""
_TIMED = ("offline", "shadow", "ramp", "baking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at the gates says."""

    action: Action
    """`expire`: the stage's time is over without proof. The canary ends and everybody goes back to the baseline."""
    reasons: tuple[str, ...]
    """Why, for people; for `hold`, what is missing."""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What it rests on; empty for `hold`, where `Gates.evidence()` tells it when asked."""


class Gates:
    """The error guard, the always-valid tests and the minimum counts of one canary."""

    def __init__(self, plan: RolloutPlan) -> None:
        self._plan = plan
        self._guard = ErrorGuard(limit=plan.error_limit, alpha=GUARD_SHARE * plan.alpha)
        self._weights = shares(plan)
        self._sequences = {index: DifferenceSequence(alpha=plan.alpha) for index in self._weights}
        self._bets = list(self._sequences.items())
        # What pairs in shadow show is no proof of what users get: live comparisons alone promote.
        self._live = DifferenceSequence(alpha=plan.alpha)
        self._comparisons = Comparisons()
        self._judged = self._compared = 0
        self._stage = ""
        self._before = (0, 0, 0)

    def add(self, observation: Observation) -> None:
        """Take in one observation, in the order in which they ended."""
        if observation.arm == "candidate":
            self._guard.add(observation.error)
            live = not observation.pair  # a shadow that ends in the ramp is no request of the ramp
            self._judged += live and (observation.passed is not None or observation.error)
        gains = self._comparisons.add(observation)
        if gains is not None:
            if not observation.pair and gains[0] is not None:
                self._compared += 1
                self._live.add(gains[0])
            for index, sequence in self._bets:
                gain = gains[index]
                if gain is not None:
                    sequence.add(gain)

    def enter(self, stage: str) -> None:
        """Begin to count for `stage`. Evidence is carried on from the stages before, counts are not.

        `look` does it on a stage that it has not seen last; who rebuilds the gates from a record calls it where a
        transition stands among the observations.
        """
        self._stage = stage
        self._before = (self._judged, self._compared, self._comparisons.pairs)

    def look(self, stage: str, *, hours: float) -> Look:
        """What to do in `stage` (`shadow`, `ramp 0.05`, …), which has lasted `hours`. Looking costs no validity."""
        state = stage.split(" ")[0]
        if stage != self._stage and state in _TIMED:  # a pause starts no count anew
            self.enter(stage)
        harm = self._harm()
        if harm:
            return Look(action="roll_back", reasons=harm, evidence=self.evidence())
        if state not in _TIMED:
            return Look(action="hold", reasons=(f"nothing is measured in {state!r}",))
        missing = self._missing(stage)
        if not missing:
            return Look(action="advance", reasons=(self._proof(stage),), evidence=self.evidence())
        if hours >= self._plan.max_hours:
            over = f"{stage} lasted {hours:.4g} of at most {self._plan.max_hours:.4g} hours without"
            return Look(
                action="expire", reasons=tuple(f"{over} {each}" for each in missing), evidence=self.evidence()
            )
        return Look(action="hold", reasons=tuple(f"waiting for {each}" for each in missing))

    def evidence(self) -> dict[str, Any]:
        """Everything the gates know, as JSON."""
        judged, compared, pairs = self._in_stage()
        return {
            "stage": self._stage,
            "requests_in_stage": judged,
            "compared_in_stage": compared,
            "pairs_in_stage": pairs,
            "e_value": self._merged(),
            "needed": self._needed,
            "error_guard": {
                "errors": self._guard.errors,
                "calls": self._guard.calls,
                "limit": self._plan.error_limit,
                "e_value": self._guard.evidence,
                "needed": 1 / (GUARD_SHARE * self._plan.alpha),
            },
            "tests": [self._told(index) for index in self._sequences],
            "live_pass_rate": {
                "comparisons": self._live.count,
                "gain": self._live.mean,
                "low": self._live.low,
                "needed": -self._plan.margin,
            },
        }

    @property
    def _needed(self) -> float:
        return 1 / ((1 - GUARD_SHARE) * self._plan.alpha)

    def _told(self, index: int) -> dict[str, Any]:
        """One test; a difference is candidate less baseline, above 0 where the candidate is better."""
        sequence = self._sequences[index]
        return {
            "name": TESTS[index][0],
            "comparisons": sequence.count,
            "gain": sequence.mean,
            "low": sequence.low,
            "high": sequence.high,
            "e_value": sequence.evidence,
            "weight": self._weights[index],
        }

    def _merged(self) -> float:
        """One e-value over all tests: a weighted mean of e-values is one, however they depend on each other."""
        return sum(weight * self._sequences[index].evidence for index, weight in self._weights.items())

    def _harm(self) -> tuple[str, ...]:
        """Why the candidate must go back; empty when nothing is shown."""
        guard = self._guard
        if guard.fired:
            return (
                f"{guard.errors} errors in {guard.calls} calls: shown to be above the limit of "
                f"{self._plan.error_limit:.3g}",
            )
        if self._merged() < self._needed:
            return ()
        parts = {index: weight * self._sequences[index].evidence for index, weight in self._weights.items()}
        shown = sorted(parts, key=parts.__getitem__, reverse=True)
        alone = [index for index in shown if parts[index] >= self._needed]
        return tuple(self._worse(index) for index in alone or shown[:1])

    def _worse(self, index: int) -> str:
        sequence = self._sequences[index]
        return (
            f"{TESTS[index][0]} is worse than the baseline's: by {-100 * sequence.mean:.1f} points in "
            f"{sequence.count} comparisons (e-value {sequence.evidence:.3g})"
        )

    def _in_stage(self) -> tuple[int, int, int]:
        """In this stage: the candidate's judged answers, those whose verdicts were compared, and judged pairs."""
        judged, compared, pairs = self._before
        return self._judged - judged, self._compared - compared, self._comparisons.pairs - pairs

    def _missing(self, stage: str) -> tuple[str, ...]:
        """What is still wanted before the stage may end well; empty when nothing is."""
        plan, (judged, compared, pairs) = self._plan, self._in_stage()
        if stage == "offline":
            return () if pairs else ("a single pair that both arms' answers were judged in",)
        if stage == "shadow":
            needs = [(pairs, max(plan.shadow_pairs, 1), "pairs with both answers judged")]
        else:
            least = plan.bake_requests if stage.startswith("baking") else plan.min_requests
            needs = [(judged, max(least, 1), "judged answers of the candidate")]
            # A quarter: some wait for their block, but where the baseline is hardly ever judged nothing is shown.
            needs.append((compared, (least + 3) // 4, "of them compared with the baseline's"))
        missing = [
            f"{wanted} {what} (so far {counted})" for counted, wanted, what in needs if counted < wanted
        ]
        if self._is_last(stage):
            if not self._live.above(-plan.margin):
                missing.append(
                    f"proof in live requests that the pass rate is less than {100 * plan.margin:.3g} points worse"
                )
        elif self._sequences[0].mean < -plan.margin:
            missing.append(f"a pass rate that does not look {100 * plan.margin:.3g} points worse")
        return tuple(missing)

    def _is_last(self, stage: str) -> bool:
        """Whether promotion comes next."""
        if self._plan.bake_requests:
            return stage.startswith("baking")
        return stage == f"ramp {self._plan.ramp[-1]:.4g}"

    def _proof(self, stage: str) -> str:
        judged, _, pairs = self._in_stage()
        if self._is_last(stage):
            low = 100 * self._live.low
            return f"live pass rate at least {low:+.1f} points from the baseline's, no metric shown worse"
        counted = f"{judged} judged answers" if stage.startswith("ramp") else f"{pairs} judged pairs"
        return f"{counted} of the candidate, no metric shown worse"


def shares(plan: RolloutPlan) -> dict[int, float]:
    """The part of the relative tests' alpha that each test gets, by its index in `TESTS`; they sum to 1."""
    relative = 1 - GUARD_SHARE
    first = FIRST_SHARE / relative if len(plan.metrics) > 1 else 1.0
    weights: dict[int, float] = {}
    for metric in plan.metrics:
        tests = [index for index, (_, of) in enumerate(TESTS) if of == metric]
        whole = first if metric == "passed" else (1 - first) / (len(plan.metrics) - 1)
        weights.update(dict.fromkeys(tests, whole / len(tests)))
    return weights
