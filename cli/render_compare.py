"""A comparison of two policies for people: the verdict, the measures, and where the difference lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..lab.compare import Comparison
    from ..lab.paired import Difference

_SHOWN = 12
"""Groups listed, those with the clearest difference; `--json` has them all."""


def render_comparison(console: Console, found: Comparison) -> None:
    """Verdict first, then what it rests on."""
    console.print(found.verdict, markup=False, soft_wrap=False)
    console.print()
    console.print(_measures(found))
    console.print()
    if found.slices:
        console.print(_slices(found))
    for note in found.notes:
        console.print(note, style="dim", markup=False)


def _measures(found: Comparison) -> Table:
    table = _table("", "A", "B", "B − A", "95 % interval", "P(B higher)")
    from ..lab.report_words import cost, cost_head, number, percent

    a, b = found.a, found.b
    table.add_row(Text("policy"), Text(a.policy), Text(b.policy))
    table.add_row("quality, %", percent(a.quality), percent(b.quality), *_ends(found.quality))
    if found.cost_unit == "usd":
        costs = (cost(a.cost, "usd"), cost(b.cost, "usd"))
        table.add_row(f"cost, {cost_head('usd')}", *costs, *_ends(found.cost, scale=1000, digits=3))
    table.add_row("large calls, %", percent(a.large_share), percent(b.large_share), *_ends(found.large_share))
    if found.apgr is not None:
        table.add_row("APGR", number(a.apgr), number(b.apgr), *_ends(found.apgr, scale=1, digits=3))
    if found.same_share is not None:
        table.add_row("quality at A's share of large calls", "", "", *_ends(found.same_share))
    return table


def _ends(found: Difference, *, scale: float = 100, digits: int = 1) -> tuple[str, str, str]:
    return (
        f"{scale * found.mean:+.{digits}f}",
        f"{scale * found.low:.{digits}f} to {scale * found.high:.{digits}f}",
        f"{found.p_better:.0%}",
    )


def _slices(found: Comparison) -> Table:
    table = _table("on", "prompts", "B − A, points", "95 % interval", "p (Holm)", "")
    groups = sorted(
        (part for part in found.slices if part.by == "group"), key=lambda part: part.quality.p_value
    )
    for part in [*(part for part in found.slices if part.by != "group"), *groups[:_SHOWN]]:
        difference, interval, _ = _ends(part.quality)
        table.add_row(
            Text(f"{part.by}: {part.name}"),
            f"{part.quality.n:,}",
            difference,
            interval,
            f"{part.p_adjusted:.3f}",
            "certain" if part.certain else "",
            style="" if part.certain else "dim",
        )
    if len(groups) > _SHOWN:
        table.add_row(f"and {len(groups) - _SHOWN} groups less clear", style="dim")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table
