"""`pilotfish lab`: train the learned policy, and measure."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import UsageError
from ..lab.bench import BENCHES
from . import lab_tasks
from .lab_calibrate import calibrate
from .lab_compare import compare
from .lab_replay import replay
from .options import Large, Local
from .output import Json, console, print_json

lab_app = typer.Typer(help="Train the learned policy, and measure.", no_args_is_help=True)
lab_app.command()(replay)
lab_app.command()(compare)
lab_app.command()(calibrate)
Data = Annotated[
    Path | None, typer.Option(help="Folder of public data sets; docs/routing.md names their sources.")
]


@lab_app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|TASKS.jsonl",
            help="A measurement of Pilotfish, or a file of tasks of your own, one JSON object a line. Measurements: "
            f"{', '.join(BENCHES)}.",
        ),
    ],
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
        return
    from ..lab.bench import find_bench
    from ..lab.provenance import provenance

    find = find_bench(name)
    lab_tasks.refuse_task_options(name, options)
    report = find(data)
    command = shlex.join(["pilotfish", "lab", "bench", name, *(["--data", str(data)] if data else [])])
    if json:
        print_json({"name": name, "figures": dict(report.figures), **provenance(command)})
        return
    from rich.markdown import Markdown

    console().print(Markdown(report.text))


@lab_app.command()
def train(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of public data sets; docs/routing.md names their sources.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the weights; PILOTFISH_HOME/trained unless set.")
    ] = None,
    what: Annotated[str, typer.Option(help="`router`, or `grading` of evidence.")] = "router",
    without: Annotated[
        list[Path] | None,
        typer.Option(
            help="Outcome table whose questions the router must not see, so that it can be scored there; may be given "
            "again. Unless set: MMLU-Pro's, if DATA has it."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and data give the same weights.")] = 0,
    json: Json = False,
) -> None:
    """Train a learned part on public data."""
    from ..models.settings import load_settings

    if what not in ("router", "grading"):
        raise UsageError(f"{what!r} cannot be trained; --what is 'router' or 'grading'")
    folder = out or load_settings().home / "trained" / what
    report = (
        _train_router(data, folder, seed, without) if what == "router" else _train_grading(data, folder, seed)
    )
    if json:
        print_json(report)
    else:
        for key, value in report.items():
            typer.echo(f"{key}: {value}")


def _train_router(data: Path, out: Path, seed: int, without: list[Path] | None) -> dict[str, Any]:
    from ..agents.codec import to_json
    from ..lab.train import train as train_router

    def say(line: str) -> None:
        typer.echo(line, err=True)

    return to_json(train_router(data, out=out, seed=seed, without=without, progress=say))


def _train_grading(data: Path, out: Path, seed: int) -> dict[str, Any]:
    from ..lab.retrieval_grading import train_grading

    out.mkdir(parents=True, exist_ok=True)
    return train_grading(data, out=out / "grading.json", seed=seed)
