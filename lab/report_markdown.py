"""A report as Markdown, with its figures as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .report import Exhibit, Line, Report


def markdown_of(report: Report) -> str:
    """The report as a Markdown document."""
    return "\n".join(_parts(report)).rstrip() + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {escaped(report.title)}\n"
    for paragraph in report.answer:
        yield f"{escaped(paragraph)}\n"
    yield "| asked | |\n|---|---|"
    for name, value in report.asked:
        yield f"| {escaped(name)} | {escaped(value)} |"
    yield ""
    for exhibit in report.exhibits:
        yield from _exhibit(exhibit)
    if report.notes:
        yield "## Notes\n"
        yield from (f"- {escaped(note)}" for note in report.notes)
        yield ""
    yield f"Everything above: {escaped(report.source)}"


def _exhibit(exhibit: Exhibit) -> Iterator[str]:
    yield f"## {escaped(exhibit.title)}\n"
    if exhibit.drawing is not None:
        yield f"![{escaped(exhibit.alt)}]({exhibit.name}.png)\n"
    else:
        yield f"| {' | '.join(escaped(head) for head in exhibit.heads)} |"
        yield f"|---|{'---:|' * (len(exhibit.heads) - 1)}"
        yield from (_line(line, len(exhibit.heads)) for line in exhibit.lines)
        yield ""
    yield f"{escaped(exhibit.caption)}\n"
    yield f"<sub>{escaped(exhibit.source)}</sub>\n"


def _line(line: Line, width: int) -> str:
    cells = [escaped(cell.text) for cell in line.cells]
    if line.strong or line.head:
        cells[0] = f"**{cells[0]}**"
    return f"| {' | '.join([*cells, *[''] * (width - len(cells))])} |"


def escaped(text: str) -> str:
    """The text as Markdown shows it literally, on one line."""
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", line)
