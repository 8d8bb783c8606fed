"""How a result reads on a terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..agents.plan import Plan
from ..agents.result import Result, SubtaskResult

_STATUS_STYLE = {"accepted": "green", "unverified": "yellow", "failed": "red", "skipped": "red"}
_TABLE_FROM, _TABLE_TO = 100, 160
"""Columns: a narrower terminal gets a list instead of the table, a wider one no wider table."""


def render_result(console: Console, result: Result, *, mermaid: bool = False) -> None:
    """The answer, its plan, its sources and what it took."""
    console.print()
    print_text(console, result.answer, style="bold")
    console.print()
    if result.status == "awaiting_approval":
        _render_plan(console, result)
    else:
        console.print(subtask_table(result, width=console.width))
    for number, citation in enumerate(result.citations, start=1):
        place = ", ".join(
            part for part in (citation.heading, f"page {citation.page}" if citation.page else None) if part
        )
        said = " ".join(citation.quote.split())
        print_text(console, f"[{number}] {citation.source}{f' ({place})' if place else ''}: “{said}”")
    print_text(console, totals_line(result), style="dim")
    if mermaid and result.plan:
        lanes = {subtask.id: subtask.lane for subtask in result.subtasks if subtask.lane}
        console.print(Text(Plan.from_json(result.plan).mermaid(lanes=lanes)), soft_wrap=True)


def print_text(console: Console, text: str, *, style: str = "") -> None:
    """Plain text: wrapped on a terminal, left in one piece for whatever else reads it."""
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


def subtask_table(result: Result, *, width: int = _TABLE_TO) -> ConsoleRenderable:
    """What became of each subtask: kind, lanes, status and why; a list where `width` columns are too few."""
    if width < _TABLE_FROM:
        return Group(*(part for subtask in result.subtasks for part in _lines(subtask)))
    table = Table(show_edge=False, pad_edge=False, header_style="dim", width=min(width, _TABLE_TO))
    table.add_column("subtask", overflow="fold", ratio=2)
    for name in ("kind", "lane", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold", ratio=3)
    for subtask in result.subtasks:
        table.add_row(
            Text(f"{subtask.id}: {subtask.text}"),
            Text(kind_of(subtask)),
            Text(_path(subtask)),
            Text(subtask.status, style=_STATUS_STYLE[subtask.status]),
            Text(subtask.verdict.reason),
        )
    return table


def kind_of(subtask: SubtaskResult) -> str:
    """The decided kind with its probability."""
    if subtask.decision is None:
        return "-"
    return f"{subtask.decision.kind} {subtask.decision.confidence:.0%}"


def totals_line(result: Result) -> str:
    """Calls by model, tokens, dollars and seconds of a run, and its id."""
    spend = result.spend
    calls = f"{spend.calls} model call{'' if spend.calls == 1 else 's'}{_models(result)}"
    return (
        f"run {result.run_id}: {result.status}; {calls}, "
        f"{spend.input_tokens} + {spend.output_tokens} tokens, ${spend.cost_usd:.4f}, {result.wall_ms / 1000:.1f} s"
    )


def _models(result: Result) -> str:
    counts = Counter(call.model_id for subtask in result.subtasks for call in subtask.calls)
    if rest := result.spend.calls - counts.total():
        counts["planning and routing"] = rest
    if not counts:
        return ""
    shown = [f"{name} {count}" for name, count in counts.items()] if len(counts) > 1 else list(counts)
    return f" ({', '.join(shown)})"


def _render_plan(console: Console, result: Result) -> None:
    for subtask in Plan.from_json(result.plan):
        after = f" (after {', '.join(subtask.depends_on)})" if subtask.depends_on else ""
        print_text(console, f"{subtask.id}: {subtask.text}{after}")
    print_text(console, f"\nTo carry it out: pilotfish ask --resume {result.run_id} --yes")


def _lines(subtask: SubtaskResult) -> tuple[ConsoleRenderable, ConsoleRenderable]:
    status = Text(f"{kind_of(subtask)}, {_path(subtask)}, ")
    status.append(subtask.status, style=_STATUS_STYLE[subtask.status])
    status.append(f": {subtask.verdict.reason}")
    return Text(f"{subtask.id}: {subtask.text}"), Padding(status, (0, 0, 0, 4))


def _path(subtask: SubtaskResult) -> str:
    return " → ".join([*(step.source for step in subtask.escalations), subtask.lane or "-"])
