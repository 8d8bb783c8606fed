"""`pilotfish lab policies`: every policy, what it is, needs and takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .output import Json, console, print_json

if TYPE_CHECKING:
    from rich.text import Text

    from ..router.listing import PolicyRow


def policies(*, json: Json = False) -> None:
    """List the policies that --policy takes.

    What each is, what it needs, its options, and where it comes from.
    """
    from ..router.listing import list_policies

    rows = list_policies()
    if json:
        print_json({"policies": [asdict(row) for row in rows]})
        return
    from rich.padding import Padding

    screen = console()
    for row in rows:
        screen.print(_headline(row))
        for line in _details(row):
            screen.print(Padding(line, (0, 0, 0, 4), expand=False))


def _headline(row: PolicyRow) -> Text:
    from rich.text import Text

    said = Text()
    said.append(row.name, style="bold")
    if row.source != "pilotfish":
        said.append(f" ({row.source})", style="cyan")
    return said.append(f": {row.summary}")


def _details(row: PolicyRow) -> list[Text]:
    from rich.text import Text

    told = {"needs": ", ".join(row.needs), "options": _options(row), "version": row.version, "card": row.card}
    lines = [Text(f"{name}: {value}", style="dim") for name, value in told.items() if value]
    return [*lines, Text(row.note, style="yellow")] if row.note else lines


def _options(row: PolicyRow) -> str:
    if row.options is None:
        return "known once it is loaded"
    return ", ".join(
        name if default is None else f"{name}={_shown(default)}" for name, default in row.options.items()
    )


def _shown(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
