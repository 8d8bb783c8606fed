"""How a planned route reads on a terminal: the answer, the ways side by side, the sources, the plan."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..agents.result import Result
from .render import print_text, subtask_table, totals_line

_COSTS = ("fuel", "canal", "port", "charter", "risk", "ets", "transhipment")


def render_voyage(console: Console, result: Result, drawn: dict[str, Any]) -> None:
    """Everything a planner wants to see, the answer first."""
    console.print()
    print_text(console, result.answer, style="bold")
    route, others = result.extra["route"], result.extra["alternatives"]
    if route or others:
        _render_query(console, result.extra["query"])
        console.print(_ways(route, others))
        _render_reasons(console, route, others)
        _render_list(console, "Assumed", result.extra["assumptions"])
        _render_list(console, "Overruled", result.extra["overruled"])
        _render_facts(console, result.extra["facts"])
    console.print(Text("\nPlan", style="bold"))
    console.print(subtask_table(result, width=console.width))
    for kind, path in drawn.items():
        if path:
            print_text(console, f"map {kind}: {path}")
    print_text(console, totals_line(result), style="dim")


def _render_query(console: Console, query: dict[str, Any]) -> None:
    said = [f"{name} {_plain(value)}" for name, value in query.items() if value not in (None, [])]
    console.print(Text(f"\nUnderstood: {', '.join(said)}\n"))


def _ways(route: dict[str, Any] | None, others: list[dict[str, Any]]) -> Table:
    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    ways = [*([route] if route else []), *others]
    for way in ways:
        table.add_column(
            way["label"],
            justify="right",
            style="green" if way is route and way["feasible"] else "",
            overflow="fold",
        )
    for name, cells in _rows(ways):
        table.add_row(name, *cells)
    return table


def _rows(ways: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    rows = [
        ("distance, nm", [f"{way['distance_nm']:,.0f}" for way in ways]),
        ("speed, kn", [f"{way['speed_kn']:g}" for way in ways]),
        ("days", [f"{way['days']:.1f}" for way in ways]),
        ("ETA", [way["eta"] or "-" for way in ways]),
        ("fuel, t", [f"{way['fuel_t']:,.0f}" for way in ways]),
    ]
    for part in _COSTS:
        if any(way["cost_usd"].get(part) for way in ways):
            rows += [(f"{part}, $", [f"{way['cost_usd'].get(part, 0):,.0f}" for way in ways])]
    rows += [
        ("total, $", [f"{way['cost_usd']['total']:,.0f}" for way in ways]),
        ("CO2, t", [f"{way['co2_t']:,.0f}" for way in ways]),
        ("keeps every limit", ["yes" if way["feasible"] else "no" for way in ways]),
    ]
    return rows


def _render_reasons(console: Console, route: dict[str, Any] | None, others: list[dict[str, Any]]) -> None:
    console.print()
    if route and not route["feasible"]:
        console.print(Text(f"Nearest miss, {route['label']}: {route['rejected']}", style="bold"))
    elif route and route["binding"] and route["binding"]["limit"] is not None:
        binding = route["binding"]
        console.print(
            Text(
                f"Binding: {binding['name']}, {binding['slack']:,g} {binding['unit']} of slack", style="bold"
            )
        )
    for way in others:
        console.print(Text(f"{way['label']} rejected: {way['rejected']}"))


def _render_list(console: Console, title: str, lines: list[str]) -> None:
    for line in lines:
        console.print(Text(f"{title}: {line}"))


def _render_facts(console: Console, facts: list[dict[str, Any]]) -> None:
    by_document: dict[str, list[str]] = {}
    for fact in facts:
        quotes = by_document.setdefault(fact["document"], [])
        if fact["quote"] not in quotes:
            quotes.append(fact["quote"])
    console.print(Text("\nSources", style="bold"))
    for document, quotes in by_document.items():
        console.print(Text(document))
        for quote in quotes:
            console.print(Text(f"    {quote.lstrip('- ')}", style="dim"), soft_wrap=True)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)
