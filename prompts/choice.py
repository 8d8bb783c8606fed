"""Which version of each prompt is used: the shipped one unless a run pins another, or splits between several."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .prompt import Prompt, PromptError, load_prompt, prompt_names


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChoice:
    """References by prompt name: a version (`2`), or the path of a prompt file that takes its place."""

    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """More than one splits the units between them, half and half for two."""

    def load(self, name: str, *, unit: str = "") -> Prompt:
        """The prompt that `name` stands for here; the same unit always gets the same."""
        references = self.references.get(name)
        if not references:
            return load_prompt(name)
        reference = references[_share(name, unit) % len(references)]
        return load_prompt(reference if reference.endswith(".md") else f"{name}@{reference}")

    def files(self) -> dict[str, str]:
        """Paths of the files that stand in for a prompt alone, by the name of that prompt."""
        alone = {name: references[0] for name, references in self.references.items() if len(references) == 1}
        return {name: reference for name, reference in alone.items() if reference.endswith(".md")}

    def versions(self) -> dict[str, list[str]]:
        """The choice as JSON data, for the record of a run."""
        return {name: list(references) for name, references in self.references.items()}


def choose_prompts(given: Mapping[str, str] | Sequence[str]) -> PromptChoice:
    """From `NAME@VERSION`, `NAME@V1,V2` (an A/B split) and `NAME=FILE.md`, or a mapping of name to those.

    Every reference is loaded once here, so a missing or altered prompt is found before a run, and
    so is one that asks for a value which the prompt it replaces is not given. Raises `PromptError`.
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else [_split(each) for each in given]
    references: dict[str, tuple[str, ...]] = {}
    for name, what in pairs:
        if name in references:
            raise PromptError(
                f"prompt {name!r} is chosen twice; write {name}@V1,V2 to split between versions"
            )
        parts = [part.strip() for part in what.split(",")]
        if "" in parts:
            raise PromptError(
                f"{what!r} names no version of prompt {name!r} in one place; write {name}@V1,V2"
            )
        references[name] = tuple(map(_reference, parts))
    choice = PromptChoice(references=references)
    for name, each in references.items():
        for reference in each:
            _check_variables(name, PromptChoice(references={name: (reference,)}).load(name))
    return choice


def _check_variables(name: str, chosen: Prompt) -> None:
    """Whoever sends a prompt gives it the values that the one in use needs; a workflow's own name is not known here."""
    if name not in prompt_names():
        return
    known = sorted(load_prompt(name).variables)
    for variable in sorted(chosen.variables.difference(known)):
        near = difflib.get_close_matches(variable, known, n=1, cutoff=0.0)
        hint = f"; did you mean ${near[0]}?" if near else ""
        raise PromptError(
            f"prompt {chosen.name!r} has ${variable}, for which {name!r} is given no value{hint} "
            f"(it is given: {', '.join(f'${each}' for each in known) or 'nothing'})"
        )


def _split(text: str) -> tuple[str, str]:
    for mark in ("=", "@"):
        name, found, what = text.partition(mark)
        if found and name and what:
            return name, what
    raise PromptError(f"{text!r} chooses no prompt: write NAME@VERSION, NAME@V1,V2 or NAME=FILE.md")


def _reference(text: str) -> str:
    """A version, or the full path of a file, which still holds when a run is resumed elsewhere."""
    return str(Path(text).expanduser().absolute()) if text.endswith(".md") else text


def _share(name: str, unit: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{name}\0{unit}".encode()).digest()[:8])
