"""Start-up: `import pilotfish` and `pilotfish --help`, in fresh processes, against `import langgraph.graph`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from .bench import Report

_ROUNDS = 7
_COMMANDS = {
    "langgraph": "import langgraph.graph",
    "import": "import pilotfish",
    "help": "import sys; sys.argv = ['pilotfish', '--help']; from pilotfish.cli.main import main; main()",
}


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """Medians of interleaved runs; an empty interpreter's start is in all three."""
    times: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for name in _COMMANDS:
        _seconds(name)  # warms the disk cache
    for _ in range(_ROUNDS):
        for name in _COMMANDS:
            times[name].append(_seconds(name))
    median = {name: statistics.median(values) for name, values in times.items()}
    figures = {
        "import_over_langgraph": median["import"] / median["langgraph"],
        "help_over_langgraph": median["help"] / median["langgraph"],
    }
    text = (
        f"Median of {_ROUNDS} interleaved fresh processes, over `import langgraph.graph`:\n\n"
        "| what | ratio |\n|---|---|\n"
        f"| `import pilotfish` | {figures['import_over_langgraph']:.3f} |\n"
        f"| `pilotfish --help` | {figures['help_over_langgraph']:.3f} |\n"
    )
    return Report(figures=figures, text=text)


def _seconds(name: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", _COMMANDS[name]], check=True, capture_output=True)
    return time.perf_counter() - start
