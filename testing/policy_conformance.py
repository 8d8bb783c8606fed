"""What every router policy must keep, as checks to call from a test of your own policy.

`check_policy` is for policies that decide on each subtask by itself, `check_run_policy` for those that look at a whole
run, `check_learning_policy` for those that learn. A `decide` that returns an awaitable is awaited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from ..models.calling import Calling
from ..router.deciding import decide_now
from ..router.policy import Decision, LearningPolicy, Policy, RunPolicy
from ..router.subtask import Subtask
from ..tracing.call import Call
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
_REWARDS = (1.0, 0.0, 0.5)


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
        check_decision(subtask, decision)


def check_run_policy(policy: RunPolicy, subtasks: Sequence[Subtask] = SUBTASKS) -> None:
    """Raises `AssertionError` naming the first promise of the `RunPolicy` seam that `policy` breaks.

    For each run it gives a policy that keeps what `check_policy` asks; the same plan gives the same decisions, in
    whatever order it is told. `subtasks` is the plan.
    """
    require(
        callable(getattr(policy, "for_run", None)), f"{policy!r} has no method for_run(subtasks, calling=…)"
    )
    made: list[Call] = []
    calling = Calling(record=made.append)
    run = policy.for_run(subtasks, calling=calling)
    check_policy(run, subtasks)
    batch = decide_now(run, subtasks)
    again = policy.for_run(subtasks, calling=calling)
    require(decide_now(again, subtasks) == batch, "the same plan gave other decisions the second time")
    turned = policy.for_run(list(reversed(subtasks)), calling=calling)
    require(decide_now(turned, subtasks) == batch, "a decision depends on the order of the plan")
    require(decide_now(policy.for_run([], calling=calling), []) == [], "an empty plan must give no decisions")


def check_learning_policy(
    make: Callable[[Path], Policy], folder: Path, subtasks: Sequence[Subtask] = SUBTASKS
) -> None:
    """Raises `AssertionError` naming the first promise of the `LearningPolicy` seam that is broken.

    `make(path)` gives the policy whose state is kept at `path`, in the empty `folder`. Between lessons it keeps what
    `check_policy` asks; the same lessons give the same decisions; made again, it is what it was.
    """
    one, two = make(folder / "one.state"), make(folder / "two.state")
    require(isinstance(one, LearningPolicy), f"{one!r} has no method learn(subtask, decision, reward=…)")
    check_policy(one, subtasks)
    require(decide_now(two, subtasks) == decide_now(one, subtasks), "untaught, two of them differ")
    for policy in (one, two):
        _teach(policy, subtasks)
    check_policy(one, subtasks)
    taught = decide_now(one, subtasks)
    require(decide_now(two, subtasks) == taught, "the same lessons gave other decisions")
    restored = make(folder / "one.state")
    require(decide_now(restored, subtasks) == taught, "made again from its state, it decides otherwise")
    for policy in (restored, two):
        _teach(policy, subtasks)
    require(
        decide_now(restored, subtasks) == decide_now(two, subtasks),
        "taught again, the one that was restored decides otherwise than the one that was not",
    )


def check_decision(subtask: Subtask, decision: Decision) -> None:
    """Raises `AssertionError` naming the field of a decision that is out of its range."""
    of = f"decision on subtask {subtask.id!r}"
    require(decision.kind in ("reasoning", "knowledge"), f"{of}: unknown kind {decision.kind!r}")
    require(decision.lane in ("local", "retrieval", "large", "tool"), f"{of}: unknown lane {decision.lane!r}")
    require((decision.lane == "tool") == (subtask.tool is not None), f"{of}: the tool lane goes with a tool")
    require(0.0 <= decision.p_reasoning <= 1.0, f"{of}: p_reasoning {decision.p_reasoning!r} is not in 0..1")
    require(0.0 <= decision.confidence <= 1.0, f"{of}: confidence {decision.confidence!r} is not in 0..1")
    require(bool(decision.reason.strip()), f"{of}: no reason is given")
    require(bool(decision.policy) and bool(decision.version), f"{of}: policy name or version is missing")
    require(decision.model is None or bool(decision.model), f"{of}: model is an empty name; None is for none")
    for name, least, most in (
        ("large_gain", -1.0, 1.0),
        ("expected_quality", 0.0, 1.0),
        ("expected_cost_usd", 0.0, math.inf),
        ("min_confidence", 0.0, math.inf),
    ):
        value: float | None = getattr(decision, name)
        within = value is None or (math.isfinite(value) and least <= value <= most)
        require(within, f"{of}: {name} {value!r} is not in {least:g}..{most:g}")


def _teach(policy: Policy, subtasks: Sequence[Subtask]) -> None:
    decisions = decide_now(policy, subtasks)
    for place, (subtask, decision) in enumerate(zip(subtasks, decisions, strict=True)):
        if isinstance(policy, LearningPolicy):
            policy.learn(subtask, decision, reward=_REWARDS[place % len(_REWARDS)])
