"""`pilotfish lab`: its commands, and `bench`, which measures by name or on a file of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import lab_tasks
from .lab_calibrate import calibrate
from .lab_compare import compare
from .lab_policies import policies
from .lab_replay import replay
from .lab_report import report
from .lab_train import train
from .options import Large, Local
from .output import Json, console, print_json

if TYPE_CHECKING:
    from ..lab.bench import Report as Measured

lab_app = typer.Typer(help="Experiments on routing, and benches.", no_args_is_help=True)
lab_app.command()(replay)
lab_app.command()(policies)
lab_app.command()(train)
lab_app.command()(compare)
lab_app.command()(report)
lab_app.command()(calibrate)
Data = Annotated[
    Path | None, typer.Option(help="Folder of public data sets; docs/data.md names their sources.")
]


@lab_app.command()
def bench(
    name: lab_tasks.Name,
    *,
    data: Data = None,
    policy: lab_tasks.Policies = None,
    local: Local = None,
    large: Large = None,
    corpus: lab_tasks.Corpus = None,
    out: lab_tasks.Out = None,
    log: lab_tasks.Log = None,
    plan: lab_tasks.PlanOption = "one",
    votes: lab_tasks.Votes = 5,
    concurrency: lab_tasks.Concurrency = 4,
    limit: lab_tasks.Limit = None,
    seed: lab_tasks.Seed = 0,
    timeout: lab_tasks.Timeout = 120.0,
    code: lab_tasks.Code = None,
    runs: Annotated[int, typer.Option(min=1, help="`soak`: how many runs.")] = 2000,
    at_once: Annotated[int, typer.Option(min=1, help="`soak`: how many of them at once.")] = 64,
    faults: Annotated[
        float, typer.Option(min=0, max=1, help="`soak`: share of requests that meet a fault.")
    ] = 0.2,
    json: Json = False,
) -> None:
    """Measure NAME, or run real models on your own tasks.

    Ratios of a measurement are taken within one run. A file of tasks runs under every --policy, scored by the
    tasks' own checks; calls are cached, so a policy more costs nothing that was asked before.
    """
    options = lab_tasks.TaskOptions(
        policies=policy or (),
        local=local,
        large=large,
        corpus=corpus,
        out=out,
        log=log,
        plan=plan,
        votes=votes,
        concurrency=concurrency,
        limit=limit,
        seed=seed,
        timeout=timeout,
        code=code or (),
    )
    if lab_tasks.is_tasks(name):
        lab_tasks.bench_tasks(name, options, data=data, json=json)
    else:
        lab_tasks.refuse_task_options(name, options)
        if name == "soak":
            _soak(runs, at_once, faults, json=json)
        else:
            _measure(name, data, json=json)


def _soak(runs: int, at_once: int, faults: float, *, json: bool) -> None:
    from ..lab.bench_soak import SoakOptions, soak

    given = {"--runs": runs, "--at-once": at_once, "--faults": faults}
    _show("soak", soak(SoakOptions(runs=runs, at_once=at_once, faults=faults)), given, json=json)


def _measure(name: str, data: Path | None, *, json: bool) -> None:
    from ..lab.bench import find_bench

    _show(name, find_bench(name)(data), {"--data": data}, json=json)


def _show(name: str, found: Measured, given: Mapping[str, object], *, json: bool) -> None:
    if json:
        from ..lab.provenance import provenance, spell

        command = spell(["lab", "bench", name], given)
        print_json({"name": name, "figures": dict(found.figures), **provenance(command)})
        return
    from rich.markdown import Markdown

    console().print(Markdown(found.text))
