"""The plan: a validated DAG of subtasks. A plan that cannot be carried out cannot be built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .. import UsageError
from ..router.subtask import Subtask

_REFERENCE = re.compile(r"#([A-Za-z0-9_][A-Za-z0-9_\-]*)")
_VALUE_REFERENCE = re.compile(r"#([A-Za-z0-9_][A-Za-z0-9_\-]*(?:\.(?:text|evidence))?)")


class PlanError(UsageError):
    """A plan that is empty, repeats an id, names an unknown dependency or output, or runs in a circle."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Subtasks in a stable order in which each follows what it depends on."""

    subtasks: tuple[Subtask, ...]
    planner: str
    """Who made it: `rules`, `llm`, or the name of a workflow function."""
    note: str
    """What a reader should know, such as why the LLM planner fell back to rules."""
    outputs: tuple[str, ...]
    """Ids of the subtasks whose answers make the answer; unless given, those that no other depends on."""

    def __init__(
        self,
        subtasks: Sequence[Subtask],
        *,
        planner: str = "workflow",
        note: str = "",
        outputs: Sequence[str] | None = None,
    ) -> None:
        ordered = _ordered(tuple(subtasks))
        object.__setattr__(self, "subtasks", ordered)
        object.__setattr__(self, "planner", planner)
        object.__setattr__(self, "note", note)
        object.__setattr__(self, "outputs", _outputs(ordered, outputs))

    def __iter__(self) -> Iterator[Subtask]:
        return iter(self.subtasks)

    def __len__(self) -> int:
        return len(self.subtasks)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON data."""
        rows = [subtask_to_json(subtask) for subtask in self.subtasks]
        return {"planner": self.planner, "note": self.note, "outputs": list(self.outputs), "subtasks": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`."""
        subtasks = [subtask_from_json(row) for row in data["subtasks"]]
        return cls(subtasks, planner=data["planner"], note=data["note"], outputs=data["outputs"])

    def mermaid(self, *, lanes: Mapping[str, str] | None = None) -> str:
        """The plan as a mermaid flowchart; `lanes` (subtask id to lane) is shown where known. Works offline."""
        names = {subtask.id: f"n{index}" for index, subtask in enumerate(self.subtasks)}
        lines = ["flowchart LR"]
        for subtask in self.subtasks:
            lane = (lanes or {}).get(subtask.id)
            note = f"<br/><i>{lane}</i>" if lane else ""
            lines.append(f'    {names[subtask.id]}["{_label(subtask)}{note}"]')
        lines += [f"    {names[d]} --> {names[s.id]}" for s in self.subtasks for d in s.depends_on]
        return "\n".join(lines)


def subtask_to_json(subtask: Subtask) -> dict[str, Any]:
    """A subtask as JSON data."""
    row = {field.name: getattr(subtask, field.name) for field in fields(subtask)}
    row |= {"depends_on": list(subtask.depends_on), "arguments": dict(subtask.arguments)}
    row["inherited"] = list(subtask.inherited)
    return row


def subtask_from_json(row: Mapping[str, Any]) -> Subtask:
    """The inverse of `subtask_to_json`."""
    fields_of: dict[str, Any] = {
        **row,
        **{key: tuple(row.get(key, ())) for key in ("depends_on", "inherited")},
    }
    return Subtask(**fields_of)


def references(subtask: Subtask) -> list[str]:
    """Ids of its dependencies that the subtask's text mentions as `#ID`, in order of first mention."""
    mentioned = dict.fromkeys(match[1] for match in _REFERENCE.finditer(subtask.text))
    return [name for name in mentioned if name in subtask.depends_on]


def fill_text(text: str, answers: Mapping[str, str]) -> str:
    """Replace every `#ID` that has an answer by it, in one pass, so that an answer's own `#` is left alone."""
    return _REFERENCE.sub(lambda match: answers.get(match[1], match[0]), text)


def fill_value(value: Any, values: Mapping[str, Any]) -> Any:
    """Replace strings that are exactly a key of `values`, anywhere inside JSON data.

    Keys are `ID` (the answer's value), `ID.text` and `ID.evidence`, written `#ID` and so on in the data.
    """
    if isinstance(value, str):
        match = _VALUE_REFERENCE.fullmatch(value)
        return values[match[1]] if match and match[1] in values else value
    if isinstance(value, Mapping):
        return {key: fill_value(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_value(item, values) for item in value]
    return value


def _ordered(subtasks: tuple[Subtask, ...]) -> tuple[Subtask, ...]:
    if not subtasks:
        raise PlanError("the plan has no subtasks; a plan needs at least one")
    by_id: dict[str, Subtask] = {}
    for subtask in subtasks:
        if not _REFERENCE.fullmatch(f"#{subtask.id}"):
            raise PlanError(f"subtask id {subtask.id!r} is not made of letters, digits, '_' and '-'")
        if not subtask.text.strip():
            raise PlanError(f"subtask {subtask.id!r} has no text; say what it asks")
        if subtask.id in by_id:
            raise PlanError(f"two subtasks have the id {subtask.id!r}; ids must be unique within a plan")
        by_id[subtask.id] = subtask
    known = ", ".join(repr(name) for name in by_id)
    for subtask in subtasks:
        for dependency in subtask.depends_on:
            if dependency not in by_id:
                raise PlanError(
                    f"subtask {subtask.id!r} depends on {dependency!r}, which is not in the plan (it has: {known})"
                )
    try:
        order = TopologicalSorter({s.id: s.depends_on for s in subtasks}).static_order()
        return tuple(by_id[name] for name in _stable(list(order), subtasks))
    except CycleError as error:
        circle = " -> ".join(repr(name) for name in reversed(error.args[1]))
        raise PlanError(f"the plan runs in a circle: {circle}; a subtask cannot wait for itself") from None


def _stable(order: list[str], subtasks: tuple[Subtask, ...]) -> list[str]:
    """The given order where it already is topological, else the sorter's: people read plans as they wrote them."""
    position = {subtask.id: index for index, subtask in enumerate(subtasks)}
    if all(position[d] < position[s.id] for s in subtasks for d in s.depends_on):
        return list(position)
    return order


def _outputs(subtasks: tuple[Subtask, ...], given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return _leaves(subtasks)
    known = [subtask.id for subtask in subtasks]
    for name in given:
        if name not in known:
            has = ", ".join(map(repr, known))
            raise PlanError(f"the plan's output {name!r} is not in the plan (it has: {has})")
    if not given:
        raise PlanError("the plan has no outputs; name at least one, or leave them out for its leaves")
    return tuple(given)


def _leaves(subtasks: tuple[Subtask, ...]) -> tuple[str, ...]:
    needed = {dependency for subtask in subtasks for dependency in subtask.depends_on}
    return tuple(subtask.id for subtask in subtasks if subtask.id not in needed)


def _label(subtask: Subtask) -> str:
    text = subtask.text if len(subtask.text) <= 60 else subtask.text[:57] + "..."
    return f"{subtask.id}: {text}".replace('"', "#quot;").replace("\n", " ")
