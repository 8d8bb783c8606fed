"""The `Verifier` seam, how a user's function becomes one, and how several verdicts become one.

A verdict is `pass`, `fail` or `unknown`; `unknown` is never a pass. No verifier here calls a model.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .. import UsageError
from ..router.subtask import Subtask
from .attempt import Attempt, Verdict

logger = logging.getLogger(__name__)


@runtime_checkable
class Verifier(Protocol):
    """Checks an answer. Implementations are pure: the same attempt gives the same verdict."""

    def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict | Awaitable[Verdict]:
        """What this verifier finds; may be a coroutine."""
        ...


Finding = Verdict | bool | str | None
"""What a user's checking function may return: `True` passes, `False` and a string (the reason) fail, `None` is
unknown."""
CheckFunction = Callable[[Subtask, Attempt], Finding | Awaitable[Finding]]
"""A check in the workflow's own code."""


@dataclass(frozen=True, slots=True)
class FunctionVerifier:
    """A function of the user's as a verifier; `as_verifier` makes one."""

    name: str
    function: CheckFunction

    async def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """The function's finding as a verdict; a synchronous function runs in a thread."""
        if inspect.iscoroutinefunction(self.function):
            found = self.function(subtask, attempt)
        else:
            found = await asyncio.to_thread(self.function, subtask, attempt)
        return _verdict_of(self.name, await found if isinstance(found, Awaitable) else found)


def as_verifier(name: str, check: Verifier | CheckFunction) -> Verifier:
    """`check` as a verifier called `name`; what is one already is returned as it is."""
    if isinstance(check, Verifier):
        return check
    if not callable(check):
        raise UsageError(
            f"verifier {name!r} is {check!r}; give an object with a check method, or a function "
            "(subtask, attempt) returning a Verdict, True, False, None or the reason it fails"
        )
    return FunctionVerifier(name, check)


async def run_verifier(
    verifier: Verifier, subtask: Subtask, attempt: Attempt, *, quick: bool = False
) -> Verdict:
    """The verifier's verdict; one that crashes gives `unknown` with the exception as its reason.

    Synchronous checks run in a thread, so that a slow one does not hold up other subtasks, unless it is known to be
    `quick`: the hop to a thread costs more than a short check.
    """
    try:
        if quick or inspect.iscoroutinefunction(verifier.check):
            found = verifier.check(subtask, attempt)
        else:
            found = await asyncio.to_thread(verifier.check, subtask, attempt)
        return _verdict_of(name_of(verifier), await found if isinstance(found, Awaitable) else found)
    except Exception as error:  # a verifier's crash is a result
        logger.exception("verifier %s crashed on subtask %r", name_of(verifier), subtask.id)
        return Verdict(
            status="unknown",
            reason=f"the verifier crashed: {type(error).__name__}: {error}",
            checked=name_of(verifier),
            escalation="low_confidence",
        )


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several: the first fail, else the first pass, else unknown with all the reasons."""
    for status in ("fail", "pass"):
        for verdict in verdicts:
            if verdict.status == status:
                return verdict
    if len(verdicts) == 1:
        return verdicts[0]
    telling = [v for v in verdicts if v.escalation not in ("verifier_failed", "low_confidence")]
    return Verdict(
        status="unknown",
        reason="; ".join(f"{verdict.checked}: {verdict.reason}" for verdict in verdicts)
        or "nothing checked it",
        checked="+".join(verdict.checked for verdict in verdicts) or "none",
        escalation=telling[0].escalation if telling else "low_confidence",
    )


def name_of(verifier: object) -> str:
    """What a verifier calls itself, or its class's name."""
    name = getattr(verifier, "name", None)
    return name if isinstance(name, str) and name else type(verifier).__name__


def unknown(checked: str, reason: str) -> Verdict:
    """A verdict that this verifier has nothing to go on."""
    return Verdict(status="unknown", reason=reason, checked=checked, escalation="low_confidence")


def _verdict_of(name: str, found: Any) -> Verdict:
    if isinstance(found, Verdict):
        return found
    if found is None:
        return unknown(name, f"{name} could not tell")
    if isinstance(found, str):
        return Verdict(status="fail", reason=found or f"{name} rejected it", checked=name)
    if isinstance(found, bool):
        return Verdict(
            status="pass" if found else "fail",
            reason=f"{name} {'accepted' if found else 'rejected'} it",
            checked=name,
        )
    raise UsageError(
        f"verifier {name!r} returned {found!r}; it may return a Verdict, True, False, None, "
        "or a string saying why the answer fails"
    )
