"""How a run asks its policy, and what it tells one that learns: once for the plan, and once after each subtask.

A subtask that a resumed run takes from the ledger is neither decided nor taught again. Teaching follows the record of
the finished subtask, so a run killed between the two forgets one lesson rather than giving it twice.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import logging
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from .. import UsageError
from ..router.policy import Decision, Policy, RunPolicy
from ..router.subtask import Subtask
from ..router.wrapper import learner
from .attempt import PASSING
from .data_gate import classified
from .plan import Plan
from .result import SubtaskResult
from .scope import RunScope

logger = logging.getLogger(__name__)

UNVERIFIED = 0.5
"""Reward of an answer that nothing could check: it is neither shown right nor shown wrong."""
_TEACHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pilotfish-lessons")
"""One thread for every lesson: in the order in which subtasks finish, and never two at once."""


def scope_for(scope: RunScope, plan: Plan) -> RunScope:
    """The scope with the policy of this plan: one that looks at whole runs sees all subtasks, unfilled, in plan order.

    The calls it makes count on the run's meter and are kept in the ledger, without a subtask's id.
    """
    policy = scope.services.policy
    if not isinstance(policy, RunPolicy):
        return scope
    caller = scope.caller(scope.meter.child(), purpose="route")
    calling = dataclasses.replace(caller.calling, record=caller.count)
    subtasks = classified(plan, scope.data_classes, calling.data_policy)
    return dataclasses.replace(scope, policy=policy.for_run(subtasks, calling=calling))


async def decide(scope: RunScope, subtask: Subtask) -> Decision:
    """The one decision on a subtask whose references are filled in."""
    found: list[Decision] | Awaitable[list[Decision]] = scope.policy.decide([subtask])
    decisions = await found if inspect.isawaitable(found) else found
    if len(decisions) != 1:
        raise UsageError(f"the policy {scope.policy!r} made {len(decisions)} decisions on one subtask")
    return decisions[0]


async def teach(policy: Policy, subtask: Subtask, result: SubtaskResult) -> None:
    """Tell a policy that learns what became of its decision; what says nothing of the decision is not told.

    A lesson may wait for a lock and write a file, so it has a thread of its own, and the event loop goes on.
    """
    learning, reward = learner(policy), reward_of(result)
    if learning is None or reward is None or result.decision is None:
        return
    lesson = functools.partial(learning.learn, subtask, result.decision, reward=reward)
    try:
        await asyncio.get_running_loop().run_in_executor(_TEACHER, lesson)
    except Exception:  # the answer stands, whatever becomes of the lesson
        logger.exception("the policy %r could not learn from subtask %r", policy, subtask.id)


def reward_of(result: SubtaskResult) -> float | None:
    """What the decided lane's own answer was worth: 1 accepted, 0.5 unverified, 0 escalated or failed.

    None where the decision was not followed (a lane the workflow insists on, or that is missing), where a tool had the
    subtask, and where it failed for want of time, money or a model, which is tried again when the run goes on.
    """
    if result.decision is None or result.lane is None or result.failure in PASSING:
        return None
    first = result.escalations[0].source if result.escalations else result.lane
    if first != result.decision.lane or first == "tool":
        return None
    if result.escalations:
        return 0.0
    return {"accepted": 1.0, "unverified": UNVERIFIED}.get(result.status, 0.0)
