"""The `cascade` policy: local first, and on to the large model when the answer fails its check or is not sure enough.

How sure is enough comes from calibration: the small model's confidence, measured the same way in the log as when a
subtask is carried out, below which the large model answers. The kind is an inner policy's, so that knowledge still
goes to the retriever.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import UsageError
from .calibration import Calibration, read_calibration
from .lanes import lane_of
from .policy import Decision, Policy
from .subtask import Subtask
from .threshold import load_calibrated, try_out
from .wrapper import Wrapper, signed

NAME = "cascade"
VERSION = "1"
REMEDY = "pilotfish lab calibrate LOG --policy cascade --out FILE"


class Cascade(Wrapper):
    """The inner policy's kinds, never its large lane; the small model's answer stands from `min_confidence` on.

    With a `calibration` its threshold is the minimal confidence, and another inner policy or version than the
    calibrated one is refused. An agent asks for the confidence of reasoning in the local lane alone: what the
    retriever answers, and knowledge from the small model's memory, stands or falls by its sources, so that no
    calibration holds for it.
    """

    def __init__(
        self, policy: Policy, *, min_confidence: float | None = None, calibration: Calibration | None = None
    ) -> None:
        super().__init__(policy)
        if calibration is not None and calibration.measure != "confidence":
            raise UsageError(
                f"this calibration is of the {calibration.measure} of policy {calibration.policy!r}; use it with the "
                "policy 'threshold'"
            )
        if (min_confidence is None) == (calibration is None):
            raise UsageError(
                f"give the policy 'cascade' either a min_confidence or a calibration; make one with: {REMEDY}"
            )
        least = calibration.threshold if calibration is not None else min_confidence
        if least is None or not least >= 0.0:
            raise UsageError(
                f"min_confidence {least!r} is no confidence; give 0 to 1, or more to trust no answer"
            )
        self.calibration = calibration
        self.min_confidence = float(least)

    def __repr__(self) -> str:
        return f"Cascade({self.inner!r}, min_confidence={self.min_confidence:g})"

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """The inner kinds in their own lanes, with the confidence that is asked for."""
        if self.calibration is not None:
            for version in {inside(decision) for decision in decisions}:
                self.calibration.check(NAME, version)
        return [self._local_first(*pair) for pair in zip(subtasks, decisions, strict=True)]

    def _local_first(self, subtask: Subtask, decision: Decision) -> Decision:
        lane = lane_of(subtask, decision.kind)
        asked = f"local first, large where the answer's confidence is below {self.min_confidence:.4g}"
        return signed(
            decision,
            policy=NAME,
            version=f"{VERSION} at {self.min_confidence!r}",
            lane=lane,
            large_gain=None,
            model=None,
            expected_quality=None,
            expected_cost_usd=None,
            min_confidence=None if lane == "tool" else self.min_confidence,
            reason=f"{decision.reason}; {asked}",
        )


def load_cascade(
    *,
    policy: str | Policy | None = None,
    min_confidence: float | None = None,
    calibration: str | Path | Calibration | None = None,
) -> Cascade:
    """`cascade` around `policy` (`learned` unless named, or the one calibrated), with one of the two thresholds."""
    found = read_calibration(calibration) if isinstance(calibration, (str, Path)) else calibration
    made = Cascade(load_calibrated(policy, found), min_confidence=min_confidence, calibration=found)
    try_out(made)
    return made


def inside(decision: Decision) -> str:
    """The version a cascade's calibration is bound to: that of the policy inside, by its name."""
    return f"{decision.policy} {decision.version}"
