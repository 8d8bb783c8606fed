"""How a result reads on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..agents.plan import Plan
from ..agents.result import Result, SubtaskResult

_STATUS_STYLE = {"accepted": "green", "unverified": "yellow", "failed": "red", "skipped": "red"}


def render_result(console: Console, result: Result, *, mermaid: bool = False) -> None:
    """The answer, its plan, its sources and what it took."""
    console.print()
    console.print(Text(result.answer, style="bold"))
    console.print()
    console.print(subtask_table(result))
    for number, citation in enumerate(result.citations, start=1):
        place = ", ".join(
            part for part in (citation.heading, f"page {citation.page}" if citation.page else None) if part
        )
        console.print(
            Text(f"[{number}] {citation.source}{f' ({place})' if place else ''}: “{citation.quote}”")
        )
    console.print(Text(totals_line(result), style="dim"))
    if mermaid and result.plan:
        lanes = {subtask.id: subtask.lane for subtask in result.subtasks if subtask.lane}
        console.print(Text(Plan.from_json(result.plan).mermaid(lanes=lanes)))


def subtask_table(result: Result) -> Table:
    """One row per subtask: kind, lane, verdict, escalations, model."""
    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    for name in ("subtask", "kind", "lane", "status"):
        table.add_column(name, no_wrap=True, max_width=44 if name == "subtask" else None)
    table.add_column("why", overflow="fold", ratio=1)
    for subtask in result.subtasks:
        path = " → ".join([*(step.source for step in subtask.escalations), subtask.lane or "-"])
        table.add_row(
            Text(f"{subtask.id}: {subtask.text}"),
            Text(kind_of(subtask)),
            Text(path),
            Text(subtask.status, style=_STATUS_STYLE[subtask.status]),
            Text(_why(subtask)),
        )
    return table


def kind_of(subtask: SubtaskResult) -> str:
    """The decided kind with its probability."""
    if subtask.decision is None:
        return "-"
    return f"{subtask.decision.kind} {subtask.decision.confidence:.0%}"


def totals_line(result: Result) -> str:
    """Calls, tokens, dollars and seconds of a run, and its id."""
    spend = result.spend
    return (
        f"run {result.run_id}: {result.status}; {spend.calls} model calls, "
        f"{spend.input_tokens} + {spend.output_tokens} tokens, ${spend.cost_usd:.4f}, {result.wall_ms / 1000:.1f} s"
    )


def _why(subtask: SubtaskResult) -> str:
    models = ", ".join(dict.fromkeys(call.model_id for call in subtask.calls))
    reason = f"{subtask.verdict.checked}: {subtask.verdict.reason}"
    return f"{reason} [{models}]" if models else reason
