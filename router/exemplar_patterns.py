"""The patterns of `weights/exemplars.txt`, our own sentences with holes, and how they are filled in.

Which values a pattern is given follows from the pattern's text alone: the same file gives the same sentences.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .. import UsageError

SHIPPED = Path(__file__).parent / "weights" / "exemplars.txt"

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One sentence with holes, or none."""

    text: str
    reasoning: bool
    twins: tuple[str, ...]
    """Public sets whose form its section of the file shares."""
    slots: Mapping[str, list[str]]

    def fill(self, variants: int) -> list[str]:
        """Up to `variants` distinct sentences; one where there is no hole."""
        random = Random(zlib.crc32(self.text.encode()))  # noqa: S311 - variety, not secrecy
        count = variants if _SLOT.search(self.text) else 1
        return list(dict.fromkeys(_fill(self.text, self.slots, random) for _ in range(count)))


def read_patterns(text: str) -> Iterator[Pattern]:
    """The patterns of an exemplar file. Raises `UsageError` naming the line that is neither slot, pattern nor note."""
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
            yield Pattern(text=rest, reasoning=mark == "+", twins=twins, slots=slots)
        else:
            raise UsageError(
                f"exemplars, line {number}: {line!r} starts with none of '@', '+', '-', '%', '#'"
            )


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
