from __future__ import annotations

import logging

import pytest

from pilotfish import Subtask, UsageError
from pilotfish.agents.attempt import Attempt, Verdict
from pilotfish.agents.verifier import as_verifier, combine, run_verifier

SUBTASK = Subtask(id="s1", text="q")
ATTEMPT = Attempt(lane="local", text="a")


def verdict(status: str, checked: str = "v", escalation: str = "verifier_failed") -> Verdict:
    return Verdict(status=status, reason=f"{checked} says {status}", checked=checked, escalation=escalation)


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (True, "pass", "mine accepted it"),
        (False, "fail", "mine rejected it"),
        (None, "unknown", "mine could not tell"),
        ("too short", "fail", "too short"),
        ("", "fail", "mine rejected it"),
    ],
)
async def test_a_function_is_a_verifier(found: object, status: str, reason: str) -> None:
    seen = await run_verifier(as_verifier("mine", lambda subtask, attempt: found), SUBTASK, ATTEMPT)
    assert (seen.status, seen.reason, seen.checked) == (status, reason, "mine")


async def test_a_coroutine_function_is_awaited() -> None:
    async def slowly(subtask: Subtask, attempt: Attempt) -> bool:
        return attempt.text == "a"

    assert (await run_verifier(as_verifier("mine", slowly), SUBTASK, ATTEMPT)).status == "pass"


async def test_a_crash_is_unknown_and_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def broken(subtask: Subtask, attempt: Attempt) -> bool:
        raise ZeroDivisionError("no ships")

    with caplog.at_level(logging.ERROR):
        seen = await run_verifier(as_verifier("mine", broken), SUBTASK, ATTEMPT)
    assert seen.status == "unknown"
    assert "ZeroDivisionError: no ships" in seen.reason
    assert caplog.records[0].exc_info is not None


async def test_a_finding_of_another_type_is_unknown_and_says_what_is_allowed() -> None:
    seen = await run_verifier(as_verifier("mine", lambda subtask, attempt: 3), SUBTASK, ATTEMPT)
    assert seen.status == "unknown"
    assert "may return a Verdict" in seen.reason


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(UsageError, match="'mine'"):
        as_verifier("mine", 3)


def test_a_verifier_stays_itself() -> None:
    first = as_verifier("mine", lambda subtask, attempt: True)
    assert as_verifier("other", first) is first


def test_any_fail_beats_any_pass() -> None:
    assert combine([verdict("pass", "a"), verdict("unknown", "b"), verdict("fail", "c")]).checked == "c"


def test_any_pass_beats_unknown() -> None:
    assert combine([verdict("unknown", "a"), verdict("pass", "b")]).checked == "b"


def test_only_unknowns_stay_unknown_with_every_reason() -> None:
    both = combine([verdict("unknown", "a"), verdict("unknown", "b", "no_evidence")])
    assert both.status == "unknown"
    assert both.reason == "a: a says unknown; b: b says unknown"
    assert both.escalation == "no_evidence"


def test_the_more_telling_reason_escalates() -> None:
    vague = verdict("unknown", "a", "low_confidence")
    assert combine([vague, verdict("unknown", "b", "no_evidence")]).escalation == "no_evidence"
    assert combine([vague, vague]).escalation == "low_confidence"


def test_nothing_checked_is_unknown() -> None:
    assert combine([]).reason == "nothing checked it"
