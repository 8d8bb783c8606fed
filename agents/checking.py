"""How one attempt is checked: deterministic verifiers first, agreement of samples second, the model's word never."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..router.policy import Decision
from ..router.subtask import Subtask
from .agreement import Agreement, vote
from .attempt import Attempt, Verdict
from .data_gate import verifier_refusal
from .lane import LaneContext, try_lane
from .scope import RunScope
from .verifier import Verifier, combine, name_of, run_verifier, unknown

_SHORT = 400
"""Characters up to which the standard verifiers take well under a millisecond."""


async def check(
    scope: RunScope,
    subtask: Subtask,
    decision: Decision,
    attempt: Attempt,
    context: Callable[[], LaneContext],
) -> tuple[Attempt, Verdict]:
    """The verdict on an attempt, and the attempt with the samples that the verdict took.

    `context` gives the lane context for further samples, which most checks do without.
    """
    if attempt.failure is not None:
        verdict = Verdict(status="fail", reason=attempt.detail, checked="lane", escalation=attempt.failure)
        return attempt, verdict
    verdict = await computed_verdict(scope, subtask, attempt)
    if verdict.status != "unknown" or attempt.lane != "local" or subtask.answer_schema is not None:
        return attempt, verdict
    if decision.kind == "knowledge":
        return attempt, unknown("source", "a small model's recall, with no source consulted")
    least = decision.min_confidence
    if scope.services.votes >= 2 and (least is None or attempt.confidence is None):
        attempt, verdict = await _by_agreement(scope, subtask, attempt, context())
    return attempt, verdict if least is None else _by_confidence(attempt, least)


async def computed_verdict(scope: RunScope, subtask: Subtask, attempt: Attempt) -> Verdict:
    """What the deterministic verifiers say of an answer: the subtask's own, then those that look at every answer."""
    services = scope.services
    own = [services.named[subtask.verifier]] if subtask.verifier is not None else []
    if attempt.lane == "tool" and not own:
        return Verdict(status="pass", reason=attempt.detail or "computed by a tool", checked="tool")
    quick = len(attempt.text) <= _SHORT and not attempt.evidence
    verdicts = [await _ask(scope, verifier, subtask, attempt) for verifier in own]
    # The schema is the form a model is asked for; what a tool computes is the workflow's own, in its own form.
    standard = () if attempt.lane == "tool" else services.standard
    verdicts += [await _ask(scope, each, subtask, attempt, quick=quick) for each in standard]
    return combine(verdicts)


async def _ask(
    scope: RunScope, verifier: Verifier, subtask: Subtask, attempt: Attempt, *, quick: bool = False
) -> Verdict:
    """The verifier's verdict, or `unknown` where its data class keeps the answer from it."""
    why = verifier_refusal(verifier, subtask, attempt, scope.services.calling.data_policy)
    if why is None:
        return await run_verifier(verifier, subtask, attempt, quick=quick)
    return Verdict(status="unknown", reason=why, checked=name_of(verifier), escalation="data_policy")


async def _by_agreement(
    scope: RunScope, subtask: Subtask, attempt: Attempt, context: LaneContext
) -> tuple[Attempt, Verdict]:
    drawn: dict[int, Attempt] = {0: attempt}

    async def draw(sample: int) -> str | None:
        if sample not in drawn:
            lane = scope.lanes[attempt.lane]
            async with scope.places[attempt.lane]:
                again = dataclasses.replace(context, sample=sample, caller=context.caller.meaning("sample"))
                drawn[sample] = await try_lane(attempt.lane, lane, subtask, again)
        return None if drawn[sample].failure else drawn[sample].text

    result = await vote(draw, k=scope.services.votes)
    kept = next((a for a in drawn.values() if not a.failure and a.text == result.answer), attempt)
    calls = tuple(call for sample in sorted(drawn) for call in drawn[sample].calls)
    # Whichever sample won the vote, the request is of the arm that answered first.
    voted = dataclasses.replace(
        kept, samples=result.samples, confidence=result.share, calls=calls, arms=attempt.arms
    )
    return voted, await run_verifier(Agreement(), subtask, voted)


def _by_confidence(attempt: Attempt, least: float) -> Verdict:
    """The verdict where the policy says how sure the small model must be; this replaces the agreement's own."""
    asked = f"the {least:.3f} that the policy asks for"
    if attempt.confidence is None:
        return unknown("confidence", f"nothing measured its confidence, for {asked}: fewer than two votes")
    if attempt.confidence >= least:
        found = f"its confidence {attempt.confidence:.3f} reaches {asked}"
        return Verdict(status="pass", reason=found, checked="confidence")
    found = f"its confidence {attempt.confidence:.3f} is below {asked}"
    return Verdict(status="fail", reason=found, checked="confidence", escalation="low_confidence")
