from __future__ import annotations

import itertools

import pytest

from pilotfish import Subtask
from pilotfish.agents.agreement import Agreement
from pilotfish.agents.arithmetic import Arithmetic
from pilotfish.agents.attempt import Attempt, Verdict
from pilotfish.agents.groundedness import Groundedness
from pilotfish.agents.schema_verifier import SchemaVerifier
from pilotfish.agents.tool_checked import ToolChecked
from pilotfish.agents.verifier import Verifier, as_verifier
from pilotfish.testing.verifier_conformance import check_verifier


@pytest.mark.parametrize(
    "verifier",
    [
        SchemaVerifier(),
        Arithmetic(),
        Agreement(),
        Groundedness(),
        ToolChecked("register", lambda subtask, attempt: 12345),
        as_verifier("short", lambda subtask, attempt: len(attempt.text) < 100),
    ],
    ids=lambda verifier: verifier.name,
)
async def test_the_shipped_verifiers_conform(verifier: Verifier) -> None:
    await check_verifier(verifier)


async def test_a_crashing_verifier_is_found() -> None:
    with pytest.raises(AssertionError, match="an empty answer: it crashed"):
        await check_verifier(as_verifier("first", lambda subtask, attempt: attempt.text[0] == "1"))


async def test_a_verifier_that_changes_its_mind_is_found() -> None:
    flips = itertools.cycle([True, False])
    with pytest.raises(AssertionError, match="not pure"):
        await check_verifier(as_verifier("moody", lambda subtask, attempt: next(flips)))


async def test_a_silent_verdict_is_found() -> None:
    def silent(subtask: Subtask, attempt: Attempt) -> Verdict:
        return Verdict(status="pass", reason=" ", checked="silent")

    with pytest.raises(AssertionError, match="gives no reason"):
        await check_verifier(as_verifier("silent", silent))
