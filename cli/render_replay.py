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
    policies = [line for line in lines if not line["baseline"]]
    key = "apgr" if policies and all(line["apgr"] is not None for line in policies) else "quality"
    shown = [line for line in lines if not line["policy"].startswith("random@")]
    shown.sort(key=lambda line: -1e9 if line[key] is None else line[key], reverse=True)
    table = found.table
    small, large = table.models[found.pair.small], table.models[found.pair.large]
    console.print(
        f"{table.name}: {len(table)} prompts, {len(table.models)} models; small {small}, large {large}",
        markup=False,
    )
    console.print(_table(shown, unit=found.cost_unit))
    console.print(_legend(shown[0]), style="dim", markup=False)
    for line in policies:
        console.print(meaning(line, lines, models=len(table.models)), markup=False)
    for note in found.notes:
        console.print(f"Note: {note}.", style="dim", markup=False)


def meaning(line: Summary, lines: Sequence[Summary], *, models: int = 2) -> str:
    """What a policy's figures say, in one sentence."""
    quality = line["quality"]
    large = next(other["quality"] for other in lines if other["policy"] == "always-large")
    calls = f"{line['large_share']:.0%} of the calls to the large model" if models == 2 else _shares(line)
    return (
        f"{line['policy']}: quality {quality:.1%} with {calls}; {_points(quality - line['random_quality'])} "
        f"chance at the same shares, {_points(quality - large)} the large model alone."
    )


def _points(difference: float) -> str:
    return f"{abs(difference) * 100:.1f} points {'below' if difference < 0 else 'above'}"


def _shares(line: Summary, *, most: int = 3) -> str:
    shares = sorted(line["shares"].items(), key=lambda item: -item[1])
    named = [f"{share:.0%} {model}" for model, share in shares[:most]]
    others = sum(share for _, share in shares[most:])
    return ", ".join([*named, *([f"{others:.0%} others"] if others else [])])


def _table(lines: Sequence[Summary], *, unit: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("policy", overflow="fold")
    ranked = any(line["apgr"] is not None for line in lines)
    averaged = any(line["aiq"] is not None for line in lines)
    headings = ["quality", "chance", "large", *(["cost $"] if unit == "usd" else [])]
    headings += ["AIQ"] if averaged else []
    headings += ["APGR", "CPT50", "CPT80"] if ranked else []
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        cells = [_with_ends(line, "quality"), f"{line['random_quality']:.3f}", f"{line['large_share']:.0%}"]
        cells += [f"{line['cost']:.3g}"] if unit == "usd" else []
        cells += [_plain(line["aiq"], 3)] if averaged else []
        cells += (
            [_with_ends(line, "apgr"), _plain(line["cpt50"], 1), _plain(line["cpt80"], 1)] if ranked else []
        )
        name = f"({line['policy']})" if line["baseline"] else line["policy"]
        table.add_row(Text(name), *cells, style="dim" if line["baseline"] else "bold")
    return table


def _legend(line: Summary) -> str:
    over = (
        f"t over {line['seeds']} seeds"
        if line["interval"] == "seeds"
        else f"bootstrap over {line['n']} prompts"
    )
    return (
        f"In parentheses: baselines. After ±: half the 95 % interval, {over}. "
        "Chance: random at the same shares."
    )


def _with_ends(line: Summary, name: str) -> str:
    if line[name] is None:
        return "–"
    low, high = line[f"{name}_low"], line[f"{name}_high"]
    half = "" if low is None else f" ±{(high - low) / 2:.3f}"
    return f"{line[name]:.3f}{half}"


def _plain(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
