"""The tables of a report: all contenders, where the best of them gains, which models it chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .compare import kinds_of
from .compare_slices import LEAST, Slice, slice_differences, slices_of
from .report import Cell, Exhibit, Line, Summary, line_of, merit, standard_of, winner_of
from .report_pairs import RESAMPLES, large_share_per_row, quality_per_row, rows_of, scored_of
from .report_words import cost, cost_head, number, percent, points, points_range, quoted, short

if TYPE_CHECKING:
    from .replay import Replay
    from .table import Floats

_PROMPTS = 10
_PROMPT_LENGTH = 240
_BY = {"kind": "predicted kind", "length": "prompt length", "group": "group"}


def tables_of(
    results: Mapping[str, Any],
    replay: Replay | None,
    *,
    source: str,
    show_prompts: bool = False,
) -> list[Exhibit]:
    """The table of contenders first."""
    summary: Sequence[Summary] = results["summary"]
    found = [_contenders(results, source)]
    if len(results["table"]["models"]) > 2:
        found.append(_shares(summary, results, source))
    winner = winner_of(results)
    if replay is not None and winner is not None and scored_of(replay, "best-fixed"):
        found.append(_slices(winner, summary, replay, source))
        if show_prompts:
            found.append(_prompts(winner, replay, source))
    return found


def _contenders(results: Mapping[str, Any], source: str) -> Exhibit:
    summary: Sequence[Summary] = results["summary"]
    standard = standard_of(results)
    by_apgr = standard == "apgr"
    unit = summary[0]["cost_unit"]
    winner = winner_of(results)
    shown = [line for line in summary if not line["policy"].startswith("random@")]
    shown.sort(key=lambda line: -merit(line, standard))
    heads = ["", "quality %", "95 %", "chance %", "large %", *(["cost"] if unit == "usd" else [])]
    heads += ["APGR", "95 %", "CPT50", "CPT80"] if by_apgr else []
    lines: list[Line] = []
    for baseline, title in ((False, "Policies"), (True, "Baselines")):
        part = [line for line in shown if line["baseline"] is baseline]
        if part:
            lines.append(Line(cells=(Cell(text=title),), head=True))
            lines += [_contender(line, unit, by_apgr=by_apgr, strong=line is winner) for line in part]
    over = "prompts, by bootstrap" if summary[0]["interval"] == "prompts" else "seeds (Student's t)"
    caption = (
        f"95 %: interval over {over}. Chance: the same shares of the models dealt out by chance. "
        + (f"Cost: {cost_head('usd')}. " if unit == "usd" else "")
        + (
            "APGR: average performance gap recovered; CPT50 and CPT80: percent of large calls that recover 50 and 80 % "
            "of the gap between the two models (RouteLLM). "
            if by_apgr
            else ""
        )
        + "Baselines may look at what no policy sees."
    )
    return Exhibit(
        name="contenders",
        title="Policies and baselines",
        caption=caption,
        source=source,
        heads=tuple(heads),
        lines=tuple(lines),
    )


def _contender(line: Summary, unit: str, *, by_apgr: bool, strong: bool) -> Line:
    name = line["policy"]
    if name == "best-fixed":
        name = f"{name} ({line['version']})"
    cells = [name, percent(line["quality"]), _ends(line, "quality", percent), percent(line["random_quality"])]
    cells += [percent(line["large_share"]), *([cost(line["cost"], unit)] if unit == "usd" else [])]
    if by_apgr:
        cells += [_or_dash(line["apgr"], number), _ends(line, "apgr", number)]
        cells += [_or_dash(line[name], lambda value: number(value, 1)) for name in ("cpt50", "cpt80")]
    faint = {2, 7 if unit == "usd" else 6}
    return Line(
        cells=tuple(Cell(text=text, faint=place in faint) for place, text in enumerate(cells)), strong=strong
    )


def _ends(line: Summary, name: str, write: Any) -> str:
    low, high = line.get(f"{name}_low"), line.get(f"{name}_high")
    return "–" if low is None or high is None or low != low else f"{write(low)} to {write(high)}"


def _or_dash(value: float | None, write: Any) -> str:
    return "–" if value is None else write(value)


def _shares(summary: Sequence[Summary], results: Mapping[str, Any], source: str) -> Exhibit:
    shown = [line for line in summary if not line["policy"].startswith(("random@", "always-"))]
    models = results["table"]["models"]
    lines = [
        Line(
            cells=(
                Cell(text=model),
                *(_share(line["shares"].get(model, 0.0)) for line in shown),
            )
        )
        for model in models
    ]
    return Exhibit(
        name="shares",
        title="Who gets which model",
        caption="Percent of the prompts that each policy gives each model, mean over seeds.",
        source=source,
        heads=("model", *(line["policy"] for line in shown)),
        lines=tuple(lines),
    )


def _share(value: float) -> Cell:
    return Cell(text="–" if value == 0 else f"{100 * value:.0f}", share=value, faint=value == 0)


def _slices(winner: Summary, summary: Sequence[Summary], replay: Replay, source: str) -> Exhibit:
    name, rows = winner["policy"], rows_of(replay)
    other, head, told = _reference(winner, summary, replay)
    mine, theirs = quality_per_row(replay, name, rows), quality_per_row(replay, other, rows)
    large, kinds = large_share_per_row(replay, name, rows), kinds_of(replay)
    found = slice_differences(replay.table, rows, mine - theirs, kinds=kinds, resamples=RESAMPLES)
    masks = list(slices_of(replay.table, rows, kinds))
    lines: list[Line] = []
    by = ""
    for part, (_, _, mask) in sorted(
        zip(found, masks, strict=True), key=lambda pair: (_order(pair[0]), -pair[0].quality.mean)
    ):
        if part.by != by:
            by = part.by
            lines.append(Line(cells=(Cell(text=f"by {_BY[part.by]}"),), head=True))
        lines.append(_slice(part, mine[mask], theirs[mask], large[mask]))
    return Exhibit(
        name="slices",
        title=f"Where {short(name, 40)} gains and loses",
        caption=(
            f"{quoted(name)} beside {told}, on the same prompts: difference in points. {len(found)} slices of at "
            f"least {LEAST} prompts were looked at; a difference is marked + or − where it stands after Holm's "
            "correction over all of them, the intervals are not corrected. Kinds are as ‘learned’ predicts them, "
            "lengths are thirds of the prompts by characters."
        ),
        source=source,
        heads=("prompts", "n", "large %", "quality %", head, "difference", "95 %", ""),
        lines=tuple(lines),
    )


def _reference(winner: Summary, summary: Sequence[Summary], replay: Replay) -> tuple[str, str, str]:
    """What slices are compared with, its column's head and its description: between two models, where any policy
    that saves calls loses to the large one, chance; with more, the best single model."""
    if len(replay.table.models) == 2:
        return f"random@{winner['policy']}", "chance %", "the same shares of both models dealt out by chance"
    best = line_of(summary, "best-fixed")
    named = f" ({best['version']})" if best else ""
    return "best-fixed", "single model %", f"the best single model{named}"


def _order(part: Slice) -> int:
    return list(_BY).index(part.by) * 10 + (
        ("short", "middling", "long").index(part.name) if part.by == "length" else 0
    )


def _slice(part: Slice, mine: Floats, theirs: Floats, large: Floats) -> Line:
    found = part.quality
    mark = "" if not part.certain else "+" if found.mean > 0 else "−"
    texts = (
        part.name,
        f"{found.n:,}",
        percent(float(large.mean())),
        percent(float(mine.mean())),
        percent(float(theirs.mean())),
        points(found.mean),
        points_range(found.low, found.high).removeprefix("95 % "),
        mark,
    )
    return Line(
        cells=tuple(Cell(text=text, faint=place == 6) for place, text in enumerate(texts)), strong=False
    )


def _prompts(winner: Summary, replay: Replay, source: str) -> Exhibit:
    lines = tuple(
        Line(
            cells=(
                Cell(text=short(replay.table.prompts[row], _PROMPT_LENGTH)),
                Cell(text=model),
                Cell(text=f"{lost:.2f}"),
            )
        )
        for row, model, lost in _losses(winner["policy"], replay)
    )
    return Exhibit(
        name="prompts",
        title="Prompts it lost",
        caption=f"{_PROMPTS} prompts at most where {quoted(winner['policy'])} did worst against the best single model.",
        source=source,
        heads=("prompt", "model chosen", "quality lost"),
        lines=lines,
    )


def _losses(name: str, replay: Replay) -> Iterator[tuple[int, str, float]]:
    first, fixed = scored_of(replay, name)[0], scored_of(replay, "best-fixed")[0]
    lost = fixed.quality - first.quality
    for place in np.argsort(-lost, kind="stable")[:_PROMPTS]:
        if lost[place] > 0:
            yield int(first.rows[place]), replay.table.models[first.choice[place]], float(lost[place])
