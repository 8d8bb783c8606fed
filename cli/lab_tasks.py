"""`pilotfish lab bench TASKS.jsonl`: the form of `lab bench` that runs real models on the user's own tasks."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .. import UsageError
from ..lab.bench import BENCHES
from .output import EXIT_UNREACHABLE, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from ..lab.tasks import Progress
    from ..lab.tasks_rows import Row
    from ..lab.tasks_summary import TaskBench

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|TASKS.jsonl",
        help="A measurement of Pilotfish, or a file of tasks of your own, one JSON object a line. Measurements: "
        f"{', '.join(BENCHES)}.",
    ),
]
PlanKind = Literal["one", "rules", "llm"]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME[:option=value,…]",
        help="Tasks: policy to run them under; may be given again. `learned` unless given.",
    ),
]
Corpus = Annotated[Path | None, typer.Option(help="Tasks: folder of documents for the retrieval lane.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Tasks: folder of the rows; PILOTFISH_HOME/bench/TASKS unless set. Run again, it goes on."
    ),
]
Log = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="Tasks: also run every lane alone, and write an outcome table for `lab replay` and `lab calibrate`.",
    ),
]
PlanOption = Annotated[
    PlanKind, typer.Option("--plan", help="Tasks: each as one step, or planned by rules or the model.")
]
Votes = Annotated[int, typer.Option(min=1, help="Tasks: most samples of one answer; 1 turns voting off.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Tasks: carried out at once.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Tasks: only the first so many.")]
Seed = Annotated[int, typer.Option(help="Tasks: of all sampling.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Tasks: most seconds of one attempt.")]
Code = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODULE|FILE.py",
        help="Tasks: code that `python` checks may be imported from; may be given again.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """What `lab bench TASKS.jsonl` was given besides the file."""

    policies: Sequence[str]
    local: str | None
    large: str | None
    corpus: Path | None
    out: Path | None
    log: Path | None
    plan: PlanKind
    votes: int
    concurrency: int
    limit: int | None
    seed: int
    timeout: float
    code: Sequence[str]


_UNSET = TaskOptions(
    policies=(),
    local=None,
    large=None,
    corpus=None,
    out=None,
    log=None,
    plan="one",
    votes=5,
    concurrency=4,
    limit=None,
    seed=0,
    timeout=120.0,
    code=(),
)


def is_tasks(name: str) -> bool:
    """Whether the argument of `lab bench` is a file of tasks; the names of registered benches come first."""
    return name not in BENCHES and (name.endswith(".jsonl") or Path(name).is_file())


def refuse_task_options(name: str, options: TaskOptions) -> None:
    """Raises where an option was given that only a file of tasks takes; an unknown name is another's to refuse."""
    given = _changed(options)
    if given and name in BENCHES:
        raise UsageError(
            f"{', '.join(given)} is for a file of tasks, and {name!r} is a measurement; give a TASKS.jsonl, "
            "or leave it out"
        )


def bench_tasks(name: str, options: TaskOptions, *, data: Path | None, json: bool) -> None:
    """Carry the tasks of the file `name` out under every policy, and print what that came to."""
    from ..lab.provenance import provenance, spell
    from ..lab.tasks import run_tasks
    from ..lab.tasks_file import read_tasks
    from ..router.load import DEFAULT

    if data is not None:
        raise UsageError("--data is for measurements on public data; a file of tasks has its own")
    _check_log(options.log)
    tasks = read_tasks(name, code=options.code, limit=options.limit)
    with _bar(quiet=json) as progress:
        found = run_tasks(
            tasks,
            list(options.policies) or [DEFAULT],
            local=options.local,
            large=options.large,
            corpus=options.corpus,
            out=options.out,
            name=Path(name).stem,
            plan=options.plan,
            votes=options.votes,
            seed=options.seed,
            concurrency=options.concurrency,
            timeout_s=options.timeout,
            lanes_alone=options.log is not None,
            progress=progress,
        )
    if options.log is not None:
        _write_log(found, options.log)
    command = spell(["lab", "bench", name], _changed(options))
    if json:
        print_json(
            {
                "tasks": name,
                "n": len(found.tasks),
                "setting": dict(found.setting),
                "rows": found.summary(),
                "out": str(found.folder),
                "log": None if options.log is None else str(options.log),
                "left_out": list(found.left_out),
                **provenance(command),
            }
        )
    else:
        render_tasks(found, log=options.log)
    if all(row.failure == "model_unavailable" for row in found.rows):
        raise typer.Exit(EXIT_UNREACHABLE)


def _changed(options: TaskOptions) -> dict[str, Any]:
    """Options that were given, as they are spelt; the default's own value counts as not given."""
    names = {"policies": "--policy"}
    values = {field: getattr(options, field) for field in TaskOptions.__dataclass_fields__}
    return {
        names.get(field, f"--{field}"): list(value) if isinstance(value, (list, tuple)) else value
        for field, value in values.items()
        if value != getattr(_UNSET, field) and value not in ([], ())
    }


