"""A calibration and its check, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from ..lab.calibrate import Check
    from ..router.calibration import Calibration


def render_calibration(console: Console, found: Calibration, check: Check | None) -> None:
    """The threshold, what it promises, what it measured, and how the promise fared."""
    for line in [*_found(found), *([] if check is None else _checked(found, check))]:
        console.print(line, markup=False)


def _found(found: Calibration) -> list[str]:
    cut = (
        f"the small model's answer stands from a confidence of {found.threshold:.4g}"
        if found.measure == "confidence"
        else f"the large model answers from a score of {found.threshold:.4g}"
    )
    unit = "$" if found.cost_unit == "usd" else ""
    per = " a prompt" if found.cost_unit == "usd" else " large calls a prompt"
    left = f"; {found.dropped_trained} rows it was trained on left out" if found.dropped_trained else ""
    share = found.quality / found.reference_quality if found.reference_quality else 1.0
    kept = f", {share:.1%} of it ({found.target:.1%} is promised)"
    return [
        f"{found.policy} {found.version}: {cut}.",
        f"Guarantee: at least {found.target:.1%} of the quality of {found.large}, with probability "
        f"{found.confidence:.0%}, on prompts like these.",
        f"Certified for the log's column {found.small!r} as the small model: in an agent it holds only where "
        f"{_carried_out(found)}.",
        f"On the {found.n} rows of the log: quality {found.quality:.1%} against {found.reference_quality:.1%}"
        f"{kept}; {found.large_share:.1%} go to the large model{left}.",
        f"Cost {unit}{found.cost:.4g}{per} against {unit}{found.reference_cost:.4g} for always asking the large model: "
        f"{_saved(found.saving)}.",
    ]


def _carried_out(found: Calibration) -> str:
    if found.measure == "confidence":
        return "that model carries the steps out as reasoning; of knowledge no agent asks for the confidence"
    return "that carries out the steps below the threshold, and by their kind knowledge goes to the retriever"


def _saved(saving: float) -> str:
    return f"{saving:.1%} saved" if saving >= 0 else f"{-saving:.1%} more, so the cascade does not pay here"


def _checked(found: Calibration, check: Check) -> list[str]:
    allowed = 1.0 - found.confidence
    lines = [
        f"Check, {check.splits} random splits, {check.rows} rows calibrated on: below the target when measured again "
        f"on the other rows in {check.violation_rate:.1%} of them (without correction: "
        f"{check.naive_violation_rate:.1%}).",
        f"Drawn from the log as the population: below the target there in {check.population_violation_rate:.1%}; "
        f"{allowed:.0%} are allowed (without correction: {check.naive_population_violation_rate:.1%}).",
    ]
    if check.cost_over_best is not None:
        lines.append(f"Cost over the best threshold in hindsight: {check.cost_over_best:.3f} times.")
    if check.refused:
        lines.append(f"{check.refused} splits had too few rows to certify anything.")
    return lines
