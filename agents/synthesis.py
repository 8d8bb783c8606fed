"""Synthesis without a model: the answers of the plan's outputs, with what is missing and what was not verified."""

from __future__ import annotations

from collections.abc import Mapping

from .plan import Plan
from .result import Answer, RunStatus, SubtaskResult


def synthesise(task: str, plan: Plan, results: Mapping[str, SubtaskResult], /) -> Answer:  # noqa: ARG001 - the seam's signature
    """One paragraph per output. `partial` when some output has no answer, `failed` when none has."""
    outputs = [results[name] for name in plan.outputs]
    lines = [_line(result, alone=len(outputs) == 1) for result in outputs]
    answered = sum(result.answer is not None for result in outputs)
    status: RunStatus = "answered" if answered == len(outputs) else "partial" if answered else "failed"
    return Answer(text="\n".join([*lines, *_weak_links(plan, results)]), status=status)


def _line(result: SubtaskResult, *, alone: bool) -> str:
    if result.answer is None:
        return f"No answer to “{result.text}”: {result.verdict.reason}."
    note = "" if result.status == "accepted" else f" (not verified: {result.verdict.reason})"
    body = f"{result.answer}{note}"
    return body if alone else f"{result.text}\n    {body}"


def _weak_links(plan: Plan, results: Mapping[str, SubtaskResult]) -> list[str]:
    """What the outputs rest on and was not verified or is missing."""
    lines: list[str] = []
    for result in results.values():
        if result.id in plan.outputs or result.status == "accepted":
            continue
        fault = "is not verified" if result.status == "unverified" else "has no answer"
        lines.append(f"It rests on “{result.text}”, which {fault}: {result.verdict.reason}.")
    return lines
