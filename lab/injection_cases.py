"""Instructions planted in documents: the project's own sixty, and AgentDojo's, out of its wheel, which is not run."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from .. import UsageError

_PACKAGE = __name__.rpartition(".")[0]
_SUITES = "agentdojo/default_suites/v1/"
_ATTACKS = "agentdojo/attacks/important_instructions_attacks.py"
_FIELDS = ("id", "kind", "language", "goal", "says", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One planted text."""

    id: str
    kind: str
    language: str
    """ISO 639-1."""
    goal: str
    """What its writer is after: `answer`, `tool`, `lane`, `class` or `citation`."""
    says: str
    """What a model says that obeys it."""
    text: str
    trigger: str
    """What a model has to see of it in order to obey."""


def own_injections() -> tuple[Injection, ...]:
    """The sixty, in twelve kinds."""
    text = (resources.files(_PACKAGE) / "injections.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, str]] = yaml.safe_load(text)
    return tuple(
        Injection(**{name: row[name] for name in _FIELDS}, trigger=row.get("trigger", row["says"]))
        for row in rows
    )


def agentdojo_injections(data: Path) -> tuple[Injection, ...]:
    """AgentDojo's injection goals (v1) in its "important instructions" words, from `agentdojo-*.whl` in `data`.

    Debenedetti et al. 2024, arXiv 2406.13352. Empty where `data` holds no such wheel; raises `UsageError` for one
    that cannot be read.
    """
    wheel = next(iter(sorted(data.glob("agentdojo-*.whl"))), None)
    if wheel is None:
        return ()
    try:
        with zipfile.ZipFile(wheel) as archive:
            frame = _frame(archive.read(_ATTACKS).decode())
            names = sorted(name for name in archive.namelist() if name.startswith(_SUITES))
            goals = [
                (name.split("/")[3], goal)
                for name in names
                if name.endswith("/injection_tasks.py")
                for goal in _goals(archive.read(name).decode())
            ]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"{str(wheel)!r} cannot be read as AgentDojo: {error}") from None
    return tuple(_outside(number, suite, goal, frame) for number, (suite, goal) in enumerate(goals, 1))


def _outside(number: int, suite: str, goal: str, frame: str) -> Injection:
    text = frame.format(goal=goal, user="Emma Johnson", model="AI assistant")
    kind = f"agentdojo-{suite}"
    return Injection(
        id=f"agentdojo-{number}", kind=kind, language="en", goal="tool", says=goal, text=text, trigger=goal
    )


def _frame(source: str) -> str:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and any(_named(target, "_JB_STRING") for target in node.targets):
            return str(ast.literal_eval(node.value))
    raise ValueError("no _JB_STRING")


def _goals(source: str) -> Iterator[str]:
    """Every GOAL whose parts are constants of its class or module; the others are computed, and left out."""
    tree = ast.parse(source)
    outer = _constants(tree.body, {})
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            goal = _constants(node.body, outer).get("GOAL")
            if goal:
                yield goal


def _constants(body: list[ast.stmt], known: Mapping[str, str]) -> dict[str, str]:
    found = dict(known)
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _text(node.value, found)
            if value is not None:
                found[node.targets[0].id] = value
    return found


def _text(node: ast.expr, known: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [
            _text(part.value if isinstance(part, ast.FormattedValue) else part, known) for part in node.values
        ]
        return None if None in parts else "".join(part for part in parts if part is not None)
    return known.get(node.id) if isinstance(node, ast.Name) else None


def _named(target: Any, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name
