"""The picture of one canary: the pass rates' difference and its confidence sequence, observation by observation."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import UsageError
from ..rollout.gates import Gates
from ..rollout.rollout import Rollout
from ..rollout.states import TERMINAL
from .plots import GRID, INK, MUTED, SERIES

if TYPE_CHECKING:
    from pathlib import Path

    from ..rollout.observation import Observation
    from ..rollout.plan import RolloutPlan
    from ..tracing.ledger import Ledger

_POINTS = 200
"""About how many points of the sequence are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The comparison of the pass rates after so many observations."""

    count: int
    gain: float
    low: float
    high: float
    evidence: float
    """The e-value of all comparisons together."""


@dataclass(slots=True)
class Story:
    """What a canary's gates saw, in order."""

    points: list[Point] = field(default_factory=list[Point])
    stages: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Observations that had come when a stage began, and its name."""
    count: int = 0
    needed: float = 0.0
    """The e-value at which the candidate goes back."""


class _Noting(Gates):
    """The gates, which also note what they know as they go along."""

    def __init__(self, plan: RolloutPlan, story: Story, every: int) -> None:
        super().__init__(plan)
        self._story = story
        self._every = every

    def add(self, observation: Observation) -> None:
        """Take it in, and note where that leads every so often."""
        super().add(observation)
        self._story.count += 1
        if self._story.count % self._every == 0:
            self.note()

    def enter(self, stage: str) -> None:
        """Begin a stage, and note it."""
        super().enter(stage)
        self._story.stages.append((self._story.count, stage))

    def note(self) -> None:
        """Keep where the first test, the pass rate's, stands."""
        known = self.evidence()
        first = known["tests"][0]
        self._story.needed = known["needed"]
        if first["comparisons"]:
            gain, low, high = first["gain"], first["low"], first["high"]
            evidence = known["e_value"]
            self._story.points.append(
                Point(count=self._story.count, gain=gain, low=low, high=high, evidence=evidence)
            )


def story_of(rollout: Rollout, ledger: Ledger) -> Story:
    """Go through the canary's records once more."""
    story = Story()
    total = sum(counts.requests for counts in rollout.tally.counts.values())
    made: list[_Noting] = []

    def judge(plan: RolloutPlan) -> Gates:
        made.append(_Noting(plan, story, max(1, total // _POINTS)))
        return made[-1]

    Rollout.open(ledger, rollout.id, judge=judge)
    for gates in made:
        gates.note()
    return story


def check_picture(path: Path) -> Path:
    """The path, where a story may be drawn there: it ends in .png and its folder exists."""
    if path.suffix.lower() != ".png":
        raise UsageError(
            f"the plot is a PNG picture, not {path.suffix or path.name!r}: name it {path.stem}.png"
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {str(path.parent)!r} for the plot {path.name!r}: make it first")
    return path


def draw_story(rollout: Rollout, ledger: Ledger) -> bytes:
    """The story as PNG. `UsageError` where matplotlib is missing."""
    story = story_of(rollout, ledger)
    figure, axes, below = _figure()
    counts = [point.count for point in story.points]
    bounds = [[100 * bound for bound in line] for line in _lines(story)]
    axes.fill_between(counts, bounds[1], bounds[2], color=SERIES[0], alpha=0.18, linewidth=0)
    axes.plot(counts, bounds[0], color=SERIES[0], linewidth=1.8)
    axes.axhline(0, color=INK, linewidth=0.9)
    margin = -100 * rollout.plan.margin
    axes.axhline(margin, color=MUTED, linewidth=0.9, linestyle=(0, (3, 3)))
    _mark_stages(axes, story)
    _mark_end(axes, rollout, story)
    seen = [value for value in (*bounds[0], margin, 10.0) if value == value]
    widest = max(map(abs, (*seen, *(bounds[1][-1:]), *(bounds[2][-1:]))))
    axes.set_ylim(-min(100, 2.2 * widest), min(100, 2.2 * widest))
    axes.set_xlim(0, max(story.count, 1) * 1.02)
    axes.set_ylabel("pass rate, candidate\nless baseline (points)")
    _draw_evidence(below, story)
    sure = 100 * (1 - rollout.plan.alpha)
    axes.set_title(
        f"{rollout.id}: {'; '.join(rollout.candidate.differs(rollout.baseline))}\n"
        f"band: {sure:.3g} % confidence sequence, valid at every look; dashed: the plan's margin",
        loc="left",
        fontsize=9,
        color=MUTED,
    )
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return target.getvalue()


def _draw_evidence(axes: Any, story: Story) -> None:
    """What rolls a candidate back, whatever the interval of one test says: the e-value of all of them."""
    axes.plot(
        [point.count for point in story.points],
        [max(point.evidence, 1e-3) for point in story.points],
        color=SERIES[1],
        linewidth=1.8,
    )
    if story.needed:
        axes.axhline(story.needed, color=SERIES[1], linewidth=0.9, linestyle=(0, (3, 3)))
        axes.annotate(
            f"goes back at {story.needed:.3g}",
            (0, story.needed),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=8,
            color=SERIES[1],
        )
    axes.set_yscale("log")
    top = max((story.needed, *(point.evidence for point in story.points)))
    axes.set_ylim(
        bottom=min([0.5, *(max(point.evidence, 1e-3) / 2 for point in story.points)]), top=max(1.0, top) * 4
    )
    axes.set_ylabel("evidence that\nit is worse")
    axes.set_xlabel("observations, both arms")


def _lines(story: Story) -> tuple[list[float], list[float], list[float]]:
    points = story.points
    return [each.gain for each in points], [each.low for each in points], [each.high for each in points]


def _mark_stages(axes: Any, story: Story) -> None:
    for number, (count, stage) in enumerate(story.stages):
        name, _, share = stage.partition(" ")
        label = f"{100 * float(share):.3g} %" if share else name
        axes.axvline(count, color=GRID, linewidth=1.2)
        axes.annotate(
            label,
            (count, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -10 - 11 * (number % 2)),  # short stages stand close together
            textcoords="offset points",
            fontsize=8,
            color=MUTED,
        )


def _mark_end(axes: Any, rollout: Rollout, story: Story) -> None:
    state = rollout.state
    if state not in (*TERMINAL, "promoted"):
        return
    colour = SERIES[2] if state == "promoted" else SERIES[1]
    axes.axvline(story.count, color=colour, linewidth=2)
    axes.annotate(
        rollout.stage.label,
        (story.count, 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=colour,
        fontweight="bold",
        fontsize=9,
    )


def _figure() -> tuple[Any, Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a plot needs matplotlib: pip install 'pilotfish[plots]'") from None
    figure = Figure(figsize=(7.6, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, *panels
