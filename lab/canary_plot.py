"""The picture of a canary simulation: how often the gates are wrong, and how soon they see a drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import UsageError
from ..rollout.simulate import DROPS, REFERENCES, Simulation
from ..rollout.trial import HARMLESS_HORIZON, Trial
from ..tracing.whole import writing_whole
from .plots import GRID, INK, MUTED, SERIES


def draw_simulation(simulation: Simulation, path: Path) -> Path:
    """Three panels as PNG: false rollbacks by requests, drops detected by requests in the ramp and by pairs.

    Raises `UsageError` where matplotlib is missing.
    """
    figure = _figure()
    harmless, ramp, shadow = figure.subplots(1, 3)
    assumed, trials = simulation.assumptions, simulation.trials
    _harmless(harmless, trials["harmless"])
    share = f"{100 * assumed.share:.3g} %"
    _detected(ramp, trials, "ramp", f"Drop detected, {share} ramp", "users' requests in all")
    _detected(shadow, trials, "shadow", "Drop detected, paired shadow", "pairs")
    figure.suptitle(
        f"{assumed.runs:,} simulated canaries per line; the baseline passes {100 * assumed.baseline:.3g} %",
        x=0.01,
        ha="left",
        fontsize=9,
        color=MUTED,
    )
    with writing_whole(path) as partial:
        figure.savefig(partial, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return path


def _harmless(axes: Any, trials: Sequence[Trial]) -> None:
    lines = (
        ([trial.naive for trial in trials], SERIES[1], "z-test, peeked"),
        ([trial.ended for trial in trials], SERIES[0], "the gates"),
    )
    highest = 0.1
    for ends, colour, name in lines:
        at, share = _curve(ends, HARMLESS_HORIZON)
        highest = max(highest, 1.15 * share[-1])
        axes.plot(at, share, color=colour, linewidth=1.8, drawstyle="steps-post")
        axes.annotate(
            f"{name}: {100 * share[-1]:.1f} %",
            (HARMLESS_HORIZON, share[-1]),
            xytext=(-2, 4),
            textcoords="offset points",
            ha="right",
            color=colour,
            fontsize=8.5,
        )
    axes.axhline(REFERENCES["false_rollback"], color=MUTED, linewidth=0.9, linestyle=(0, (3, 3)))
    axes.annotate(
        "alpha = 5 %",
        (0, REFERENCES["false_rollback"]),
        xytext=(4, 3),
        textcoords="offset points",
        color=MUTED,
        fontsize=8,
    )
    axes.set_xlim(0, HARMLESS_HORIZON)
    axes.set_ylim(0, highest)
    _frame(axes, "Harmless candidate rolled back", "users' requests in all")


def _detected(axes: Any, trials: Mapping[str, Sequence[Trial]], study: str, title: str, unit: str) -> None:
    unit_key = "requests" if study == "ramp" else "pairs"
    for drop, colour in zip(DROPS, (SERIES[0], SERIES[2], SERIES[1]), strict=True):
        name = f"{100 * drop:.0f}pt"
        ends = [trial.ended for trial in trials[f"{study} {name}"]]
        at, share = _curve(ends, max((end for end in ends if end is not None), default=1))
        axes.plot(
            at, share, color=colour, linewidth=1.8, drawstyle="steps-post", label=f"{100 * drop:.0f} points"
        )
        reference = REFERENCES.get(f"detect_{name}_{study}_{unit_key}")
        if reference:
            axes.plot(reference, 0.5, marker="D", color="white", markeredgecolor=colour, markersize=6)
    axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (3, 3)))
    axes.set_xscale("log")
    axes.set_xlim(left=100 if study == "ramp" else 10)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, fontsize=8.5, loc="lower right", title="◇ reference median", title_fontsize=8)
    _frame(axes, title, unit)


def _curve(ends: Sequence[int | None], horizon: int) -> tuple[Any, Any]:
    """The share that has ended by each time, from 0 to the horizon."""
    times = sorted(end for end in ends if end is not None)
    share = np.arange(1, len(times) + 1) / len(ends)
    last = share[-1] if len(share) else 0.0
    return [0, *times, horizon], [0.0, *share, last]


def _frame(axes: Any, title: str, unit: str) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(unit, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=MUTED)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _figure() -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "a plot needs matplotlib; install it with: pip install 'pilotfish[plots]'"
        ) from error
    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
