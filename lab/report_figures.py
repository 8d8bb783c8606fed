"""The figures of a report, from a replay's figures and, where at hand, its scores per prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .plots import (
    Bins,
    Drawing,
    Line,
    Point,
    Scores,
    draw_cost_quality,
    draw_gains,
    draw_ranking,
    draw_reliability,
    draw_scores,
)
from .report import Exhibit, Summary, contenders
from .report_pairs import scored_of
from .routellm_metrics import curve
from .table import Floats

if TYPE_CHECKING:
    from .replay import Replay
    from .scored import Scored

BOUND = "oracle"
_MOST = 6
"""Policies in one figure of scores; more would not be told apart."""


def figures_of(results: Mapping[str, Any], replay: Replay | None, *, source: str) -> list[Exhibit]:
    """Cost against quality first; the others where the policies give scores."""
    summary: Sequence[Summary] = results["summary"]
    names = [line["policy"] for line in contenders(summary)]
    found = [_standing(summary, results, replay, names, source)]
    if replay is not None:
        ranked = [name for name in names if _ranked(scored_of(replay, name))][:_MOST]
        predicted = [name for name in names if scored_of(replay, name)[0].expected_quality is not None][
            :_MOST
        ]
        if ranked:
            found += [_gains(replay, ranked, names, source), _scores(replay, ranked, source)]
        if predicted:
            found.append(_reliability(replay, predicted, names, source))
    return found


def _standing(
    summary: Sequence[Summary],
    results: Mapping[str, Any],
    replay: Replay | None,
    names: Sequence[str],
    source: str,
) -> Exhibit:
    """Cost against quality; quality alone where many models have no costs."""
    table, unit = results["table"], summary[0]["cost_unit"]
    over = "prompts" if summary[0]["interval"] == "prompts" else "seeds"
    points = _points(summary, unit)
    if unit != "usd" and len(table["models"]) > 2:
        return Exhibit(
            name="ranking",
            title="Quality",
            caption=f"Bars: 95 % interval over {over}. Filled: policies; open: baselines; cross: the oracle, which no "
            "policy can reach. The table has no costs.",
            source=source,
            drawing=draw_ranking(points, policies=names),
            alt=_told(points),
        )
    two = len(table["models"]) == 2
    random = [(point.x, point.y) for point in (_ends(points) if two else ())]
    lines = [] if replay is None or unit == "usd" else [_curve(replay, name) for name in names if two]
    drawing: Drawing = draw_cost_quality(
        points,
        [line for line in lines if line is not None],
        policies=names,
        random=random,
        x_label="dollars per 1,000 prompts" if unit == "usd" else "large calls, % of the prompts",
    )
    curves = " Thin curves: the same policy at every other threshold." if any(lines) else ""
    chance = " Dashed: chance at every share of large calls." if random else ""
    return Exhibit(
        name="cost-quality",
        title="Cost against quality",
        caption=(
            f"Filled: policies where they stand; open: baselines; cross: the oracle, which no policy can reach. Bars: "
            f"95 % interval over {over}. Grey band: the Pareto front, what nothing beats in both.{curves}{chance}"
        ),
        source=source,
        drawing=drawing,
        alt=_told(points),
    )


def _points(summary: Sequence[Summary], unit: str) -> list[Point]:
    """One point per contender; baselines that stand in one place share a name."""
    found: dict[tuple[float, float], Point] = {}
    for line in summary:
        if line["policy"].startswith("random@"):
            continue
        x = (1000 if unit == "usd" else 100) * line["cost"]
        y = 100 * line["quality"]
        low, high = (
            100 * line[f"quality_{end}"] if line.get(f"quality_{end}") is not None else y
            for end in ("low", "high")
        )
        role = "policy" if not line["baseline"] else "bound" if line["policy"] == BOUND else "baseline"
        place = (round(x, 6), round(y, 6))
        name, key = line["policy"], place
        if role != "baseline":
            key = (float(len(found)), -1.0)
        elif place in found:
            name = f"{found[place].name} = {name}"
        found[key] = Point(name=name, x=x, y=y, low=low, high=high, role=role)
    return list(found.values())


def _ends(points: Sequence[Point]) -> list[Point]:
    return [
        point
        for name in ("always-small", "always-large")
        for point in points
        if name in point.name.split(" = ")
    ]


def _told(points: Sequence[Point]) -> str:
    """The figure in words, for those who cannot see it."""
    return "Quality: " + "; ".join(
        f"{point.name} {point.y:.1f} %" for point in sorted(points, key=lambda point: -point.y)
    )


def _ranked(scored: Sequence[Scored]) -> bool:
    return all(float(np.ptp(each.score)) > 0 for each in scored)


def _curve(replay: Replay, name: str) -> Line | None:
    scored = scored_of(replay, name)
    if not _ranked(scored):
        return None
    grid = np.linspace(0.0, 1.0, 101)
    qualities = [
        np.interp(grid, found.share, found.quality)
        for each in scored
        for found in [curve(each.score, *_outcomes(replay, each))]
    ]
    return Line(name=name, x=100 * grid, y=100 * np.mean(qualities, axis=0))


def _outcomes(replay: Replay, scored: Scored) -> tuple[Floats, Floats]:
    correct = replay.table.correct[scored.rows]
    return correct[:, replay.pair.small], correct[:, replay.pair.large]


def _gains(replay: Replay, ranked: Sequence[str], names: Sequence[str], source: str) -> Exhibit:
    small, large = (replay.table.models[column] for column in (replay.pair.small, replay.pair.large))
    return Exhibit(
        name="gain-by-score",
        title="Does the score know where the large model helps?",
        caption=(
            f"What {large} gets right beyond {small}, by tenths of the prompts in the order of each policy's score. "
            "A score that knows nothing is level. Bars: 95 % interval of the mean, all seeds together."
        ),
        source=source,
        drawing=draw_gains(
            [_gain(replay, name) for name in ranked], policies=names, y_label="large − small, points"
        ),
        alt="Gain of the large model by tenth of the score, for " + ", ".join(ranked),
    )


def _gain(replay: Replay, name: str) -> Bins:
    """The mean gain by tenth of the score's rank; prompts of one score share a tenth."""
    tenths: list[Floats] = []
    gains: list[Floats] = []
    for each in scored_of(replay, name):
        _, tie, count = np.unique(each.score, return_inverse=True, return_counts=True)
        middle = (np.cumsum(count) - count / 2) / count.sum()
        tenths.append(np.minimum(np.floor(10 * middle), 9)[tie] + 1)
        small, large = _outcomes(replay, each)
        gains.append(large - small)
    seeds = len(tenths)
    return _binned(name, np.concatenate(tenths), 100 * np.concatenate(gains), np.concatenate(tenths), seeds)


