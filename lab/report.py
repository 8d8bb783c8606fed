"""The report of a replay: what was asked, the answer, tables and figures, each with where it comes from.

This module says what stands in a report; `report_page` and `report_markdown` write it, `report_folder` keeps it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import UsageError
from .report_words import short

if TYPE_CHECKING:
    from .plots import Drawing
    from .replay import Replay

Summary = Mapping[str, Any]
"""One policy's figures over all seeds, as `Replay.summary` gives them."""
Standard = Literal["apgr", "gain", "quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table."""

    text: str
    share: float | None = None
    """0 to 1, where the cell is shaded by it."""
    faint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table."""

    cells: tuple[Cell, ...]
    strong: bool = False
    head: bool = False
    """Whether it only names the rows below, in its first cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A figure or a table."""

    name: str
    """Its file's name without ending, and its anchor."""
    title: str
    caption: str
    source: str
    """Command, seeds, data hash, policy versions and commit."""
    drawing: Drawing | None = None
    alt: str = ""
    heads: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that stands in a report."""

    title: str
    asked: tuple[tuple[str, str], ...]
    """Name and value of everything that was given."""
    answer: tuple[str, ...]
    """Paragraphs; the first answers the question."""
    exhibits: tuple[Exhibit, ...]
    notes: tuple[str, ...]
    source: str


def write_report(replay: Replay, out: Path, *, command: str, show_prompts: bool = False) -> Report:
    """Writes the report of a replay to the folder `out`: report.html, report.md, the figures and results.json.

    `command` is what reproduces it. No prompt of the table is quoted unless `show_prompts`. Raises `UsageError` where
    the folder holds other files, or where jinja2 or matplotlib is missing.
    """
    from .replay_output import replay_json

    return _write(replay_json(replay, command=command), replay, out, show_prompts=show_prompts)


def write_thin_report(results: Path, out: Path) -> Report:
    """The report of what `lab replay --json` printed to a file: the figures it holds, without those per prompt."""
    return _write(read_results(results), None, out, show_prompts=False)


def read_results(path: Path) -> dict[str, Any]:
    """What `lab replay --json` printed; raises `UsageError` where the file is something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"no results at {str(path)!r}: there is no such file") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{str(path)!r} cannot be read as JSON: {error}") from error
    wanted = {"summary", "table", "command", "commit"}
    if not isinstance(found, dict) or not wanted <= set(found) or not found["summary"]:
        raise UsageError(
            f"{str(path)!r} holds no results of a replay; write some with: "
            "pilotfish lab replay TABLE --policy NAME --json"
        )
    return found


def build_report(results: Mapping[str, Any], replay: Replay | None, *, show_prompts: bool = False) -> Report:
    """The report of a replay's JSON, and of its per-prompt scores where they are at hand."""
    from .report_answer import answer_of
    from .report_figures import figures_of
    from .report_tables import tables_of

    origin = source_of(results)
    tables = tables_of(results, replay, source=origin, show_prompts=show_prompts)
    figures = figures_of(results, replay, source=origin)
    return Report(
        title=f"Which policy for {short(results['table']['name'], 60)}?",
        asked=_asked(results),
        answer=answer_of(results, replay),
        exhibits=(*tables[:1], *figures, *tables[1:]),
        notes=tuple(results.get("notes", ())),
        source=origin,
    )


def contenders(summary: Sequence[Summary]) -> list[Summary]:
    """The policies that were asked about, without baselines."""
    return [line for line in summary if not line["baseline"]]


def line_of(summary: Sequence[Summary], name: str) -> Summary | None:
    """The figures of the policy or baseline of this name."""
    return next((line for line in summary if line["policy"] == name), None)


def standard_of(results: Mapping[str, Any]) -> Standard:
    """What tells the policies of these results apart.

    Between two models, APGR: quality alone would favour whoever calls the large one most. Where no score ranks
    anything, the gain over chance at the same shares; with more models, quality.
    """
    if len(results["table"]["models"]) > 2:
        return "quality"
    ranked = any(line["apgr"] is not None for line in contenders(results["summary"]))
    return "apgr" if ranked else "gain"


def merit(line: Summary, standard: Standard) -> float:
    """How good a policy is by a standard; the higher, the better."""
    if standard == "gain":
        return line["quality"] - line["random_quality"]
    return -math.inf if line[standard] is None else line[standard]


def winner_of(results: Mapping[str, Any]) -> Summary | None:
    """The best policy by the standard of these results; None where only baselines ran."""
    standard = standard_of(results)
    return max(contenders(results["summary"]), key=lambda line: merit(line, standard), default=None)


def source_of(results: Mapping[str, Any]) -> str:
    """Where the figures come from, in one line."""
    policies = contenders(results["summary"])
    versions = ", ".join(f"{line['policy']} {line['version']}" for line in policies)
    seeds = sorted({row["seed"] for row in results.get("rows", ())})
    named = (
        "seed " + (f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0]))
        if seeds
        else "seed not kept"
    )
    return " · ".join(
        [
            results["command"],
            named,
            f"data {results['table']['digest']}",
            f"versions: {versions or 'baselines only'}",
            f"commit {results['commit'] or 'unknown'}",
            f"pilotfish {results.get('version', 'unknown')}",
        ]
    )


def _asked(results: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    table, lines = results["table"], results["summary"]
    policies = ", ".join(line["policy"] for line in contenders(lines)) or "baselines only"
    first = lines[0]
    runs = (
        "one run" if first["seeds"] == 1 else f"{first['seeds']} runs, each with another division of the rows"
    )
    found = [
        ("Table", f"{table['name']}, {table['rows']:,} prompts"),
        ("Scored", f"{first['n']:,} prompts; {runs}"),
        ("Models", _models(table)),
        ("Policies", policies),
    ]
    left = []
    if table["dropped"]:
        left.append(f"{table['dropped']:,} rows that their source calls contaminated")
    if first["dropped_trained"]:
        left.append(f"{first['dropped_trained']:,} rows that a policy was trained on")
    if left:
        found.append(("Left out", "; ".join(left)))
    return tuple(found)


def _models(table: Mapping[str, Any]) -> str:
    others = len(table["models"]) - 2
    more = "" if others == 0 else f"; {others} more"
    return f"small {table['small']}, large {table['large']}{more}"


def _write(results: dict[str, Any], replay: Replay | None, out: Path, *, show_prompts: bool) -> Report:
    from .report_folder import check_folder, write_folder
    from .report_markdown import markdown_of
    from .report_page import page_of, standalone

    check_folder(out)
    report = build_report(results, replay, show_prompts=show_prompts)
    files = {"report.html": page_of(report).encode(), "report.md": markdown_of(report).encode()}
    for exhibit in report.exhibits:
        if exhibit.drawing is not None:
            files[f"{exhibit.name}.png"] = exhibit.drawing.png
            files[f"{exhibit.name}.svg"] = standalone(exhibit.drawing.svg).encode()
    write_folder(out, files, results=results)
    return report
