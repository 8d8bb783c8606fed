"""`pilotfish runs diff`: two recorded runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Json, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from ..agents.run_diff import Change, RunDiff, SubtaskChange, Totals

_GIST = 400
"""Most characters shown of one value."""


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, as `runs list` shows it.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    *,
    json: Json = False,
) -> None:
    """Show what differs between the runs A and B.

    Whether the answer changed comes first. Texts that are not kept are compared by their hashes.
    """
    from ..agents.run_diff import diff_runs
    from .ledger import open_ledger

    found = diff_runs(open_ledger(), a, b)
    if json:
        print_json(found.to_json())
    else:
        render_diff(console(), found)


def render_diff(screen: Console, found: RunDiff) -> None:
    """The answer first, then what led to it, then what it took."""
    before, after = found.answers
    if found.answer_changed:
        _line(screen, "The answer changed.", style="bold yellow")
        _line(screen, f"- {_short(before)}", style="red")
        _line(screen, f"+ {_short(after)}", style="green")
    else:
        _line(screen, "The answer is the same.", style="bold green")
        _line(screen, f"  {_short(before)}")
    if found.status[0] != found.status[1]:
        _line(screen, f"status: {found.status[0]} → {found.status[1]}")
    for change in found.set_up:
        _line(screen, _told(change))
    _line(screen, "the plan changed" if found.plan_changed else "the plan is the same", style="dim")
    for lines, names in _grouped(found.subtasks).items():
        _line(screen, f"subtask{'s' * (len(names) > 1)} {', '.join(names)}", style="bold")
        for line in lines:
            _line(screen, f"  {line}")
    if not found.subtasks:
        _line(screen, "no subtask differs", style="dim")
    _line(screen, f"{found.a}: {_took(found.before)}", style="dim")
    _line(screen, f"{found.b}: {_took(found.after)}", style="dim")


def _grouped(subtasks: Sequence[SubtaskChange]) -> dict[tuple[str, ...], list[str]]:
    """Ids of the subtasks by what is told of them, so that what many have in common is told once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for subtask in subtasks:
        groups.setdefault(tuple(_told(change) for change in subtask.changes), []).append(subtask.id)
    return groups


def _line(screen: Console, text: str, *, style: str = "") -> None:
    from .render import print_text

    print_text(screen, text, style=style)


def _told(change: Change) -> str:
    return f"{change.what}: {_short(change.before)} → {_short(change.after)}"


def _short(value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)
    text = " ".join(shown.split()) or "-"
    return text if len(text) <= _GIST else f"{text[: _GIST - 1]}…"


def _took(totals: Totals) -> str:
    replayed = f" ({totals.replayed} replayed, at the latency and cost of then)" if totals.replayed else ""
    return (
        f"{totals.calls} model call{'' if totals.calls == 1 else 's'}{replayed}, {totals.input_tokens} + "
        f"{totals.output_tokens} tokens, ${totals.cost_usd:.4f}, {totals.latency_ms / 1000:.2f} s of latency in all"
    )
