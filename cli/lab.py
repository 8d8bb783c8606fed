"""`pilotfish lab`: train the learned policy, and measure."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import UsageError
from .lab_compare import compare
from .lab_replay import replay
from .output import Json, console, print_json

lab_app = typer.Typer(help="Train the learned policy, and measure.", no_args_is_help=True)
lab_app.command()(replay)
lab_app.command()(compare)
Data = Annotated[
    Path | None, typer.Option(help="Folder of public data sets; docs/routing.md names their sources.")
]


@lab_app.command()
def bench(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="import, overhead, dag, demo, router or retrieval.")
    ],
    *,
    data: Data = None,
    json: Json = False,
) -> None:
    """Measure NAME and print its figures.

    Ratios are taken within one run.
    """
    from ..lab.bench import find_bench
    from ..lab.provenance import provenance

    report = find_bench(name)(data)
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
