"""`pilotfish lab bench router`: the learned policy on held-out steps, on each set held out in turn, and its speed.

StrategyQA figures and speed are of the shipped weights, whose training never saw the dev split. Leave-one-set-out
trains a new model per set, without any row, twin or imitation of that set.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import UsageError
from ..models.settings import load_settings
from ..router.load import load_policy
from ..router.policy import Policy
from ..router.subtask import Subtask
from .bench import Report
from .router_data import LODO_SETS, Row, load_rows
from .router_exemplars import load_exemplars
from .router_fit import Reader, examples_of, fit, scores
from .router_metrics import accuracy, balanced_accuracy, calibration_error, f1
from .router_speed import Speed, measure_speed
from .router_styles import fill_references, mask_references

SPEED_TEXTS = 200
"""Texts timed, spread over the sets."""
BASELINES = ("rules", "always-local", "random")
STRICT = "break"
"""The set held out a second time, without the exemplars that do what its steps do in other words."""


def run(data: Path | None) -> Report:
    """Measures the shipped `learned` policy. Raises `UsageError` when `data` is not given or holds no StrategyQA."""
    if data is None:
        raise UsageError("the router bench needs the public sets; pass --data DIR (see docs/data.md)")
    rows = load_rows(data)
    steps = [row for row in rows if row.split == "test"]
    if not steps:
        raise UsageError(f"no StrategyQA dev split under {str(data)!r}; expected strategyqa/dev.json")
    policy = load_policy("learned")
    figures = step_figures(policy, steps)
    figures |= leave_one_out(rows, load_exemplars())
    speed = measure_speed(policy, _spread(rows), home=load_settings().home)
    figures["decisions_per_second"] = speed.decisions_per_second
    if speed.p50_encode_s is not None:
        figures["p50_over_encode"] = speed.p50_decision_s / speed.p50_encode_s
    return Report(figures=figures, text=_text(figures, _baselines(steps), speed))


def step_figures(policy: Policy, steps: Sequence[Row]) -> dict[str, float]:
    """Figures on labelled steps as they are, with references masked, and with answers filled in."""
    labels = [row.label for row in steps]
    plain = _probabilities(policy, [row.text for row in steps])
    masked = _probabilities(policy, [mask_references(row.text) for row in steps])
    filled = _probabilities(policy, [fill_references(row.text) for row in steps])
    return {
        "strategyqa_accuracy": accuracy(plain, labels),
        "strategyqa_balanced": balanced_accuracy(plain, labels),
        "strategyqa_f1": f1(plain, labels),
        "masked_accuracy": accuracy(masked, labels),
        "masked_balanced": balanced_accuracy(masked, labels),
        "masked_f1": f1(masked, labels),
        "filled_accuracy": accuracy(filled, labels),
        "ece": calibration_error(plain, labels),
    }


def leave_one_out(
    rows: Sequence[Row], exemplars: Sequence[Row], *, sets: Sequence[str] = LODO_SETS
) -> dict[str, float]:
    """Balanced accuracy on each set by a model that saw nothing of it; its recall where a set has one class.

    `_strict` figures hold Break out without the exemplars marked `break-operators` too.
    """
    reader = Reader()
    present = {row.dataset for row in rows}
    found: dict[str, float] = {}
    for name in sets:
        if name in present:
            found[f"lodo_{name}"] = _held_out(name, rows, exemplars, reader)
    if found:
        values = list(found.values())
        found |= {"lodo_mean": sum(values) / len(values), "lodo_min": min(values)}
    if f"lodo_{STRICT}" in found:
        found |= _strict(found, sets, rows, exemplars, reader)
    return found


def _strict(
    found: Mapping[str, float],
    sets: Sequence[str],
    rows: Sequence[Row],
    exemplars: Sequence[Row],
    reader: Reader,
) -> dict[str, float]:
    """The figure of `STRICT` without its operators' exemplars, and mean and least with it in place of the other."""
    kept = [row for row in exemplars if f"{STRICT}-operators" not in row.twins]
    strict = _held_out(STRICT, rows, kept, reader)
    values = [found[f"lodo_{name}"] for name in sets if f"lodo_{name}" in found and name != STRICT] + [strict]
    return {
        f"lodo_{STRICT}_strict": strict,
        "lodo_mean_strict": sum(values) / len(values),
        "lodo_min_strict": min(values),
    }


