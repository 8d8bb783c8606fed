"""The `threshold` wrapper: large where the inner policy's score reaches a threshold, else the kind's own lane.

The threshold is given, or comes with its guarantee from a calibration file.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from .. import UsageError
from .calibration import Calibration, read_calibration
from .lanes import lane_of
from .load import load_inner, load_policy, policy_from
from .policy import Decision, LaneName, Policy, large_score
from .subtask import Subtask
from .wrapper import Wrapper, signed

VERSION = "1"
_PROBE = Subtask(id="probe", text="probe")


class Threshold(Wrapper):
    """`policy` cut at a threshold of its score, `large_score`. The score stays: it is the decision's `large_gain`.

    With a `calibration`, its threshold counts, decisions name its models, and an inner policy of another name or
    version is refused with `UsageError`.
    """

    def __init__(
        self, policy: Policy, threshold: float | None = None, calibration: Calibration | None = None
    ) -> None:
        super().__init__(policy)
        if (threshold is None) == (calibration is None):
            raise UsageError("give the policy 'threshold' either a threshold or a calibration")
        if calibration is not None and calibration.measure != "large_score":
            raise UsageError(
                f"this calibration is of the small model's {calibration.measure}; use it with the policy 'cascade'"
            )
        self.calibration = calibration
        self.threshold = calibration.threshold if calibration is not None else float(threshold or 0.0)

    def __repr__(self) -> str:
        return f"Threshold({self.inner!r}, {self.threshold:g})"

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """The inner decisions, with the lane that the threshold gives."""
        if self.calibration is not None:
            for name, version in {(decision.policy, decision.version) for decision in decisions}:
                self.calibration.check(name, version)
        return [self._cut(*pair) for pair in zip(subtasks, decisions, strict=True)]

    def _cut(self, subtask: Subtask, decision: Decision) -> Decision:
        score = large_score(decision)
        large = score >= self.threshold
        lane: LaneName = "large" if large and subtask.tool is None else lane_of(subtask, decision.kind)
        models = self.calibration
        model = None if models is None else models.large if large else models.small
        same = model is not None and model == decision.model
        sign = "reaches" if large else "is below"
        return signed(
            decision,
            policy="threshold",
            version=f"{VERSION} at {self.threshold!r}",
            lane=lane,
            large_gain=score,
            model=model,
            expected_quality=decision.expected_quality if same else None,
            expected_cost_usd=decision.expected_cost_usd if same else None,
            reason=f"{decision.reason}; its score {score:.4g} {sign} the threshold {self.threshold:.4g}",
        )


def load_threshold(
    *,
    policy: str | Policy | None = None,
    threshold: float | None = None,
    calibration: str | Path | Calibration | None = None,
) -> Threshold:
    """The policy cut at `threshold`, or at that of a calibration file, which also names the policy it is of.

    Raises `UsageError` with the remedy where the file is of another policy or version.
    """
    found = read_calibration(calibration) if isinstance(calibration, (str, Path)) else calibration
    wrapped = Threshold(load_calibrated(policy, found), threshold, found)
    try_out(wrapped)
    return wrapped


def load_calibrated(policy: str | Policy | None, calibration: Calibration | None) -> Policy:
    """The policy named, else the one that the calibration is of; `learned` where there is neither."""
    if policy is not None:
        return load_inner(policy)
    if calibration is None:
        return load_policy("learned")
    if calibration.spec is None:
        raise UsageError(
            f"the calibration is of a policy {calibration.version!r} that was fitted in memory; give it as policy, "
            "with its trained weights"
        )
    return policy_from(calibration.spec)


def try_out(policy: Wrapper) -> None:
    """Lets a wrapper see one decision of what it wraps, so that a wrong version is refused when it is loaded; not
    where that would call a model."""
    found = policy.inner.decide([_PROBE])
    if inspect.iscoroutine(found):
        found.close()
    else:
        policy.revise([_PROBE], found)
