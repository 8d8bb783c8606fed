"""What the optimiser may know: the figures read from retrieved passages, the newest of each, and what is
missing.

It holds no figure of its own. Whatever no passage stated is missing, and a way that needs it counts as not verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .limits import Limit, newest, read_limits

CANALS = frozenset({"suez", "panama"})
"""Passages that charge and take time: they need a toll and a transit time besides draft and status."""
_EVERY_PASSAGE = ("status", "max_draft_m")
_EVERY_CANAL = (*_EVERY_PASSAGE, "transit_hours", "toll_usd", "toll_usd_per_teu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """The figures in force, by subject and name."""

    limits: Mapping[tuple[str, str], Limit]
    superseded: tuple[Limit, ...] = field(default=(), repr=False)
    """Older figures for the same things."""

    def find(self, subject: str, name: str) -> Limit | None:
        """The figure, or None if no passage stated it."""
        return self.limits.get((subject, name))

    def value(self, subject: str, name: str, default: float = 0.0) -> float:
        """Its number; `default` if it is missing or has none."""
        limit = self.find(subject, name)
        return default if limit is None or limit.value is None else limit.value

    def draft_limit(self, passage: str) -> Limit | None:
        """The stricter of what a passage's locks admit and what its notices allow; None if neither is
        known."""
        stated = [found for name in ("max_draft_m", "lock_draft_m") if (found := self.find(passage, name))]
        numbers = [each for each in stated if each.value is not None]
        return min(numbers, key=lambda each: each.value or 0.0) if numbers else next(iter(stated), None)

    def missing(self, passage: str) -> tuple[str, ...]:
        """Figures without which a passage is not verified."""
        needed = _EVERY_CANAL if passage in CANALS else _EVERY_PASSAGE
        return tuple(name for name in needed if self.find(passage, name) is None)

    def subjects(self, kind: str) -> tuple[str, ...]:
        """Subjects of a kind (`eca`, `class`), such as `eca mediterranean_sea`, in order of name."""
        return tuple(sorted({subject for subject, _ in self.limits if subject.startswith(f"{kind} ")}))

    def areas_in_force(self, day: date) -> tuple[str, ...]:
        """Emission control areas whose sulphur limit applies on `day`, without the `eca `."""
        found = [(each, self.find(each, "sulphur_percent")) for each in self.subjects("eca")]
        return tuple(
            subject.removeprefix("eca ")
            for subject, limit in found
            if limit is not None and (limit.start is None or limit.start <= day)
        )

    def as_json(self) -> list[dict[str, Any]]:
        """Every figure in force, JSON-able; `from_json` reads it."""
        return [self.limits[key].as_json() for key in sorted(self.limits)]

    @classmethod
    def from_json(cls, rows: Iterable[Mapping[str, Any]]) -> Constraints:
        """The constraints of `as_json`."""
        return gather(Limit.from_json(row) for row in rows)


def gather(limits: Iterable[Limit]) -> Constraints:
    """Constraints from any figures: of two for one thing the newer counts, of one day the stricter."""
    by_key: dict[tuple[str, str], list[Limit]] = {}
    for limit in dict.fromkeys(limits):
        by_key.setdefault((limit.subject, limit.name), []).append(limit)
    chosen = {key: newest(found) for key, found in by_key.items()}
    older = [each for key, found in by_key.items() for each in found if each != chosen[key]]
    return Constraints(limits=chosen, superseded=tuple(older))


def read_constraints(passages: Iterable[Sequence[str]]) -> Constraints:
    """Constraints from retrieved passages, each (text, document) or (text, document, heading)."""
    found: list[Limit] = []
    for text, document, *heading in passages:
        found.extend(read_limits(text, document=document, heading=heading[0] if heading else ""))
    return gather(found)
