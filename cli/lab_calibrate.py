"""`pilotfish lab calibrate`: the cheapest threshold that keeps the large model's quality, with a guarantee."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .lab_table_options import TABLE_HELP, Small, replay_bar, spelt
from .output import Json, console, print_json

if TYPE_CHECKING:
    from ..lab.calibrate import Check
    from ..lab.calibration_log import CalibrationLog
    from ..router.calibration import Calibration


Target = Annotated[float, typer.Option(help="Share of the large model's quality to keep.")]
Confidence = Annotated[float, typer.Option(help="Probability with which it is kept.")]
Scored = Annotated[
    str,
    typer.Option(
        metavar="NAME[:option=value,…]",
        help="Whose score is cut; `cascade` cuts the small model's own confidence, which LOG must then have.",
    ),
]
FittedOn = Annotated[
    float | None,
    typer.Option(help="Random rows to fit the policy on, or their share below 1; calibrated on the rest."),
]
Reference = Annotated[str | None, typer.Option(help="Large model, the reference; the best unless set.")]
Halves = Annotated[
    int | None,
    typer.Option(min=1, help="Also put the guarantee to the test over this many random halves of the log."),
]
CheckRows = Annotated[
    int | None,
    typer.Option(
        help="Rows the check calibrates on, to see what fewer would do; half of the log unless set."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Write the calibration file that `threshold` and `cascade` read; a policy fitted just now is kept in "
        "the folder of the same name without its ending."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the labelled rows, their order, and the halves.")]


def calibrate(
    log: Annotated[Path, typer.Argument(metavar="LOG", help=TABLE_HELP)],
    *,
    policy: Scored = "learned",
    target: Target = 0.95,
    confidence: Confidence = 0.9,
    labels: FittedOn = None,
    small: Small = None,
    large: Reference = None,
    check: Halves = None,
    rows: CheckRows = None,
    out: Out = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Find the cheapest threshold that keeps its promise.

    That is the share --target of the large model's quality, on prompts like those of LOG.

    Exit code 3: LOG has too few rows to certify that; the message says about how many would do.
    """
    from ..lab.calibrate import calibrate_log, check_guarantee
    from ..lab.calibration_log import keep_policy, read_log
    from ..lab.importers import load_table
    from ..lab.provenance import spell
    from ..lab.risk_control import Promise
    from ..router.calibration import write_calibration

    options = spelt(
        policy=policy, target=target, confidence=confidence, labels=labels, small=small, large=large
    )
    options |= spelt(check=check, rows=rows, out=out, seed=seed or None)
    command = spell(["lab", "calibrate", str(log)], options)
    promise = Promise(target=target, confidence=confidence)
    read = read_log(load_table(log), policy, small=small, large=large, labels=labels, seed=seed)
    found = calibrate_log(read, promise, seed=seed)
    if out is not None:
        found = replace(found, spec=keep_policy(read, out.with_suffix(""), command=command))
        write_calibration(found, out)
    checked = None
    if check is not None:
        with replay_bar(quiet=json) as progress:
            checked = check_guarantee(read, promise, splits=check, rows=rows, seed=seed, progress=progress)
    if json:
        _print(found, checked, read, command)
    else:
        _show(found, checked, out)


def _print(found: Calibration, check: Check | None, read: CalibrationLog, command: str) -> None:
    from ..lab.provenance import describe_table, provenance

    origin = provenance(command)
    print_json(
        {
            **asdict(found),
            "check": None if check is None else asdict(check),
            "table": describe_table(read.table),
            "command": origin["command"],
            "commit": origin["commit"],
            "package": origin["version"],
        }
    )


def _show(found: Calibration, check: Check | None, out: Path | None) -> None:
    from .render_calibration import render_calibration

    render_calibration(console(), found, check)
    if out is not None:
        name = "cascade" if found.measure == "confidence" else "threshold"
        typer.echo(f"Written; use it with --policy {name}:calibration={out}")
