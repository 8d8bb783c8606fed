"""What every verifier must do, checked from outside: `await check_verifier(my_verifier)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from ..agents.attempt import Attempt, EscalationReason, Verdict
from ..agents.verifier import Verifier, name_of, run_verifier
from ..retrieval.evidence import Evidence
from ..router.subtask import Subtask

_TEXT = "Rotterdam handled 12,345 ships in 2020. It is the largest port of Europe."
_EVIDENCE = Evidence(source="ports.md", text=_TEXT, chunk_id="ports-1", start=0, end=len(_TEXT))
_SUBTASK = Subtask(id="s1", text="How many ships did Rotterdam handle in 2020?")
_ATTEMPT = Attempt(lane="local", text="12,345", evidence=(_EVIDENCE,), samples=("12,345", "12345", "12 345"))


async def check_verifier(verifier: Verifier) -> None:
    """Raises `AssertionError` naming the case in which a verifier crashes, is silent, or changes its mind.

    The cases: an ordinary answer, an empty and a very long one, other scripts, no value, no evidence, no samples, a
    failed attempt, an answer schema.
    """
    for case, subtask, attempt in _cases():
        first = await run_verifier(verifier, subtask, attempt)
        second = await run_verifier(verifier, subtask, attempt)
        label = f"verifier {name_of(verifier)!r}, {case}"
        if problem := _problem(first):
            raise AssertionError(f"{label}: {problem}: {first!r}")
        if first != second:
            raise AssertionError(f"{label}: not pure, it said {first!r}, then {second!r}")


def _problem(verdict: Verdict) -> str:
    if verdict.status not in ("pass", "fail", "unknown"):
        return "the status is none of pass, fail, unknown"
    if verdict.reason.startswith("the verifier crashed"):
        return "it crashed"
    if not verdict.reason.strip() or not verdict.checked.strip():
        return "it gives no reason, or not its name"
    if verdict.escalation not in get_args(EscalationReason):
        return "the escalation reason is not a known one"
    return ""


def _cases() -> Iterator[tuple[str, Subtask, Attempt]]:
    schema = replace(_SUBTASK, answer_schema={"type": "integer"})
    yield "an ordinary answer", _SUBTASK, _ATTEMPT
    yield "an empty answer", _SUBTASK, Attempt(lane="local")
    yield "an empty question", replace(_SUBTASK, text=""), _ATTEMPT
    yield "a very long answer", _SUBTASK, replace(_ATTEMPT, text="3 + 4 = 7, or so they say. " * 4000)
    yield "a long answer of one word", _SUBTASK, replace(_ATTEMPT, text="(" * 20_000 + "1 + 1 = 2")
    yield (
        "other scripts and signs",
        _SUBTASK,
        replace(_ATTEMPT, text="港は１２３です ٣ × ½ = ?\u0000 \ud83d\udea2 \\frac{1}{"),
    )
    yield "no value under a schema", schema, replace(_ATTEMPT, text="null", value=None)
    yield "a value of the schema", schema, replace(_ATTEMPT, value=12345)
    yield "a nested value", schema, replace(_ATTEMPT, value={"ships": [12345, None, {"year": 2020.0}]})
    yield "no evidence", _SUBTASK, replace(_ATTEMPT, evidence=())
    yield "no samples", _SUBTASK, replace(_ATTEMPT, samples=())
    yield "a failed attempt", _SUBTASK, Attempt(lane="local", failure="timeout", detail="no answer in 5 s")
