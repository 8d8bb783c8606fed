"""A replay as a table for people, and a sentence on what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..lab.replay import Replay

Summary = Mapping[str, Any]


def render_replay(console: Console, found: Replay) -> None:
    """Title, table, what it means, notes."""
    lines = found.summary()
    ranked = any(line["apgr"] is not None for line in lines if not line["baseline"])
    key = "apgr" if ranked else "quality"
    shown = [line for line in lines if not line["policy"].startswith("random@")]
    shown.sort(key=lambda line: -1e9 if line[key] is None else line[key], reverse=True)
    table = found.table
    small, large = table.models[found.pair.small], table.models[found.pair.large]
    console.print(
        f"{table.name}: {len(table)} prompts, {len(table.models)} models; small {small}, large {large}",
        markup=False,
    )
    console.print(_table(shown, ranked=ranked, unit=found.cost_unit))
    console.print(_intervals(shown[0]), style="dim", markup=False)
    for line in lines:
        if not line["baseline"]:
            console.print(meaning(line, lines), markup=False)
    for note in found.notes:
        console.print(f"Note: {note}.", style="dim", markup=False)


def meaning(line: Summary, lines: Sequence[Summary]) -> str:
    """What a policy's figures say, in one sentence."""
    name, quality = line["policy"], line["quality"]
    large = next(other["quality"] for other in lines if other["policy"] == "always-large")
    gain = quality - line["random_quality"]
    return (
        f"{name}: right on {quality:.1%} with {line['large_share']:.0%} of the calls to the large model, "
        f"{abs(gain) * 100:.1f} points {'above' if gain >= 0 else 'below'} chance at the same shares and "
        f"{abs(quality - large) * 100:.1f} {'above' if quality >= large else 'below'} the large model alone."
    )


def _table(lines: Sequence[Summary], *, ranked: bool, unit: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("policy")
    headings = ["quality", "chance", "large", *(["cost $"] if unit == "usd" else []), "to oracle"]
    headings += ["APGR", "CPT50", "CPT80"] if ranked else []
    for heading in headings:
        table.add_column(heading, justify="right")
    for line in lines:
        cells = [_with_ends(line, "quality"), f"{line['random_quality']:.3f}", f"{line['large_share']:.0%}"]
        cells += [f"{line['cost']:.3g}"] if unit == "usd" else []
        cells += [f"{line['oracle_gap']:.3f}"]
        if ranked:
            cells += [_with_ends(line, "apgr"), _percent(line["cpt50"]), _percent(line["cpt80"])]
        style = "dim" if line["baseline"] else "bold"
        name = f"{line['policy']}{' (baseline)' if line['baseline'] else ''}"
        table.add_row(Text(name), *cells, style=style)
    return table


def _intervals(line: Summary) -> str:
    over = (
        f"t, over {line['seeds']} seeds"
        if line["interval"] == "seeds"
        else f"bootstrap over {line['n']} prompts"
    )
    return f"Chance: random at the same shares. In brackets: 95 % interval ({over})."


def _with_ends(line: Summary, name: str) -> str:
    if line[name] is None:
        return "–"
    low, high = line[f"{name}_low"], line[f"{name}_high"]
    ends = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return f"{line[name]:.3f}{ends}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
