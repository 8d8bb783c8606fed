from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.knn_fit import COUNTS, choose_voting, fit, votings
from pilotfish.lab.recipes import Context, find_recipe
from pilotfish.lab.routed import route
from pilotfish.lab.table import OutcomeTable, Pair
from pilotfish.router.fingerprints import fingerprints
from pilotfish.router.neighbours import Voting
from pilotfish.testing.embedder import FakeEmbedder
from pilotfish.testing.policy_conformance import check_policy

PAIR = Pair(small=0, large=1)
EMBEDDER = FakeEmbedder(dimension=256)


def table(rows: int = 60, *, offset: int = 0) -> OutcomeTable:
    """The small model can add and the large one knows ports."""
    prompts = tuple(
        f"add {n} apples and pears together" if n % 2 else f"who governs the harbour of town {n}"
        for n in range(offset, offset + rows)
    )
    adds = np.arange(offset, offset + rows) % 2
    return OutcomeTable(
        name="toy",
        ids=tuple(str(n) for n in range(rows)),
        prompts=prompts,
        groups=tuple("secret" for _ in prompts),
        models=("small", "large"),
        correct=np.stack([adds, 1 - adds], axis=1).astype(np.float64),
    )


def context(**options: Any) -> Context:
    known: Mapping[str, Any] = {"embedder": EMBEDDER, **options}
    return Context(pair=PAIR, options=known)


def test_it_learns_where_the_large_model_is_worth_it() -> None:
    policy = fit(table(), context=context())
    check_policy(policy)
    test = table(20, offset=100)
    routed = route(policy, test, PAIR)
    assert list(routed.choice) == [0 if "add" in prompt else 1 for prompt in test.prompts]
    assert policy.trained_on == fingerprints(table().prompts)
    assert not any("secret" in decision.reason for decision in routed.decisions), (
        "groups are not for policies"
    )


def test_the_same_rows_give_the_same_policy() -> None:
    assert fit(table(), context=context()).version == fit(table(), context=context()).version


def test_rows_without_a_result_are_left_out() -> None:
    gappy = table()
    gappy.correct[0, 0] = np.nan
    assert fit(gappy, context=context()).trained_on == fingerprints(table().prompts[1:])


def test_options_narrow_the_choice() -> None:
    found = votings(context(k=5, temperature=0.1), rows=60)
    assert {(v.k, v.temperature) for v in found} == {(5, 0.1)}
    assert {v.k for v in votings(context(), rows=60)} == {k for k in COUNTS if k < 60}


def test_the_voting_with_the_least_error_on_rows_left_out_is_chosen() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((80, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    noise = rng.choice([-1.0, 1.0], size=80)
    narrow, wide = Voting(k=2, shrinkage=0.01), Voting(k=64, temperature=1.0, shrinkage=64.0)
    assert choose_voting(vectors, noise, [narrow, wide]) is wide
    steps = np.sign(vectors[:, 0])
    assert choose_voting(vectors, steps, [wide, Voting(k=8, temperature=0.1)]).k == 8


def test_too_few_rows_and_unknown_options_are_refused() -> None:
    with pytest.raises(UsageError, match="3 labelled rows are too few"):
        fit(table(3), context=context())
    with pytest.raises(UsageError, match="no option 'neighbours'"):
        fit(table(), context=context(neighbours=3))


def test_a_recipe_fits_it_unless_exemplars_are_given() -> None:
    assert find_recipe("knn").needs_labels
    assert find_recipe("knn:k=8").needs_labels
    assert not find_recipe("knn:exemplars=shipped").needs_labels