def _reliability(replay: Replay, predicted: Sequence[str], names: Sequence[str], source: str) -> Exhibit:
    bins = []
    for name in predicted:
        scored = scored_of(replay, name)
        expected = np.concatenate(
            [each.expected_quality for each in scored if each.expected_quality is not None]
        )
        quality = np.concatenate([each.quality for each in scored])
        edges = np.unique(np.quantile(expected, np.linspace(0, 1, 11)))
        place = np.searchsorted(edges[1:-1], expected, "right")
        bins.append(_binned(name, 100 * expected, 100 * quality, place.astype(np.float64), len(scored)))
    return Exhibit(
        name="reliability",
        title="Does the predicted quality come true?",
        caption=(
            "The predicted probability that the chosen model is right against how often it was, by tenths of the "
            "predictions. On the dashed line a prediction means what it says; below it, it promises too much. Bars: "
            "95 % interval of the mean."
        ),
        source=source,
        drawing=draw_reliability(
            bins, policies=names, x_label="predicted quality, %", y_label="observed quality, %"
        ),
        alt="Predicted against observed quality, for " + ", ".join(predicted),
    )


def _binned(name: str, predicted: Floats, observed: Floats, places: Floats, seeds: int) -> Bins:
    """Means by bin; a prompt that several seeds scored narrows the interval no more than one would."""
    found = []
    for place in np.unique(places):
        mask = places == place
        mean = observed[mask].mean()
        half = 1.96 * observed[mask].std() / np.sqrt(max(1.0, mask.sum() / seeds))
        found.append((predicted[mask].mean(), mean, mean - half, mean + half))
    columns = np.array(found, dtype=np.float64).T
    return Bins(name=name, predicted=columns[0], observed=columns[1], low=columns[2], high=columns[3])


def _scores(replay: Replay, ranked: Sequence[str], source: str) -> Exhibit:
    small, large = (replay.table.models[column] for column in (replay.pair.small, replay.pair.large))
    seed = scored_of(replay, ranked[0])[0].seed
    return Exhibit(
        name="scores",
        title="What the policies decided",
        caption=(
            f"Prompts by the score each policy gave them, coloured by where they went (seed {seed}). The line is the "
            "threshold, where the score alone decides."
        ),
        source=source,
        drawing=draw_scores(
            [_panel(replay, name) for name in ranked], small=_side(replay, small), large=large
        ),
        alt="Histograms of scores for " + ", ".join(ranked),
    )


def _side(replay: Replay, small: str) -> str:
    return small if len(replay.table.models) == 2 else "other models"


def _panel(replay: Replay, name: str) -> Scores:
    first = scored_of(replay, name)[0]
    large = first.choice == replay.pair.large
    below, above = first.score[~large], first.score[large]
    cut = len(below) and len(above) and below.max() <= above.min()
    return Scores(
        name=name, small=below, large=above, threshold=float((below.max() + above.min()) / 2) if cut else None
    )
