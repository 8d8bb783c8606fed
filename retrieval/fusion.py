"""Reciprocal rank fusion: one ranking out of several, from ranks alone (Cormack et al., SIGIR 2009)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

RRF_K = 5
"""Chosen on SciFact's training claims (docs/retrieval.md). The paper's 60 lets a passage that both legs rank low
overtake one that a single leg ranks first."""

Key = TypeVar("Key", bound=Hashable)


def fuse_ranks(
    rankings: Mapping[str, Sequence[Key]], *, weights: Mapping[str, float] | None = None, k: int = RRF_K
) -> list[tuple[Key, float]]:
    """Everything in `rankings` (leg to keys, best first) with its sum of `weight / (k + rank)`, best first.

    Equal sums keep the order in which the legs, as given, found them.
    """
    totals: defaultdict[Key, float] = defaultdict(float)
    for leg, keys in rankings.items():
        weight = 1.0 if weights is None else weights[leg]
        for rank, key in enumerate(keys, start=1):
            totals[key] += weight / (k + rank)
    return sorted(totals.items(), key=lambda item: -item[1])
