"""What every router policy must keep, as one check to call from a test of your own policy."""

from __future__ import annotations

from collections.abc import Sequence

from ..router.deciding import decide_now
from ..router.policy import Decision, Policy
from ..router.subtask import Subtask
from .promises import require

SUBTASKS: tuple[Subtask, ...] = (
    Subtask(id="s1", text="What is the draft limit of the Suez Canal?"),
    Subtask(id="s2", text="Is #s1 greater than 14.5 m?", depends_on=("s1",)),
    Subtask(id="s3", text="Compute the distance", tool="distance", arguments={"origin": "Oslo"}),
    Subtask(id="s4", text=""),
    Subtask(id="s5", text="Größe? 12 % – naïve, 東京 🚢\n" * 400),
    Subtask(id="s6", text="Which is lighter?\nA. 3 kg\nB. 5 kg"),
)
"""A step, a step on an upstream answer, a tool call, an empty text, a very long one, a multiple choice."""


def check_policy(policy: Policy, subtasks: Sequence[Subtask] = SUBTASKS) -> None:
    """Raises `AssertionError` naming the first promise of the `Policy` seam that `policy` breaks."""
    require(callable(getattr(policy, "decide", None)), f"{policy!r} has no method decide(subtasks)")
    require(decide_now(policy, []) == [], "no subtasks must give no decisions")
    batch = decide_now(policy, subtasks)
    require(len(batch) == len(subtasks), f"{len(subtasks)} subtasks gave {len(batch)} decisions")
    require(decide_now(policy, subtasks) == batch, "the same subtasks gave other decisions the second time")
    singles = [decision for subtask in subtasks for decision in decide_now(policy, [subtask])]
    require(singles == batch, "deciding one by one differs from deciding in a batch")
    backwards = decide_now(policy, list(reversed(subtasks)))
    require(backwards[::-1] == batch, "a decision depends on the order of its batch")
    for subtask, decision in zip(subtasks, batch, strict=True):
        _check_decision(subtask, decision)


def _check_decision(subtask: Subtask, decision: Decision) -> None:
    of = f"decision on subtask {subtask.id!r}"
    require(decision.kind in ("reasoning", "knowledge"), f"{of}: unknown kind {decision.kind!r}")
    require(decision.lane in ("local", "retrieval", "large", "tool"), f"{of}: unknown lane {decision.lane!r}")
    require((decision.lane == "tool") == (subtask.tool is not None), f"{of}: the tool lane goes with a tool")
    require(0.0 <= decision.p_reasoning <= 1.0, f"{of}: p_reasoning {decision.p_reasoning!r} is not in 0..1")
    require(0.0 <= decision.confidence <= 1.0, f"{of}: confidence {decision.confidence!r} is not in 0..1")
    require(bool(decision.reason.strip()), f"{of}: no reason is given")
    require(bool(decision.policy) and bool(decision.version), f"{of}: policy name or version is missing")
