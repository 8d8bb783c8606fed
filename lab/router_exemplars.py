"""Our own exemplars for the learned policy: the patterns of `router/weights/exemplars.txt`, filled in.

Which values a pattern is given follows from the pattern's text alone, so two trainings see the same sentences.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from random import Random

from .. import UsageError
from .router_data import Row

VARIANTS = 8
"""Sentences made from one pattern that has slots."""

_SLOT = re.compile(r"\{(\w+)\}")


def load_exemplars() -> list[Row]:
    """Every exemplar as a row of the set `exemplars`; `twins` names the set whose form a section shares."""
    text = (files("pilotfish.router") / "weights" / "exemplars.txt").read_text(encoding="utf-8")
    return list(parse_exemplars(text))


def parse_exemplars(text: str) -> Iterator[Row]:
    """Rows of an exemplar file. Raises `UsageError` naming the line that is neither slot, pattern nor note."""
    slots: dict[str, list[str]] = {}
    twins: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        if not line.strip() or mark.startswith("#"):
            continue
        if mark.startswith("@"):
            slots[mark[1:].rstrip(":")] = [value.strip() for value in rest.split("|")]
        elif mark == "%":
            twins = tuple(rest.removeprefix("twins:").split())
        elif mark in ("+", "-"):
            yield from _filled(rest, mark == "+", slots, twins)
        else:
            raise UsageError(
                f"exemplars, line {number}: {line!r} starts with none of '@', '+', '-', '%', '#'"
            )


def _filled(
    pattern: str, reasoning: bool, slots: Mapping[str, list[str]], twins: tuple[str, ...]
) -> Iterator[Row]:
    random = Random(zlib.crc32(pattern.encode()))  # noqa: S311 - variety, not secrecy
    texts = dict.fromkeys(
        _fill(pattern, slots, random) for _ in range(VARIANTS if _SLOT.search(pattern) else 1)
    )
    for text in texts:
        yield Row(text=text, label=1 if reasoning else 0, dataset="exemplars", twins=twins)


def _fill(pattern: str, slots: Mapping[str, list[str]], random: Random) -> str:
    used: list[str] = []
    people: dict[str, str] = {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("opts_"):
            chosen = random.sample(slots[name.removeprefix("opts_")], 4)
            return "\n".join(f"{letter}. {choice}" for letter, choice in zip("ABCD", chosen, strict=True))
        if name in people:
            return people[name]
        fresh = [choice for choice in slots[name] if choice not in used] or slots[name]
        used.append(random.choice(fresh))
        if name.startswith("name"):
            people[name] = used[-1]
        return used[-1]

    protected = pattern.replace("{{", "\x00").replace("}}", "\x01").replace("\\n", "\n")
    return _SLOT.sub(value, protected).replace("\x00", "{").replace("\x01", "}")