def _held_out(name: str, rows: Sequence[Row], exemplars: Sequence[Row], reader: Reader) -> float:
    training = [
        row
        for row in (*rows, *exemplars)
        if row.split == "train" and row.dataset != name and name not in row.twins
    ]
    model = fit(examples_of(training), reader)
    held_out = [row for row in rows if row.dataset == name]
    decided = [float(score > 0) for score in scores(model, [row.text for row in held_out], reader)]
    return balanced_accuracy(decided, [row.label for row in held_out])


def _probabilities(policy: Policy, texts: Sequence[str]) -> list[float]:
    subtasks = [Subtask(id=str(index), text=text) for index, text in enumerate(texts)]
    return [decision.p_reasoning for decision in policy.decide(subtasks)]


def _baselines(steps: Sequence[Row]) -> dict[str, tuple[float, float, float]]:
    """Accuracy, balanced accuracy and F1 of the policies that learn nothing, and of the best length cut."""
    labels = [row.label for row in steps]
    found: dict[str, tuple[float, float, float]] = {}
    for name in BASELINES:
        p = _probabilities(load_policy(name), [row.text for row in steps])
        if name == "random":
            subtasks = [Subtask(id=str(index), text=row.text) for index, row in enumerate(steps)]
            p = [float(decision.kind == "reasoning") for decision in load_policy(name).decide(subtasks)]
        found[name] = (accuracy(p, labels), balanced_accuracy(p, labels), f1(p, labels))
    lengths = [len(row.text) for row in steps]
    cuts = [[float(length <= cut) for length in lengths] for cut in range(10, 100, 2)]
    best = max(cuts, key=lambda p: balanced_accuracy(p, labels))
    found["shorter than the best cut"] = (
        accuracy(best, labels),
        balanced_accuracy(best, labels),
        f1(best, labels),
    )
    return found


def _spread(rows: Sequence[Row]) -> list[str]:
    """Texts of all sets in even shares, chosen by a hash."""
    by_set: dict[str, list[str]] = {}
    for row in rows:
        by_set.setdefault(row.dataset, []).append(row.text)
    share = max(1, SPEED_TEXTS // len(by_set))
    chosen: list[str] = []
    for texts in by_set.values():
        chosen += sorted(set(texts), key=lambda text: zlib.crc32(text.encode()))[:share]
    return chosen


def _text(
    figures: Mapping[str, float], baselines: Mapping[str, tuple[float, float, float]], speed: Speed
) -> str:
    lines = ["| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value:.4g} |" for name, value in figures.items()]
    lines += ["", "| on StrategyQA dev | accuracy | balanced | F1 |", "|---|---|---|---|"]
    shown = {
        "learned": tuple(figures[f"strategyqa_{key}"] for key in ("accuracy", "balanced", "f1")),
        **baselines,
    }
    lines += [
        f"| {name} | " + " | ".join(f"{value:.3f}" for value in row) + " |" for name, row in shown.items()
    ]
    lines += ["", f"One decision takes {speed.p50_decision_s * 1e6:.0f} µs (median over the sets' texts)."]
    if speed.p50_encode_s is None:
        lines.append("p50_over_encode is missing: fetch the embedder with `pilotfish models pull minilm-l6`.")
    else:
        lines.append(f"One MiniLM encode of the same texts takes {speed.p50_encode_s * 1e3:.1f} ms.")
    return "\n".join(lines)
