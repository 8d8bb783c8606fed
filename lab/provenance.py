"""Where a figure comes from: the command that gave it, the commit, the version of the package and the data's digest.

The one place that finds these out; every command that prints figures takes them from here.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .table import OutcomeTable


def spell(words: Sequence[str], options: Mapping[str, Any]) -> str:
    """A command as one would type it: `pilotfish`, the words, then every option that is set.

    A list repeats its option, True stands as a flag, None and False are left out.
    """
    found = ["pilotfish", *words]
    for name, value in options.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is not None and item is not False:
                found += [name] if item is True else [name, str(item)]
    return shlex.join(found)


@cache
def commit() -> str | None:
    """The commit the package's own folder stands at, or None outside a checkout."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None
    asked = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - the user's own git
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None


def package_version() -> str:
    """The installed version of the package."""
    return version("pilotfish")


def provenance(command: str) -> dict[str, Any]:
    """What every JSON object with figures ends with: `command`, `commit`, `version`."""
    return {"command": command, "commit": commit(), "version": package_version()}


def describe_table(table: OutcomeTable) -> dict[str, Any]:
    """A table without its content: `name, digest, rows, models, dropped`."""
    return {
        "name": table.name,
        "digest": table.digest,
        "rows": len(table),
        "models": list(table.models),
        "dropped": table.dropped,
    }
