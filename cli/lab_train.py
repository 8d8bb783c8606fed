"""`pilotfish lab train`: the learned parts, on public question sets or on an outcome table."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import UsageError
from .lab_table_options import Labels, Large, Small, replay_bar, spelt
from .output import Json, console, print_json

_ON_SETS = ("router", "grading")
_ON_TABLES = ("capability", "knn", "bandit")
_LLM = "llm"


def train(
    *,
    what: Annotated[
        str,
        typer.Option(
            help="On question sets (--data): `router`, `grading` of evidence. On an outcome table (--table): "
            "`capability`, `knn`, `bandit`. On our own exemplars: `llm`."
        ),
    ] = "router",
    data: Annotated[
        Path | None, typer.Option(help="Folder of public data sets; docs/data.md names their sources.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Outcome table, as `lab replay` takes it.", metavar="TABLE")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the weights; PILOTFISH_HOME/trained unless set.")
    ] = None,
    labels: Labels = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs for the figures (1 unless set) or the curve (5).")
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Draw the learning curve by number of labels instead.")
    ] = False,
    small: Small = None,
    large: Large = None,
    model: Annotated[str | None, typer.Option(help="Small model that `llm` is calibrated for.")] = None,
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
    """Train a learned part, or draw its learning curve.

    With --labels N a policy for an outcome table is fitted on N random rows and scored on the rest; without, it is
    fitted on all of them.
    """
    folder = _folder(out, what)
    if what in _ON_TABLES:
        path = _needed(table, f"{what!r} is trained on an outcome table; pass --table TABLE")
        ends = {"labels": labels, "small": small, "large": large}
        report = _on_table(path, what, folder, ends, seed=seed, seeds=seeds, curve=curve, quiet=json)
    elif what == _LLM:
        report = _calibrated(folder, model, seed)
    elif what in _ON_SETS:
        path = _needed(data, f"{what!r} is trained on public question sets; pass --data DIR")
        report = _on_sets(
            path, what, folder, seed=seed, seeds=seeds, without=without, curve=curve, quiet=json
        )
    else:
        raise _unknown(what)
    _show(report, json=json)


def _on_table(
    path: Path,
    what: str,
    out: Path,
    ends: dict[str, Any],
    *,
    seed: int,
    seeds: int | None,
    curve: bool,
    quiet: bool,
) -> dict[str, Any]:
    from ..agents.codec import to_json
    from ..lab.importers import load_table
    from ..lab.provenance import describe_table, provenance, spell
    from ..lab.table_train import draw_curve, train_on_table

    outcomes = load_table(path)
    told = spelt(what=what, table=path, **ends, seeds=seeds, seed=seed or None, curve=curve)
    command = spell(["lab", "train"], told)
    pair = {"small": ends["small"], "large": ends["large"]}
    with replay_bar(quiet=quiet) as progress:
        if curve:
            if ends["labels"] is not None:
                raise UsageError("--curve goes through many numbers of labels; leave out --labels")
            made = to_json(draw_curve(outcomes, what, out=out, seeds=seeds or 5, **pair, progress=progress))
        else:
            done = train_on_table(
                outcomes,
                what,
                out=out,
                command=command,
                labels=ends["labels"],
                seed=seed,
                seeds=seeds or 1,
                **pair,
                progress=progress,
            )
            made = to_json(done)
    return {"what": what, **made, "table": describe_table(outcomes), **provenance(command)}


def _on_sets(
    data: Path,
    what: str,
    out: Path,
    *,
    seed: int,
    seeds: int | None,
    without: list[Path] | None,
    curve: bool,
    quiet: bool,
) -> dict[str, Any]:
    from ..agents.codec import to_json

    if curve and what == "router":
        from ..lab.router_curve import router_curve
        from ..lab.table_train import write_curve

        with replay_bar(quiet=quiet) as progress:
            frame = router_curve(data, seeds=seeds or 5, progress=progress)
        title = f"learned on StrategyQA's dev steps, {seeds or 5} seeds"
        figures = ("accuracy", "balanced", "f1")
        return to_json(write_curve(frame, what, out=out, figures=figures, title=title))
    if curve or seeds is not None:
        raise UsageError(f"{what!r} is trained once, on all rows; --seeds goes with --what router --curve")
    if what == "grading":
        from ..lab.retrieval_grading import train_grading

        out.mkdir(parents=True, exist_ok=True)
        return train_grading(data, out=out / "grading.json", seed=seed)
    from ..lab.train import train as train_router

    return to_json(train_router(data, out=out, seed=seed, without=without, progress=_say))


def _calibrated(out: Path, model: str | None, seed: int) -> dict[str, Any]:
    from ..agents.codec import to_json
    from ..lab.llm_fit import calibrate_llm

    return to_json(asyncio.run(calibrate_llm(out=out, model=model, seed=seed, progress=_say)))


def _folder(out: Path | None, what: str) -> Path:
    from ..models.settings import load_settings

    return out or load_settings().home / "trained" / what


def _unknown(what: str) -> UsageError:
    known = ", ".join(map(repr, (*_ON_SETS, *_ON_TABLES, _LLM)))
    return UsageError(f"{what!r} cannot be trained; --what is one of {known}")


def _needed(path: Path | None, remedy: str) -> Path:
    if path is None:
        raise UsageError(remedy)
    return path


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _show(report: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(report)
        return
    from rich.markdown import Markdown

    for key, value in report.items():
        if key == "text":
            console().print(Markdown(value))
        elif key == "summary":
            console().print(Markdown(_beside(value)))
        elif key not in ("points", "table") and not (
            key == "figures" and (report.get("summary") or not value)
        ):
            typer.echo(
                f"{key}: {shlex.quote(value) if key == 'policy' else value}"
            )  # to be pasted after --policy


def _cell(row: dict[str, Any], name: str) -> str:
    if row.get(name) is None:
        return "–"
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    ends = "" if low is None or high is None or low == high else f" [{low:.4g}, {high:.4g}]"
    return f"{row[name]:.4g}{ends}"


def _beside(summary: list[dict[str, Any]]) -> str:
    """A policy and the baselines beside it, as a Markdown table."""
    columns = ("quality", "large_share", "apgr", "cpt50", "cpt80")
    lines = [f"| policy | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for row in summary:
        cells = [_cell(row, name) for name in columns]
        lines.append(f"| {row['policy']} | {' | '.join(cells)} |")
    return "\n".join(lines) if summary else ""
