"""The model card of a policy fitted on an outcome table: data, figures, limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..router.policy import Policy
from ..tracing.whole import write_whole
from .provenance import commit, package_version
from .table import OutcomeTable

_CARD = """# Model card: a `{what}` router policy

| | |
|---|---|
| policy | `{policy}` |
| fitted on | {rows:,} rows of `{table}` (digest `{digest}`) |
| models | {models} |
| made by | `{command}` |
| Pilotfish | {version}{commit} |

## Figures
{figures}

## Limits
- It knows these models as they were when the table was made; another version of one is another model.
- It knows prompts like those of the table; on others it falls back on means.
{remark}"""


def write_card(
    path: Path,
    *,
    what: str,
    policy: Policy,
    train: OutcomeTable,
    figures: Mapping[str, float],
    command: str,
    remark: str = "",
) -> None:
    """Writes the card, whole or not at all."""
    stands = commit()
    text = _CARD.format(
        what=what,
        policy=policy,
        rows=len(train),
        table=train.name,
        digest=train.digest,
        models=", ".join(f"`{model}`" for model in train.models),
        command=command,
        version=package_version(),
        commit=f", commit `{stands}`" if stands else "",
        figures=_figures(figures),
        remark=f"- {remark}\n" if remark else "",
    )
    write_whole(path, text)


def _figures(figures: Mapping[str, float]) -> str:
    if not figures:
        return "None: it was fitted on every row. `--labels N` leaves rows to score it on."
    rows = [
        f"| {name} | {value:.4g}{_ends(figures, name)} |"
        for name, value in figures.items()
        if not name.endswith(("_low", "_high"))
    ]
    head = "On rows it was not fitted on; in brackets 95 % intervals."
    return "\n".join([head, "", "| figure | value |", "|---|---|", *rows])


def _ends(figures: Mapping[str, float], name: str) -> str:
    low, high = figures.get(f"{name}_low"), figures.get(f"{name}_high")
    return "" if low is None or high is None else f" [{low:.4g}, {high:.4g}]"
