"""A replay as JSON and CSV. What cannot be said is null and an empty field: NaN never gets out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from ..tracing.whole import write_whole
from .provenance import describe_table, provenance
from .replay import Replay, row_dict


def replay_json(found: Replay, *, command: str) -> dict[str, Any]:
    """`rows`, `summary`, `table`, `notes`, `command`, `commit` and `version`."""
    small, large = (found.table.models[column] for column in (found.pair.small, found.pair.large))
    return {
        "rows": [row_dict(row) for row in found.rows],
        "summary": found.summary(),
        "table": {**describe_table(found.table), "small": small, "large": large},
        "notes": list(found.notes),
        **provenance(command),
    }


def write_rows(found: Replay, path: Path) -> None:
    """The rows as CSV, shares as JSON; whole or not at all."""
    lines = [row_dict(row) for row in found.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**line, "shares": json.dumps(line["shares"], ensure_ascii=False)} for line in lines)
    write_whole(path, text.getvalue())
