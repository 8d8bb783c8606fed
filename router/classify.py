"""Classifying rows of text with a policy: what `pilotfish classify` does to each line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from .. import UsageError
from .deciding import decide_now
from .policy import Policy
from .subtask import Subtask

BATCH = 256
"""Rows handed to the policy at a time."""


def read_rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One JSON object per non-empty line. Raises `UsageError` with the line's number, from 1."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"line {number} is not JSON ({error.msg} at column {error.colno})") from None
        yield _checked(row, f"line {number}")


def classify_rows(policy: Policy, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """`{"id", "text"}` to `{"id", "kind", "p_reasoning", "lane", "policy", "version"}`, in order, a batch at a time.

    A row may have a `data_class`, for policies that mind it.
    Raises `UsageError` with the row's number, from 1, when it lacks an id or a text.
    """
    numbered = enumerate(rows, start=1)
    while batch := [_checked(row, f"row {number}") for number, row in islice(numbered, BATCH)]:
        subtasks = [_subtask(row) for row in batch]
        for row, decision in zip(batch, decide_now(policy, subtasks), strict=True):
            yield {
                "id": row["id"],
                "kind": decision.kind,
                "p_reasoning": decision.p_reasoning,
                "lane": decision.lane,
                "policy": decision.policy,
                "version": decision.version,
            }


def _subtask(row: Mapping[str, Any]) -> Subtask:
    known = {"data_class": row["data_class"]} if "data_class" in row else {}
    return Subtask(id=str(row["id"]), text=row["text"], **known)


def _checked(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise UsageError(f'{where} is not a JSON object; expected {{"id": …, "text": …}}')
    if isinstance(row.get("id"), bool) or not isinstance(row.get("id"), str | int):
        raise UsageError(f"{where} has no 'id' that is a string or a whole number: {row.get('id')!r}")
    if not isinstance(row.get("text"), str):
        raise UsageError(f"{where} (id {row['id']!r}) has no 'text' that is a string: {row.get('text')!r}")
    if not isinstance(row.get("data_class", ""), str):
        raise UsageError(
            f"{where} (id {row['id']!r}) has a 'data_class' that is no string: {row['data_class']!r}"
        )
    return dict(row)
