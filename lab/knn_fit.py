"""Fits `knn` on an outcome table: its rows become exemplars that say how much more the large model was worth on them.

How many neighbours have a say, how fast it falls off and how far it is drawn to the mean is chosen with each row left
out in turn. The kind of a row, which no table tells, is the `learned` policy's.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import UsageError
from ..router.exemplars import Exemplar
from ..router.knn import KnnPolicy, find_embedder, voting_of
from ..router.knn_file import write_knn
from ..router.learned import load_learned
from ..router.neighbours import Floats, Voting, held_out_estimates
from .policy_card import write_card
from .recipes import Context, check_options
from .routed import subtasks_of
from .table import OutcomeTable

COUNTS = (8, 16, 32, 64, 128, 256)
TEMPERATURES = (0.03, 0.06, 0.12, 0.25, 0.5)
SHRINKAGES = (4.0, 16.0, 64.0)
OPTIONS = ("k", "temperature", "embedder", "home")
FEWEST = 10


def fit(train: OutcomeTable, /, *, context: Context) -> KnnPolicy:
    """`knn` on the rows of `train`, with `k` and `temperature` of the context's options or the best of the grid.

    Raises `UsageError` for an option it does not know, or fewer than `FEWEST` rows.
    """
    check_options("knn", context.options, known=OPTIONS)
    pair = context.pair
    gains = train.correct[:, pair.large] - train.correct[:, pair.small]
    known = np.flatnonzero(~np.isnan(gains))
    if len(known) < FEWEST:
        raise UsageError(f"{len(known)} labelled rows are too few for knn; give it {FEWEST} or more")
    rows, gains = train.take(known), gains[known]
    embedder = find_embedder(context.options.get("embedder", "minilm-l6"), home=context.options.get("home"))
    vectors = np.asarray(embedder.encode_query(rows.prompts), dtype=np.float64)
    voting = choose_voting(vectors, gains, votings(context, len(rows)))
    return KnnPolicy(_exemplars(rows, gains), embedder, voting=voting)


def save(
    policy: KnnPolicy, out: Path, *, train: OutcomeTable, figures: Mapping[str, float], command: str
) -> Path:
    """Writes `knn.json` and its card into `out` and returns the former; it holds the texts of `train`."""
    out.mkdir(parents=True, exist_ok=True)
    write_knn(policy, out / "knn.json")
    write_card(
        out / "knn.card.md",
        what="knn",
        policy=policy,
        train=train,
        figures=figures,
        command=command,
        remark="The file holds the prompts it was fitted on: share it only where they may be shared.",
    )
    return out / "knn.json"


def votings(context: Context, rows: int) -> list[Voting]:
    """The settings to choose from: what the options leave open, with fewer neighbours than there are rows."""
    counts = [context.options["k"]] if "k" in context.options else [k for k in COUNTS if k < rows]
    temperatures = (
        [context.options["temperature"]] if "temperature" in context.options else list(TEMPERATURES)
    )
    return [
        voting_of(k=k, temperature=temperature, shrinkage=shrinkage)
        for k, temperature, shrinkage in itertools.product(counts, temperatures, SHRINKAGES)
    ]


def choose_voting(vectors: Floats, gains: Floats, candidates: Sequence[Voting]) -> Voting:
    """The voting whose estimates of rows left out have the least squared error; the first of equals."""
    errors = [
        float(((found - gains) ** 2).mean()) for found in held_out_estimates(vectors, gains, candidates)
    ]
    return candidates[int(np.argmin(errors))]


def _exemplars(rows: OutcomeTable, gains: Floats) -> list[Exemplar]:
    decisions = load_learned().decide(subtasks_of(rows))
    return [
        Exemplar(text=text, kind=decision.kind, route=rows.name, large_gain=float(gain))
        for text, decision, gain in zip(rows.prompts, decisions, gains, strict=True)
    ]
