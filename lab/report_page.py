"""A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from importlib import resources

from .. import UsageError
from .plots import ROLES
from .report import Report

TEMPLATE = "report_page.html"


def page_of(report: Report) -> str:
    """The page; everything that came from the data is escaped."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise UsageError(
            "a report's page needs jinja2; install it with: pip install 'pilotfish[lab,plots]'"
        ) from error
    text = resources.files(__package__ or __name__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["themed"] = themed
    return environment.from_string(text).render(report=report)


def themed(svg: str) -> str:
    """The picture in the page's own colours, which follow light and dark."""
    for colour, role in ROLES.items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg


def standalone(svg: str) -> str:
    """The picture as a file of its own, on white."""
    return svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff"', 1)
