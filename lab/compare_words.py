"""A comparison in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .paired import Difference
from .report_words import more_or_fewer, percent, points, points_range, quoted

if TYPE_CHECKING:
    from .compare import Comparison

_BEYOND = 20
"""Times the rows there are beyond which "more rows" is no advice."""


def verdict_of(comparison: Comparison) -> str:
    """Which of the two is better, by how much and at what cost; or that the data cannot tell."""
    found = comparison.quality
    sentence = _better(comparison) if found.certain else _undecided(comparison)
    same = comparison.same_share
    if same is None or abs(comparison.large_share.mean) < 0.005:
        return f"{sentence}."
    return f"{sentence}. {_at_same_share(comparison, same)}."


def notes_of(comparison: Comparison) -> tuple[str, ...]:
    """What the intervals cover, and how the many questions were allowed for."""
    seeds = len(comparison.seeds)
    found = [f"{comparison.n:,} prompts of {comparison.table}; intervals: 95 %, by resampling prompts."]
    if seeds > 1:
        low, high = comparison.seed_range
        found.append(
            f"A prompt counts once, with its mean over the {seeds} seeds that scored it: the splits overlap, so seeds "
            "are no independent runs. The intervals cover which prompts are asked, not another training draw; single "
            f"seeds differ from {points(low)} to {points(high)} points."
        )
    if comparison.slices:
        found.append(
            f"{len(comparison.slices)} slices were looked at; one is called certain where its difference stands after "
            "Holm's correction over all of them (its interval is not corrected). Kinds are as `learned` predicts them."
        )
    return tuple(found)


def _better(comparison: Comparison) -> str:
    found = comparison.quality
    ahead, behind = (comparison.b, comparison.a) if found.mean > 0 else (comparison.a, comparison.b)
    sign = 1 if found.mean > 0 else -1
    low, high = sorted((sign * found.low, sign * found.high))
    price = more_or_fewer(sign * comparison.cost.mean, comparison.cost_unit)
    return (
        f"{quoted(ahead.policy)} is better than {quoted(behind.policy)} by {100 * abs(found.mean):.1f} points "
        f"({points_range(low, high)}) at {price}"
    )


def _undecided(comparison: Comparison) -> str:
    found = comparison.quality
    a, b = quoted(comparison.a.policy), quoted(comparison.b.policy)
    if found.mean == 0 and found.low == 0 == found.high:
        return f"{a} and {b} are equally good on every one of the {found.n:,} prompts{_cheaper(comparison)}"
    return (
        f"The data cannot tell {a} and {b} apart in quality: {b} scored {_more(found.mean)} "
        f"({points_range(found.low, found.high)}){_more_rows(found)}{_cheaper(comparison)}"
    )


def _more_rows(found: Difference) -> str:
    if found.rows_needed is None:
        return ""
    more = found.rows_needed - found.n
    if more > _BEYOND * found.n:
        return f"; a difference of this size would take about {_rounded(found.rows_needed):,} rows to show"
    return f"; about {_rounded(more):,} more rows would settle a difference of this size (four times in five)"


def _cheaper(comparison: Comparison) -> str:
    cost = comparison.cost
    if not cost.certain:
        return ""
    return (
        f"; {quoted(comparison.b.policy)} makes do with {more_or_fewer(cost.mean, comparison.cost_unit)}"
        if (cost.mean < 0)
        else f"; {quoted(comparison.a.policy)} makes do with {more_or_fewer(-cost.mean, comparison.cost_unit)}"
    )


def _at_same_share(comparison: Comparison, same: Difference) -> str:
    share = percent(comparison.a.large_share)
    sure = "" if same.certain else ", which is not certain"
    return (
        f"With as many large calls as {quoted(comparison.a.policy)} makes ({share} %), "
        f"{quoted(comparison.b.policy)} would score {_more(same.mean)} ({points_range(same.low, same.high)}){sure}"
    )


def _more(value: float) -> str:
    size = f"{100 * abs(value):.1f}"
    if size == "0.0":
        return "the same to a tenth of a point"
    return f"{size} points {'more' if value > 0 else 'fewer'}"


def _rounded(rows: int) -> int:
    """Two significant digits, upwards: the estimate is no better."""
    scale = 10 ** max(0, len(str(rows)) - 2)
    return -(-rows // scale) * scale
