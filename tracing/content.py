"""Content by its hash: texts are taken out of a record's body and stand in it as a digest, so that they can go.

Which fields of which record are content, and which are metadata, is said here and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from .record import RecordKind

CONTENT_FIELDS: Mapping[RecordKind, tuple[str, ...]] = MappingProxyType(
    {
        "run": ("task",),
        "plan": (
            "note",
            "subtasks.*.text",
            "subtasks.*.arguments",
            "subtasks.*.prompt_values",
            "subtasks.*.answer_schema",
        ),
        "decision": ("reason",),
        "call": ("detail",),
        "tool": ("text", "value", "fault"),
        "verdict": ("reason",),
        "subtask": (
            "text",
            "answer",
            "value",
            "detail",
            "decision.reason",
            "verdict.reason",
            "escalations.*.detail",
            "evidence.*.text",
            "evidence.*.heading",
            "citations.*.quote",
            "citations.*.heading",
            "calls.*.detail",
        ),
        "answer": ("text", "extra"),
        "feedback": ("text",),
    }
)
"""Paths into the body, by kind; `*` is every item of a list. Kinds without an entry hold no text of anybody's."""

CONTENT_REFERENCES = ("prompt_sha256", "answer_sha256", "logprobs_sha256")
"""Fields of a call that name a text kept by its hash."""


UNKEPT = "unkept:"
"""Stands before the hash of texts that their record was not to keep, so that another run's same texts are not its own.

In the column of a record's content, and so in its hash. Of a call without texts of its own it stands alone.
"""


def content_column(
    kind: RecordKind, body: Mapping[str, Any], digest: str | None, *, kept: bool
) -> str | None:
    """What a record's column of content is: the hash of its texts, marked where none may be shown for it."""
    names = kind == "call" and any(body.get(name) for name in CONTENT_REFERENCES)
    return digest if kept or not (digest or names) else f"{UNKEPT}{digest or ''}"


def content_digest(text: str) -> str:
    """The sha256 of a text, in hexadecimal; half of a surrogate pair, which a model may write, counts as it is."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def texts_row(content: Mapping[str, Any]) -> str:
    """The texts of a body, by path, as the one text they are kept and hashed as."""
    # ASCII: a model may write half of a surrogate pair, which is JSON but not UTF-8.
    return json.dumps(content, sort_keys=True)


def prompt_text(messages: Sequence[tuple[str, str]]) -> str:
    """Messages as the one text they are kept and hashed as: JSON, a [role, text] pair each."""
    return json.dumps([list(message) for message in messages])


def split_content(kind: RecordKind, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A body's metadata, in which every text is blank but of its type, and its texts by path (`evidence.0.text`)."""
    tree = _TREES.get(kind)
    if tree is None:
        return dict(body), {}
    content: dict[str, Any] = {}
    return _taken_out(body, tree, "", content), content


def merge_content(metadata: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `split_content`: the texts are put back into `metadata`, which is returned."""
    for path, value in content.items():
        *steps, last = path.split(".")
        holder: Any = metadata
        for step in steps:
            holder = holder[int(step) if isinstance(holder, list) else step]
        holder[int(last) if isinstance(holder, list) else last] = value
    return metadata


def row_digest(row: str) -> str:
    """The hash that a row of `contents` must stand under: of a kept text, or of a body's texts as their JSON is."""
    return content_digest(json.loads(row)) if row.startswith('"') else content_digest(row)


def _tree(paths: Sequence[str]) -> dict[str, Any]:
    """Paths as nested mappings; a text is an empty one."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for step in path.split("."):
            node = node.setdefault(step, {})
    return tree


_TREES = {kind: _tree(paths) for kind, paths in CONTENT_FIELDS.items()}


def _taken_out(value: Any, tree: Mapping[str, Any], path: str, content: dict[str, Any]) -> Any:
    """A copy of `value` without its texts, which are added to `content` by path."""
    if not tree:
        blank = _blank(value)
        if value != blank:
            content[path] = value
        return blank
    before = f"{path}." if path else ""
    if isinstance(value, list) and "*" in tree:
        items = enumerate(cast("list[Any]", value))
        return [_taken_out(item, tree["*"], f"{before}{index}", content) for index, item in items]
    if not isinstance(value, Mapping):
        return value
    rest: dict[str, Any] = dict(cast("Mapping[str, Any]", value))
    for name, node in tree.items():
        if name in rest:
            rest[name] = _taken_out(rest[name], node, f"{before}{name}", content)
    return rest


def _blank(value: object) -> object:
    """Nothing, of the same type as far as JSON has one, so that what reads the body can read this too."""
    return type(value)() if isinstance(value, str | list | dict) else None
