"""`pilotfish lab bench NAME`: which measurements there are, and the one form their results take."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import UsageError

BENCHES: Mapping[str, str] = {
    "import": "bench_import",
    "overhead": "bench_overhead",
    "dag": "bench_dag",
    "demo": "bench_demo",
    "router": "bench_router",
    "decision": "bench_decision",
    "bandit": "bandit_simulation",
    "retrieval": "bench_retrieval",
    "kinds": "bench_kinds",
    "injection": "bench_injection",
    "boundary": "bench_boundary",
    "soak": "bench_soak",
    "tasks": "bench_tasks",
}
"""Name on the command line to module of this folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a bench measured."""

    figures: Mapping[str, float]
    """Key to number; ratios are taken within one run."""
    text: str
    """The same for a reader: a Markdown table and what it says."""


class Bench(Protocol):
    """A bench: measures and returns; prints nothing."""

    def __call__(self, data: Path | None, /) -> Report:
        """`data` is the folder of public data sets, for the benches that need one."""
        ...


def find_bench(name: str) -> Bench:
    """The bench called `name`, imported only now."""
    if name not in BENCHES:
        raise UsageError(f"unknown bench {name!r}; there are: {', '.join(sorted(BENCHES))}")
    return importlib.import_module(f".{BENCHES[name]}", __package__).run
