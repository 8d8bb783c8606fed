"""Calibrates the `llm` policy: two numbers for one model and one prompt, fitted on our own exemplars and nothing else.

The prompt itself was chosen by the same exemplars; see docs/log.md for the variants that lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from .. import UsageError
from ..prompts import load_prompt
from ..router.llm import PROMPT, UNCALIBRATED, Calibration, LlmPolicy, RoutingModel, calibration_key, odds_of
from ..router.rules import RulesPolicy
from ..router.subtask import Subtask
from ..tracing.whole import write_whole
from .router_data import Row
from .router_exemplars import load_exemplars
from .router_fit import platt
from .router_metrics import accuracy, balanced_accuracy, calibration_error

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

ROWS = 300
FOLDS = 5
_TIMEOUT_S = 600.0

_CARD = """# Model card: calibrations of the `llm` router policy

| | |
|---|---|
| what it is | per model and prompt a slope and a shift of the model's log-odds of "reasoning" (Platt 1999) |
| form | `llm.json`: plain data |
| made by | `pilotfish lab train --what llm` |
| data | {rows} sentences of `exemplars.txt`, written for this project, as many of each kind, chosen by seed |
| calibrated | {names} |

## Figures of {name}
On exemplars, each scored by numbers fitted on the other folds; `raw_*` is the model's own probability.

| figure | value |
|---|---|
{metrics}

## Limits
- English only, and only as good as the model: a small one hardly knows the two words apart.
- Calibrated on exemplars: on other questions, expect other errors. Another model or prompt is not calibrated by it.
- A text longer than a few hundred words is shown to the model at its head and tail only.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What a calibration wrote."""

    weights: Path
    card: Path
    name: str
    """The calibration's key in the file."""
    slope: float
    shift: float
    metrics: Mapping[str, float]


async def odds_of_rows(policy: LlmPolicy, rows: Sequence[Row]) -> tuple[list[float | None], str]:
    """The model's log-odds of reasoning on each row, None where it gave none, and its calibration's key."""
    _, spec = policy.model.resolve()
    subtasks = [Subtask(id=str(index), text=row.text) for index, row in enumerate(rows)]
    completions = await policy.complete(subtasks)
    found = [None if one is None or one.failure is not None else odds_of(one) for one in completions]
    return found, calibration_key(spec.id, spec.digest, load_prompt(policy.prompt))


def sample_exemplars(count: int = ROWS, *, seed: int = 0) -> list[Row]:
    """`count` exemplars, half of each kind."""
    random = Random(seed)  # noqa: S311 - variety, not secrecy
    rows = load_exemplars()
    return [
        row
        for kind in (0, 1)
        for row in random.sample([row for row in rows if row.label == kind], count // 2)
    ]


async def calibrate_llm(
    *,
    out: Path,
    model: str | BaseChatModel | None = None,
    prompt: str = PROMPT,
    rows: int = ROWS,
    seed: int = 0,
    home: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Calibrated:
    """Fits slope and shift for `model` (settings.local unless given) and adds them to `llm.json` in `out`.

    Raises `UsageError` where the engine gives no log-probabilities, `UnavailableError` where the model is not there.
    """
    policy = LlmPolicy(
        model=RoutingModel(model, home=home), fallback=RulesPolicy(), prompt=prompt, timeout_s=_TIMEOUT_S
    )
    sample = sample_exemplars(rows, seed=seed)
    if progress is not None:
        progress(f"asking {policy.model!r} about {len(sample)} exemplars")
    found, name = await odds_of_rows(policy, sample)
    pairs = [(odds, row.label) for odds, row in zip(found, sample, strict=True) if odds is not None]
    if len(pairs) < len(sample) / 2:
        raise UsageError(
            f"{policy.model!r} gave log-probabilities for {len(pairs)} of {len(sample)} exemplars; there is nothing "
            "to calibrate: use an engine that gives them, or leave the policy uncalibrated"
        )
    slope, shift = platt([odds for odds, _ in pairs], [label for _, label in pairs], [1.0] * len(pairs))
    metrics = _metrics(pairs, seed)
    weights, card = _write(out, name, Calibration(slope=slope, shift=shift), metrics, len(sample))
    return Calibrated(weights=weights, card=card, name=name, slope=slope, shift=shift, metrics=metrics)


def _metrics(pairs: Sequence[tuple[float, int]], seed: int) -> dict[str, float]:
    labels = [label for _, label in pairs]
    raw = [UNCALIBRATED.probability(odds) for odds, _ in pairs]
    held = _held_out(pairs, seed)
    return {
        "rows": float(len(pairs)),
        "raw_accuracy": accuracy(raw, labels),
        "raw_ece": calibration_error(raw, labels),
        "accuracy": accuracy(held, labels),
        "balanced": balanced_accuracy(held, labels),
        "ece": calibration_error(held, labels),
        "auroc": _auroc(pairs),
    }


def _held_out(pairs: Sequence[tuple[float, int]], seed: int) -> list[float]:
    """Probabilities of each fold by numbers fitted on the others."""
    fold_of = [index % FOLDS for index in range(len(pairs))]
    Random(seed).shuffle(fold_of)  # noqa: S311 - variety, not secrecy
    found = [0.0] * len(pairs)
    for fold in range(FOLDS):
        fitted = [pair for pair, other in zip(pairs, fold_of, strict=True) if other != fold]
        slope, shift = platt([odds for odds, _ in fitted], [y for _, y in fitted], [1.0] * len(fitted))
        calibration = Calibration(slope=slope, shift=shift)
        for index, (odds, _) in enumerate(pairs):
            if fold_of[index] == fold:
                found[index] = calibration.probability(odds)
    return found


def _auroc(pairs: Sequence[tuple[float, int]]) -> float:
    """Share of pairs of a reasoning and a knowledge row that the odds put in order; ties count half."""
    first = [odds for odds, label in pairs if label == 1]
    second = [odds for odds, label in pairs if label == 0]
    if not first or not second:
        return float("nan")
    won = sum((a > b) + 0.5 * (a == b) for a in first for b in second)
    return won / (len(first) * len(second))


def _write(
    out: Path, name: str, calibration: Calibration, metrics: Mapping[str, float], rows: int
) -> tuple[Path, Path]:
    out.mkdir(parents=True, exist_ok=True)
    weights, card = out / "llm.json", out / "llm.card.md"
    known = json.loads(weights.read_text(encoding="utf-8"))["calibrations"] if weights.is_file() else {}
    known[name] = asdict(calibration)
    text = _CARD.format(
        rows=rows,
        names=", ".join(f"`{key}`" for key in sorted(known)),
        name=f"`{name}`",
        metrics="\n".join(f"| {figure} | {value:.4g} |" for figure, value in metrics.items()),
    )
    write_whole(weights, json.dumps({"calibrations": dict(sorted(known.items()))}, indent=1) + "\n")
    write_whole(card, text)
    return weights, card
