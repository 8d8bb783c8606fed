from __future__ import annotations

import pytest

from pilotfish.lab.bench import find_bench
from pilotfish.lab.bench_boundary import report
from pilotfish.lab.bench_soak import SoakOptions, soak


def test_every_run_of_a_small_soak_is_accounted_for() -> None:
    figures = soak(SoakOptions(runs=12, at_once=6, faults=0.0)).figures
    assert (figures["lost"], figures["errors"], figures["without_outcome"]) == (0, 0, 0)
    assert (figures["ledger_verifies"], figures["calls_unaccounted"]) == (1, 0)
    assert figures["calls_ledger"] > 12, "the outage is reached"
    assert sum(count for name, count in figures.items() if name.startswith("status_")) == 12


def test_overheads_are_over_the_plain_call() -> None:
    found = report({"plain": 1.0, "langchain": 3.0, "caller": 1.75})
    assert found.figures["caller_overhead_ms"] == pytest.approx(0.75)
    assert "+2.00" in found.text


def test_both_benches_are_known_by_name() -> None:
    assert find_bench("soak").__module__.endswith("bench_soak")
    assert find_bench("boundary").__module__.endswith("bench_boundary")
