"""`pilotfish lab replay`: policies on an outcome table, without calling a model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Json, console, print_json

if TYPE_CHECKING:
    from ..lab.replay import Progress, Replay

_TABLE = "Outcome table: Pilotfish's CSV or Parquet, or a public file or folder of RouteLLM, LLMRouter or MMLU-Pro."


def replay(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help=_TABLE)],
    *,
    policy: Annotated[
        list[str],
        typer.Option(metavar="NAME[:option=value,…]", help="May be given again; `lab policies` lists them."),
    ],
    small: Annotated[str | None, typer.Option(help="Small model; the worst on average unless set.")] = None,
    large: Annotated[
        str | None,
        typer.Option(help="Large model; the best unless set. With both set, no other model takes part."),
    ] = None,
    labels: Annotated[
        float | None,
        typer.Option(help="Random rows to train on, or their share below 1; the rest is scored."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs, each with another division of the rows.")] = 1,
    folds: Annotated[
        int | None, typer.Option(help="Cross-validate: every row is scored, in this many folds.")
    ] = None,
    without: Annotated[Path | None, typer.Option(help="Leave out the prompts of this outcome table.")] = None,
    rows: Annotated[int | None, typer.Option(help="A random sample of the table, for slow policies.")] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Bootstrap resamples behind the intervals of a run.")
    ] = 1000,
    out: Annotated[Path | None, typer.Option(help="Also write the rows to this CSV file.")] = None,
    json: Json = False,
) -> None:
    """Replay policies on TABLE: quality, cost, APGR and CPT, beside the baselines.

    No model is called. Policies are never scored on rows they were trained on.
    """
    from ..lab.importers import load_table
    from ..lab.replay import replay as replay_table
    from ..lab.replay_output import replay_json, write_rows

    with _bar(quiet=json) as progress:
        found = replay_table(
            load_table(table),
            policy,
            small=small,
            large=large,
            labels=labels,
            seeds=seeds,
            folds=folds,
            resamples=resamples,
            rows=rows,
            without=None if without is None else load_table(without),
            progress=progress,
        )
    options = {"--policy": policy, "--small": small, "--large": large, "--folds": folds, "--without": without}
    options |= {"--labels": None if labels is None else f"{labels:g}", "--rows": rows}
    options |= {
        "--seeds": seeds if seeds != 1 else None,
        "--resamples": resamples if resamples != 1000 else None,
    }
    if out is not None:
        write_rows(found, out)
    if json:
        print_json(replay_json(found, command=_spelt(table, options)))
    else:
        _show(found)


def _spelt(table: Path, options: dict[str, Any]) -> str:
    from ..lab.provenance import spell

    return spell(["lab", "replay", str(table)], options)


def _show(found: Replay) -> None:
    from .render_replay import render_replay

    render_replay(console(), found)


@contextmanager
def _bar(*, quiet: bool) -> Generator[Progress]:
    """A progress bar on standard error, where a person looks at it."""
    from rich.progress import Progress as Bar

    screen = console(stderr=True)
    with Bar(console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show
