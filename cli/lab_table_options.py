"""Options of the lab's commands that replay policies on a table, and what a command makes of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import console

if TYPE_CHECKING:
    from ..lab.replay import Progress

TABLE_HELP = "Outcome table: Pilotfish's CSV or Parquet, or a public file or folder of RouteLLM, LLMRouter or MMLU-Pro."
Small = Annotated[str | None, typer.Option(help="Small model; the worst on average unless set.")]
Large = Annotated[
    str | None,
    typer.Option(help="Large model; the best unless set. With both set, no other model takes part."),
]
Labels = Annotated[
    float | None,
    typer.Option(help="Random rows to train on, or their share below 1; the rest is scored."),
]
Seeds = Annotated[int, typer.Option(help="Runs, each with another division of the rows.")]
Folds = Annotated[int | None, typer.Option(help="Cross-validate: every row is scored, in this many folds.")]
Without = Annotated[Path | None, typer.Option(help="Leave out the prompts of this outcome table.")]
RowsOption = Annotated[int | None, typer.Option(help="A random sample of the table, for slow policies.")]
Resamples = Annotated[int, typer.Option(min=1, help="Bootstrap resamples behind the intervals.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What the commands that replay policies on a table are given besides the table and the policies."""

    small: str | None
    large: str | None
    labels: float | None
    seeds: int
    folds: int | None
    without: Path | None
    rows: int | None
    resamples: int

    def arguments(self) -> dict[str, Any]:
        """Arguments of `lab.replay.replay` and `lab.compare.compare`; reads the table whose prompts are left out."""
        from ..lab.importers import load_table

        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return given | {"without": None if self.without is None else load_table(self.without)}

    def spelt(self, *, resamples: int) -> dict[str, Any]:
        """By their spelling on the command line; what a command takes unless told otherwise stays out, of which
        `resamples` differs between commands."""
        return spelt(
            small=self.small,
            large=self.large,
            labels=self.labels,
            folds=self.folds,
            without=self.without,
            rows=self.rows,
            seeds=self.seeds if self.seeds != 1 else None,
            resamples=self.resamples if self.resamples != resamples else None,
        )


def spelt(**options: Any) -> dict[str, Any]:
    """Options by their spelling on the command line; `labels` as short as it was given."""
    labels = options.get("labels")
    if labels is not None:
        options["labels"] = f"{labels:g}"
    return {f"--{name.replace('_', '-')}": value for name, value in options.items()}


@contextmanager
def replay_bar(*, quiet: bool) -> Generator[Progress]:
    """A progress bar on standard error, where a person looks at it."""
    from rich.progress import Progress as Bar

    screen = console(stderr=True)
    with Bar(console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show
