"""The leakage guard: no policy is scored on a row it was trained on, or on the same question in other words of options.

Rows are recognised by their fingerprint (`router.fingerprints`). All policies of a comparison are scored on the rows
that remain for every one of them, so that they stay comparable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..router.fingerprints import fingerprint
from ..router.policy import Policy
from .table import OutcomeTable, Rows

FEWEST_ROWS = 100
"""A comparison on fewer rows than this, after some had to leave, is refused."""
SMALLEST_SHARE = 0.2
"""So is one on a smaller share than this of the rows that were to be scored."""


def identities(table: OutcomeTable) -> NDArray[np.int64]:
    """The fingerprint of every prompt, shape (n,)."""
    return np.array([fingerprint(text) for text in table.prompts], dtype=np.int64)


def trained_on(policy: Policy) -> frozenset[int]:
    """Fingerprints of what a policy was trained on, empty where it does not say."""
    return frozenset(getattr(policy, "trained_on", None) or ())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clean:
    """Rows that may be scored, of those that were to be."""

    rows: Rows
    asked: int
    """How many were to be scored."""
    taken: Mapping[str, int]
    """How many of them each policy was trained on, labelled rows' twins not counted."""


def sort_out(
    rows: Rows, *, known: NDArray[np.int64], labelled: Rows, policies: Iterable[tuple[str, Policy]]
) -> Clean:
    """Of the rows to score, those that are no labelled row's twin and that no policy was trained on.

    `known` holds the identity of every row of the table.
    """
    fresh = rows[~np.isin(known[rows], known[labelled])]
    seen = {name: _seen(known[fresh], trained_on(policy)) for name, policy in policies}
    kept = fresh[~np.any([np.zeros(len(fresh), dtype=np.bool_), *seen.values()], axis=0)]
    return Clean(rows=kept, asked=len(rows), taken={name: int(which.sum()) for name, which in seen.items()})


def clean_rows(
    rows: Rows, *, known: NDArray[np.int64], labelled: Rows, policies: Iterable[tuple[str, Policy]]
) -> Rows:
    """What `sort_out` keeps; raises `UsageError` as `refuse_few` does."""
    found = sort_out(rows, known=known, labelled=labelled, policies=policies)
    refuse_few([found])
    return found.rows


def refuse_few(parts: Sequence[Clean]) -> None:
    """Raises `UsageError` where too little is left of a seed's rows, naming who was trained on them."""
    kept, wanted = sum(len(part.rows) for part in parts), sum(part.asked for part in parts)
    taken = Counter[str]()
    for part in parts:
        taken.update(part.taken)
    if any(taken.values()) and (kept < FEWEST_ROWS or kept < SMALLEST_SHARE * wanted):
        named = ", ".join(f"{name!r} on {count}" for name, count in taken.most_common() if count)
        raise UsageError(
            f"of {wanted} rows to score {kept} would remain, since policies were trained on the others: {named}; "
            "give a table they have not seen, or let replay fit them on a part of this one: name them without "
            "weights, with --labels N or --folds K"
        )
    if not kept:
        raise UsageError("every row to score is a labelled row's twin; give a table of more distinct prompts")


def without_prompts(table: OutcomeTable, other: OutcomeTable) -> OutcomeTable:
    """The table without the prompts that occur in another one, by their exact text; `UsageError` if none is left."""
    leaked = set(other.prompts)
    rows = [row for row, prompt in enumerate(table.prompts) if prompt not in leaked]
    if not rows:
        raise UsageError(f"every prompt of {table.name!r} occurs in {other.name!r}: no row is left to score")
    return table.take(rows)


def _seen(known: NDArray[np.int64], trained: frozenset[int]) -> NDArray[np.bool_]:
    return np.fromiter((int(identity) in trained for identity in known), dtype=np.bool_, count=len(known))
