"""`pilotfish runs costs`: what an accepted answer costs, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .ledger import open_ledger
from .output import Json, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from ..tracing.costs import Costs

_COLUMNS = ("for", "model", "calls", "retries", "no answer", "tokens in", "tokens out", "cost")


def show_costs(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="AGE", help="What was recorded since: 30d, 12h, 2w, or a date.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what was spent, for what, and per accepted answer.

    Everything counts: retries, samples, planning, routing, judges and the shadow calls that stay out of the bill.
    """
    from ..tracing.costs import costs
    from ..tracing.retention import moment

    found = costs(open_ledger(), since=None if since is None else moment(since))
    if json:
        print_json(_row(found))
    else:
        _render(console(), found)


def _row(found: Costs) -> dict[str, object]:
    from ..agents.codec import to_json

    return {
        **to_json(found),
        "total_usd": found.total_usd,
        "billed_usd": found.billed_usd,
        "per_accepted_usd": found.per_accepted_usd,
        "per_answered_usd": found.per_answered_usd,
    }


def _render(screen: Console, found: Costs) -> None:
    from rich.table import Table

    table = Table(show_edge=False, pad_edge=False, header_style="dim", box=None)
    for name in _COLUMNS:
        table.add_column(name, no_wrap=True, justify="left" if name in ("for", "model") else "right")
    for row in found.rows:
        counts = (row.calls, row.retries, row.failed, row.input_tokens, row.output_tokens)
        table.add_row(row.purpose, row.model_id, *(f"{count:,}" for count in counts), _dollars(row.cost_usd))
    if found.rows:
        screen.print(table)
    shadow = "" if found.total_usd == found.billed_usd else f", of which billed {_dollars(found.billed_usd)}"
    screen.print(f"total {_dollars(found.total_usd)}{shadow}; prices: {_prices(found)}", soft_wrap=True)
    screen.print(
        f"{found.accepted} of {found.subtasks} subtasks accepted, {_each(found.per_accepted_usd)}; "
        f"{found.answered} of {found.runs} runs answered, {_each(found.per_answered_usd)}",
        soft_wrap=True,
    )


def _dollars(amount: float) -> str:
    return f"${amount:.6f}" if 0 < amount < 0.01 else f"${amount:.4f}"


def _each(amount: float | None) -> str:
    return "so no cost of one" if amount is None else f"{_dollars(amount)} each"


def _prices(found: Costs) -> str:
    names = [f"table {name!r}" if name else "of the models' own specs" for name in found.price_versions]
    return ", ".join(names) or "none were needed"