def _check_log(log: Path | None) -> None:
    """Before hours of work, not after."""
    if log is None:
        return
    if not log.name.endswith((".csv", ".csv.gz")):
        raise UsageError(f"--log {str(log)!r} is neither .csv nor .csv.gz; an outcome table is one of these")
    if not log.absolute().parent.is_dir():
        raise UsageError(f"--log {str(log)!r} is in no folder there is; make {str(log.parent)!r} first")


def _write_log(found: TaskBench, log: Path) -> None:
    from ..lab.importers import write_table

    write_table(found.table(), log)


def render_tasks(found: TaskBench, *, log: Path | None = None) -> None:
    """The tables of a bench for a reader."""
    screen = console()
    summary = found.summary()
    screen.print(f"{len(found.tasks)} tasks of {found.setting['name']}", markup=False)
    screen.print(_overview(summary))
    screen.print(
        "Accuracy counts a withheld answer as wrong. $ and model seconds are per accepted answer, latency is of a "
        "whole task in seconds. Calls from the cache count with the cost and latency of their first making.",
        style="dim",
    )
    for label in ("by_kind", "by_group"):
        _render_parts(summary, label)
    for row in summary:
        screen.print(_way(row), markup=False)
    screen.print(f"Rows: {found.folder / 'results.jsonl'}", markup=False, soft_wrap=True)
    if log is not None:
        onward = f"; next: pilotfish lab replay {log} --policy rules" if len(found.table().models) > 1 else ""
        screen.print(f"Outcome table: {log}{onward}", markup=False)
        if found.left_out:
            screen.print(
                f"Left out of it: {len(found.left_out)} of {len(found.tasks)} tasks, which a lane had no time, "
                "no budget or no model for; run again to try them again.",
                markup=False,
            )


def _overview(summary: Sequence[Mapping[str, Any]]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    columns = ("accuracy", "95 %", "answered", "accepted", "right of\naccepted", "$ per\naccepted")
    for heading in (*columns, "model s per\naccepted", "latency s\np50 p90 p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary:
        table.add_row(row["policy"], *_figures(row))
    return table


def _way(row: Mapping[str, Any]) -> str:
    """Where a policy's tasks went, and where they did not get through."""
    lanes = ", ".join(f"{lane} {share:.0%}" for lane, share in row["lanes"].items())
    moved = ", ".join(f"{reason} {count}" for reason, count in row["escalations"].items()) or "none"
    lost = ", ".join(f"{reason} {count}" for reason, count in row["failures"].items()) or "none"
    cached = row["replayed"]
    kept = "no model calls" if cached is None else f"{cached:.0%} of completions from the cache"
    return f"{row['policy']}: lanes {lanes}; escalations {moved}; failures {lost}; {kept}"


def _render_parts(summary: Sequence[Mapping[str, Any]], label: str) -> None:
    """Accuracy of every policy by kind or group, where the tasks name any."""
    from rich.box import SIMPLE
    from rich.table import Table

    parts = list(dict.fromkeys(part for row in summary for part in row[label]))
    if not parts:
        return
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for part in parts:
        count = next(row[label][part]["n"] for row in summary if part in row[label])
        table.add_column(f"{part} ({count})", justify="right")
    for row in summary:
        table.add_row(row["policy"], *(_part(row[label].get(part)) for part in parts))
    screen = console()
    screen.print(f"{label.replace('_', ' ')}: accuracy, accepted, right of accepted")
    screen.print(table)


def _part(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    return "  ".join(_share(found[key]) for key in ("accuracy", "accepted", "accuracy_accepted"))


def _figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    latency = row["latency_ms"]
    cost, seconds = row["cost_usd_per_accepted"], row["model_s_per_accepted"]
    return (
        _share(row["accuracy"]),
        "-" if row["low"] is None else f"{row['low']:.2f}-{row['high']:.2f}",
        _share(row["answered"]),
        _share(row["accepted"]),
        _share(row["accuracy_accepted"]),
        "-" if cost is None else f"{cost:.4g}",
        "-" if seconds is None else f"{seconds:.1f}",
        " ".join(f"{latency[point] / 1000:.1f}" for point in ("p50", "p90", "p99")) if latency else "-",
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


@contextmanager
def _bar(*, quiet: bool) -> Generator[Progress]:
    """A bar with counts on standard error; where nobody watches a terminal, a line per tenth."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    screen = console(stderr=True)
    counts = {"right": 0.0, "accepted": 0, "made": 0, "replayed": 0}
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, row: Row) -> None:
            counts["right"] += row.score
            counts["accepted"] += row.accepted
            counts["made"] += row.made
            counts["replayed"] += row.replayed
            said = (
                f"{counts['right']:g} right, {counts['accepted']:g} accepted, {counts['made']:g} completions made, "
                f"{counts['replayed']:g} from the cache"
            )
            bar.update(task, completed=done, total=total, description=said)
            if not quiet and not screen.is_terminal and 10 * done // total > 10 * (done - 1) // total:
                typer.echo(f"{done} of {total}: {said}", err=True)

        yield show
