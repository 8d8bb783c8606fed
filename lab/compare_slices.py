"""A difference by group, by predicted kind and by length of the prompt, with the chance of a false find held down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .paired import ALPHA, Difference, holm, paired_difference
from .table import Floats, OutcomeTable, Rows

By = Literal["group", "kind", "length"]
LEAST = 20
"""Prompts a slice needs; smaller ones are left out, they can show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The difference in quality on some of the prompts."""

    by: By
    name: str
    quality: Difference
    p_adjusted: float
    """Holm's, over all slices at once."""

    @property
    def certain(self) -> bool:
        """Whether the difference here stands although so many slices were looked at."""
        return self.p_adjusted <= ALPHA


def slice_differences(
    table: OutcomeTable,
    rows: Rows,
    values: Floats,
    *,
    kinds: Sequence[str] | None,
    resamples: int,
    seed: int = 0,
) -> tuple[Slice, ...]:
    """The difference on every slice of `rows`, whose per-prompt differences are `values`."""
    found: list[tuple[By, str, Difference]] = [
        (by, name, paired_difference(values[mask], resamples=resamples, seed=seed))
        for by, name, mask in slices_of(table, rows, kinds)
    ]
    adjusted = holm([difference.p_value for _, _, difference in found])
    return tuple(
        Slice(by=by, name=name, quality=difference, p_adjusted=p)
        for (by, name, difference), p in zip(found, adjusted, strict=True)
    )


def slices_of(
    table: OutcomeTable, rows: Rows, kinds: Sequence[str] | None
) -> Iterator[tuple[By, str, NDArray[np.bool_]]]:
    """Kind of slice, its name and a mask over `rows`, those of at least `LEAST` prompts."""
    labels: dict[By, list[str]] = {}
    if kinds is not None:
        labels["kind"] = [kinds[int(row)] for row in rows]
    labels["length"] = length_terciles([table.prompts[row] for row in rows])
    if table.groups is not None:
        labels["group"] = [table.groups[row] for row in rows]
    for by, given in labels.items():
        array = np.array(given)
        for name in _LENGTHS if by == "length" else sorted(set(given)):
            mask = array == name
            if mask.sum() >= LEAST:
                yield by, name, mask


_LENGTHS = ("short", "middling", "long")


def length_terciles(prompts: Sequence[str]) -> list[str]:
    """`short`, `middling` or `long`: a third of these prompts each, by characters."""
    lengths = np.array([len(prompt) for prompt in prompts])
    edges = np.quantile(lengths, (1 / 3, 2 / 3))
    return [_LENGTHS[int(place)] for place in np.searchsorted(edges, lengths, "left")]
