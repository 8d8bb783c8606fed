"""Reads TASKS.jsonl: one task a line, with the check that scores its answer. A bad line is refused before any run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .. import UsageError
from ..agents.codec import digest
from ..router.policy import Kind
from .tasks_checks import Check, FileCheck, resolve_check

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked, and how its answer is scored."""

    id: str
    text: str
    check: Check
    kind: Kind | None = None
    """What it is heavy in, where the user knows; results are shown by it and no policy sees it."""
    group: str | None = None
    """A label of the user's, which no policy sees."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(default=None, min_length=1)
    task: str
    check: FileCheck
    kind: Kind | None = None
    group: str | None = None

    @field_validator("id", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("task")
    @classmethod
    def _asks(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("the task is empty; say what is to be answered")
        return text


def read_tasks(path: Path | str, *, code: Sequence[str] = (), limit: int | None = None) -> list[Task]:
    """The tasks of a JSONL file, `limit` of them at most, in order.

    A line is `{"task": TEXT, "check": {"type": …}}` and may have `id`, `kind` and `group`; a task without an id is
    known by a digest of its text and check. `code` names the modules and files that Python checks are imported from.
    Raises `UsageError` that names the line, the field and the remedy; every line is read before any is refused.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(
            f"no tasks at {str(path)!r}: there is no such file; give a JSONL file, one task a line"
        )
    tasks: dict[str, Task] = {}
    faults: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            task = _task(line, folder=path.parent, code=code)
            if task.id in tasks:
                raise UsageError(f"field 'id': {task.id!r} stands on an earlier line too; ids must be unique")
        except UsageError as error:
            faults.append(f"line {number}, {error}")
        else:
            tasks[task.id] = task
    if faults:
        more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
        raise UsageError(f"{str(path)!r} cannot be run: {'; '.join(faults[:_SHOWN])}{more}")
    if not tasks:
        raise UsageError(f"{str(path)!r} has no tasks; write one JSON object a line")
    return list(tasks.values())[:limit]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8 text at byte {error.start}; save it as UTF-8") from None


def _task(line: str, *, folder: Path, code: Sequence[str]) -> Task:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise UsageError(f"no field can be read: it is not JSON ({error}); write one object a line") from None
    if not isinstance(data, dict):
        raise UsageError(f"no field can be read: it is a JSON {type(data).__name__}; write an object")
    try:
        row = _Line.model_validate(data)
    except ValidationError as error:
        raise UsageError(_explain(error)) from None
    try:
        check = resolve_check(row.check, folder=folder, code=code)
    except UsageError as error:
        raise UsageError(f"field 'check.function': {error}") from error
    name = row.id or digest(row.task, data["check"])[:12]
    return Task(id=name, text=row.task, check=check, kind=row.kind, group=row.group)


def _explain(error: ValidationError) -> str:
    """The first fault, as field and remedy."""
    fault = error.errors(include_url=False)[0]
    tags = ("exact", "numeric", "choice", "regex", "python")
    place = [str(part) for part in fault["loc"] if part not in tags]
    field = ".".join(place) or "check"
    match fault["type"]:
        case "missing":
            return f"field {field!r}: it is missing; add it"
        case "extra_forbidden":
            return f"field {field!r}: it is not known here; spell it as documented or leave it out"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"field 'check.type': give one of {', '.join(tags)}"
        case _:
            message = fault["msg"].removeprefix("Value error, ")
            return f"field {field!r}: {message} (it is {str(fault['input'])[:80]!r})"
