from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.lab.tasks_file import read_tasks

GOOD: dict[str, Any] = {"id": "a", "task": "What is 2 + 2?", "check": {"type": "numeric", "answer": 4}}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "tasks.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_a_task_has_what_its_line_says(tmp_path: Path) -> None:
    line = GOOD | {"kind": "reasoning", "group": "sums"}
    (task,) = read_tasks(write(tmp_path, "", line, ""))
    assert (task.id, task.text, task.kind, task.group) == ("a", GOOD["task"], "reasoning", "sums")
    assert task.check.score("It is 4.") == 1.0


def test_an_id_is_a_digest_unless_given_and_does_not_move_with_the_line(tmp_path: Path) -> None:
    bare = {key: value for key, value in GOOD.items() if key != "id"}
    (alone,) = read_tasks(write(tmp_path, bare))
    *_, moved = read_tasks(write(tmp_path, GOOD | {"id": 7}, bare))
    assert alone.id == moved.id


def test_limit_takes_the_first(tmp_path: Path) -> None:
    tasks = read_tasks(write(tmp_path, *(GOOD | {"id": name} for name in "abc")), limit=2)
    assert [task.id for task in tasks] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "field", "remedy"),
    [
        ("{", "not JSON", "one object a line"),
        ("[1]", "JSON list", "write an object"),
        ({"check": GOOD["check"]}, "'task'", "add it"),
        (GOOD | {"task": " "}, "'task'", "say what"),
        (GOOD | {"kin": "reasoning"}, "'kin'", "leave it out"),
        (GOOD | {"kind": "maths"}, "'kind'", "reasoning"),
        (GOOD | {"check": {"type": "exakt", "answer": "x"}}, "'check.type'", "exact, numeric"),
        (GOOD | {"check": {"answer": "x"}}, "'check.type'", "exact, numeric"),
        (GOOD | {"check": {"type": "exact"}}, "'check.answer'", "add it"),
        (GOOD | {"check": {"type": "exact", "answer": []}}, "'check.answer'", "at least 1"),
        (GOOD | {"check": {"type": "numeric", "answer": "four"}}, "'check.answer'", "number"),
        (GOOD | {"check": {"type": "numeric", "answer": 4, "tolerance": -1}}, "'check.tolerance'", "0"),
        (GOOD | {"check": {"type": "regex", "pattern": "("}}, "'check.pattern'", "regular expression"),
        (GOOD | {"check": {"type": "python", "function": "os:system"}}, "'check.function'", "--code os"),
        (GOOD, "'id'", "unique"),
    ],
)
def test_a_bad_line_is_named_with_its_field_and_the_remedy(
    tmp_path: Path, line: object, field: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as error:
        read_tasks(write(tmp_path, GOOD, line))
    for part in ("line 2", field, remedy):
        assert part in str(error.value)


def test_all_lines_are_read_before_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 1, .*line 2, .*line 3, .*and 2 more"):
        read_tasks(write(tmp_path, *["{"] * 5))


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_no_tasks_at_all(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tasks.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="no such file" if content is None else "no tasks"):
        read_tasks(path)
