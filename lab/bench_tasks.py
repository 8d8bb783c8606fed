"""`lab bench tasks`: GSM8K, NQ-open and XQuAD questions on the embedded small model and the retriever, no large model.

It says what routing, verification and retrieval each add. It takes hours on a laptop, is kept under
PILOTFISH_HOME/bench/public, and goes on there when it is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import UsageError
from ..models.settings import load_settings
from .bench import Report
from .bootstrap import means_of
from .table import Floats
from .tasks import run_tasks
from .tasks_file import Task, read_tasks
from .tasks_public import held_in, public_tasks, write_corpus, write_tasks
from .tasks_rows import Row
from .tasks_summary import TaskBench, summarise

POLICIES = ("always-local", "always-retrieval", "random:seed=0", "rules", "learned")
EACH = 200
"""Questions of every set."""
_TIMEOUT_S = 900.0
"""A busy machine is slow, and what times out is a figure of the machine, not of the model."""
_RESAMPLES = 10_000


def run(data: Path | None, /) -> Report:
    """The bench with the local model of the settings."""
    if data is None:
        raise UsageError("the tasks bench needs the public data sets; name their folder with --data")
    return measure(data, load_settings().home / "bench" / "public", each=EACH)


def measure(data: Path, folder: Path, *, each: int, votes: Sequence[int] = (5, 1), **how: Any) -> Report:
    """The bench on `each` questions of every set under `data`, kept in `folder`; `how` as in `run_tasks`.

    `votes` are first the samples that verification takes, then the 1 that turns it off.
    """
    lines = public_tasks(data, each=each)
    path, strict = folder / "tasks.jsonl", folder / "strict.jsonl"
    write_tasks(lines, path)
    write_tasks(public_tasks(data, each=each, contains=False), strict)
    corpus = folder / "corpus"
    passages = write_corpus(data, corpus) if (data / "xquad").is_dir() else 0
    how = {"corpus": corpus if passages else None, "timeout_s": _TIMEOUT_S, **how}
    most, fewest = votes
    checked, unchecked = (
        run_tasks(path, POLICIES, out=folder, votes=each_votes, lanes_alone=True, **how)
        for each_votes in (most, fewest)
    )
    exact = {task.id: task for task in read_tasks(strict)}
    held = {name: held_in(lines, data, group=name) for name in ("nq_open", "xquad") if passages}
    return _report(checked, unchecked, exact, held)


def _report(
    checked: TaskBench, unchecked: TaskBench, exact: Mapping[str, Task], held: Mapping[str, float]
) -> Report:
    groups = list(dict.fromkeys(task.group or "" for task in checked.tasks))
    named = {name: checked.of(name) for name in (*checked.policies, *checked.lanes)}
    named |= {f"{name}, unvoted": unchecked.of(name) for name in unchecked.policies}
    figures: dict[str, float] = {f"held_in_corpus_{name}": share for name, share in held.items()}
    parts: list[str] = []
    for group in [*groups, "all"]:
        part = {name: [row for row in rows if group in (row.group, "all")] for name, rows in named.items()}
        parts.append(_table(group, part, exact))
        figures |= _figures(group, part, exact)
        gains = _gains(part)
        figures |= {f"{group}_{name}": values[0] for name, values in gains.items()}
        parts.append(_say(gains))
    notes = [
        f"{share:.0%} of {name}'s questions have a gold answer in the corpus." for name, share in held.items()
    ]
    return Report(figures=figures, text="\n\n".join([*parts, *notes]))


def _figures(group: str, part: Mapping[str, Sequence[Row]], exact: Mapping[str, Task]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, rows in part.items():
        found = summarise(rows) | {"exact": _exact(rows, exact)}
        for key in ("n", "accuracy", "low", "high", "exact", "answered", "accepted", "accuracy_accepted"):
            if found[key] is not None:
                figures[f"{group}_{name}_{key}"] = float(found[key])
    return figures


def _exact(rows: Sequence[Row], exact: Mapping[str, Task]) -> float:
    """Accuracy where a gold answer within a longer one does not count."""
    return sum(exact[row.id].check.score(row.answer) for row in rows if row.answer) / len(rows)


def _table(group: str, part: Mapping[str, Sequence[Row]], exact: Mapping[str, Task]) -> str:
    n = len(next(iter(part.values())))
    lines = [
        f"### {group} ({n} questions)",
        "",
        "| policy | accuracy (95 %) | exact match | answered | accepted | right of accepted | lanes | escalations |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in part.items():
        found = summarise(rows)
        lanes = ", ".join(f"{lane} {share:.2f}" for lane, share in found["lanes"].items())
        moved = ", ".join(f"{why} {count}" for why, count in found["escalations"].items()) or "none"
        right = found["accuracy_accepted"]
        cells = [
            f"{found['accuracy']:.3f} ({found['low']:.3f} to {found['high']:.3f})",
            f"{_exact(rows, exact):.3f}",
            f"{found['answered']:.3f}",
            f"{found['accepted']:.3f}",
            "-" if right is None else f"{right:.3f}",
            lanes,
            moved,
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _gains(part: Mapping[str, Sequence[Row]]) -> dict[str, tuple[float, float, float]]:
    """What each part adds to accuracy, with its paired 95 % bootstrap interval over questions."""
    score = {name: np.array([row.score for row in rows]) for name, rows in part.items()}
    pairs = {
        "retrieval": ("always-retrieval, unvoted", "always-local, unvoted"),
        "routing": ("learned, unvoted", "always-local, unvoted"),
        "routing_over_retrieval": ("learned, unvoted", "always-retrieval, unvoted"),
        "voting": ("lane:local", "always-local, unvoted"),
        "withholding": ("always-local", "lane:local"),
    }
    return {
        name: _difference(score[one], score[other])
        for name, (one, other) in pairs.items()
        if one in score and other in score
    }


def _difference(one: Floats, other: Floats) -> tuple[float, float, float]:
    means = means_of((one - other)[:, None], resamples=_RESAMPLES)[:, 0]
    low, high = np.quantile(means, (0.025, 0.975))
    return float((one - other).mean()), float(low), float(high)


_WORDS: Mapping[str, str] = {
    "retrieval": "retrieval alone, beside the small model alone",
    "routing": "routing by `learned`, beside the small model alone",
    "routing_over_retrieval": "routing by `learned`, beside retrieval alone",
    "voting": "the majority of up to five samples, beside the first one",
    "withholding": "withholding what the samples disagree on, beside saying it",
}


def _say(gains: Mapping[str, tuple[float, float, float]]) -> str:
    return "\n".join(
        f"- {_WORDS[name]}: {mean:+.3f} ({low:+.3f} to {high:+.3f}) accuracy"
        for name, (mean, low, high) in gains.items()
    )
