"""A soak: thousands of runs at once against a server that keeps failing, and a count of what became of each.

Server and agent share one process, so its memory is both. The faults are drawn by a seed; which run meets which
depends on the order in which requests arrive.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import PilotfishError
from ..agents.agent import Agent
from ..agents.plan import Plan
from ..models.resilience import Resilience
from ..models.settings import load_settings
from ..router.subtask import Subtask
from ..testing.model_server import FaultPlan, ModelServer
from .bench import Report

_PLAN = Plan(
    [
        Subtask(id="s1", text="What is the first word?", lane="local"),
        Subtask(id="s2", text="And after #s1?", depends_on=("s1",), lane="large"),
    ]
)
_TERMS = Resilience(attempts=4, wait_s=0.02, within_s=120.0, request_s=20.0, breaker_open_s=0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakOptions:
    """How hard it is pressed."""

    runs: int = 2000
    at_once: int = 64
    faults: float = 0.2
    """Share of the requests that meet one. Halfway, 20 or more in a row fail besides: a hundredth of the runs."""
    seed: int = 0


@dataclass(slots=True)
class _Watch:
    """What was seen from outside the ledger."""

    statuses: Counter[str]
    errors: Counter[str]
    finished: list[str]
    quarter_mb: float = 0.0


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """The full soak: 2,000 runs, 64 at a time, 20 % faults."""
    return soak(SoakOptions())


def soak(options: SoakOptions) -> Report:
    """Carry the runs out and account for each of them."""
    begin = options.runs  # halfway, as a run makes two calls
    faults = FaultPlan(
        share=options.faults, seed=options.seed, outage=(begin, begin + max(20, options.runs // 100))
    )
    with (
        tempfile.TemporaryDirectory() as home,
        ModelServer(models=("small", "big"), faults=faults, remember=10) as server,
    ):
        agent = Agent(
            local=server.model("small"),
            large=server.model("big"),
            planner=_PLAN,
            policy="always-local",
            votes=1,
            timeout_s=120.0,
            max_runs=options.at_once,
            resilience=_TERMS,
            settings=load_settings(home=Path(home)),
        )
        started = time.perf_counter()
        watch = asyncio.run(_carry_out(agent, options))
        wall_s = time.perf_counter() - started
        return _report(options, watch, _figures(agent, server, watch, options, wall_s), server)


async def _carry_out(agent: Agent, options: SoakOptions) -> _Watch:
    watch, numbers = _Watch(Counter(), Counter(), []), iter(range(options.runs))
    async with asyncio.TaskGroup() as group:
        for _ in range(options.at_once):
            group.create_task(_work(agent, numbers, watch, options.runs))
    await agent.aclose()
    return watch


async def _work(agent: Agent, numbers: Iterator[int], watch: _Watch, runs: int) -> None:
    for number in numbers:
        try:
            result = await agent.arun(f"Soak number {number}.", run_id=f"soak-{number}")
        except PilotfishError as error:
            watch.errors[type(error).__name__] += 1
            continue
        watch.statuses[result.status] += 1
        watch.finished.append(result.run_id)
        if len(watch.finished) == max(1, runs // 4):
            watch.quarter_mb = _memory_mb()


def _figures(
    agent: Agent, server: ModelServer, watch: _Watch, options: SoakOptions, wall_s: float
) -> dict[str, float]:
    end_mb = _memory_mb()
    ledger = agent.services.ledger
    ids = [f"soak-{number}" for number in range(options.runs)]
    calls = sum(len(ledger.records(run_id, "call")) for run_id in ids)
    open_ended = sum(not ledger.records(run_id, "answer") for run_id in ids)
    guards = agent.services.calling.guards.report().values()
    verified = not ledger.verify()
    ledger.close()
    return {
        "runs": options.runs,
        **{f"status_{status}": count for status, count in sorted(watch.statuses.items())},
        "errors": sum(watch.errors.values()),
        "lost": options.runs - len(set(watch.finished)),
        "without_outcome": open_ended,
        "ledger_verifies": float(verified),
        "calls_server": server.requests,
        "calls_ledger": calls,
        "calls_unaccounted": abs(server.requests - calls),
        "faults_met": sum(server.met.values()),
        "retries": sum(guard.retries for guard in guards),
        "breaker_openings": sum(guard.openings for guard in guards),
        "breaker_refused": sum(guard.refused for guard in guards),
        "memory_quarter_mb": watch.quarter_mb,
        "memory_end_mb": end_mb,
        "memory_ratio": end_mb / watch.quarter_mb if watch.quarter_mb else 0.0,
        "most_requests_at_once": server.most_at_once,
        "wall_s": wall_s,
    }


def _report(options: SoakOptions, watch: _Watch, figures: dict[str, float], server: ModelServer) -> Report:
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value:,.6g} |" for name, value in figures.items())
    met = ", ".join(f"{name} {count}" for name, count in sorted(server.met.items()))
    raised = "".join(f"\n\nraised: {name} {count}" for name, count in watch.errors.items())
    text = (
        f"{options.runs} runs, {options.at_once} at a time, {options.faults:.0%} faults and an outage halfway:\n\n"
        f"| what | |\n|---|---|\n{rows}\n\nfaults met: {met}{raised}\n"
    )
    return Report(figures=figures, text=text)


def _memory_mb() -> float:
    """Resident memory now; where the system does not tell, the most there ever was."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return pages * resource.getpagesize() / 2**20
