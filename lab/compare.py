"""Is policy B better than policy A on an outcome table: by how much, how surely, and on which kinds of prompts?

Both answer the same rows. Over several seeds, whose splits overlap, a prompt counts once with the mean over the seeds
that scored it: the interval covers which prompts were asked, not another training draw; `seed_range` shows those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import UsageError
from .compare_ranking import apgr_difference, ranking
from .compare_slices import Slice, slice_differences
from .compare_words import notes_of, verdict_of
from .paired import Difference, paired_difference
from .recipes import Recipe
from .table import Floats, OutcomeTable, Pair, Rows

if TYPE_CHECKING:
    import pandas

    from ..router.policy import Policy
    from .replay import Progress, Replay, Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two policies: means over the rows compared."""

    policy: str
    version: str
    quality: float
    cost: float
    large_share: float
    apgr: float
    """Mean over seeds; not a number where it does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What `compare` found. Every difference is B minus A."""

    table: str
    data_hash: str
    n: int
    seeds: tuple[int, ...]
    small: str
    large: str
    cost_unit: str
    a: Side
    b: Side
    quality: Difference
    cost: Difference
    large_share: Difference
    apgr: Difference | None
    """At the same share of large calls, over all shares; None where the two models are equally good."""
    same_share: Difference | None
    """Quality of B where it makes as many large calls as A does, less A's; None where A answers with a third model."""
    seed_range: tuple[float, float]
    """The least and the greatest difference in quality that a single seed shows."""
    slices: tuple[Slice, ...]

    @property
    def verdict(self) -> str:
        """The answer in one plain sentence or two."""
        return verdict_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the intervals cover and how the many questions were allowed for."""
        return notes_of(self)

    def json(self) -> dict[str, Any]:
        """The comparison as JSON values: `verdict`, the two sides, every difference, the slices, the notes."""
        slices = [{**asdict(part), "certain": part.certain} for part in self.slices]
        found: dict[str, Any] = {**asdict(self), "verdict": self.verdict, "notes": list(self.notes)}
        found |= {"seeds": list(self.seeds), "seed_range": list(self.seed_range), "slices": slices}
        for side in (found["a"], found["b"]):
            side["apgr"] = None if math.isnan(side["apgr"]) else side["apgr"]
        return found

    def frame(self) -> pandas.DataFrame:
        """One row per difference: overall by measure, then by group, kind and length."""
        try:
            import pandas
        except ImportError as error:
            raise UsageError(
                "a data frame needs pandas; install it with: pip install 'pilotfish[lab]'"
            ) from error
        return pandas.DataFrame(self.records())

    def records(self) -> list[dict[str, Any]]:
        """The rows of `frame`, as plain values."""
        overall: list[tuple[str, Difference | None]] = [
            ("quality", self.quality),
            ("cost", self.cost),
            ("large_share", self.large_share),
            ("apgr", self.apgr),
            ("same_share", self.same_share),
        ]
        whole: list[dict[str, Any]] = [
            {"by": "all", "name": "all", "measure": name, **asdict(found)}
            | {"p_adjusted": None, "certain": found.certain}
            for name, found in overall
            if found is not None
        ]
        parts: list[dict[str, Any]] = [
            {"by": part.by, "name": part.name, "measure": "quality", **asdict(part.quality)}
            | {"p_adjusted": part.p_adjusted, "certain": part.certain}
            for part in self.slices
        ]
        return [*whole, *parts]


def compare(
    table: OutcomeTable,
    a: str | Recipe | Policy,
    b: str | Recipe | Policy,
    *,
    small: str | None = None,
    large: str | None = None,
    labels: int | float | None = None,
    seeds: int = 1,
    folds: int | None = None,
    resamples: int = 2000,
    rows: int | None = None,
    without: OutcomeTable | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Replays both policies on the same rows and compares them; options as `replay` takes them.

    Raises `UsageError` as `replay` does, and where A and B are the same.
    """
    from .replay import replay

    if a == b:
        raise UsageError(
            f"A and B are both {a!r}; name two policies, or one with two settings (NAME:option=value)"
        )
    found = replay(
        table,
        [a, b],
        small=small,
        large=large,
        labels=labels,
        seeds=seeds,
        folds=folds,
        resamples=0,
        rows=rows,
        without=without,
        progress=progress,
    )
    contenders = by_policy(found.scored)
    if len(contenders) != 2:
        raise UsageError(
            f"A and B go by the same name, {next(iter(contenders))!r}; give one of them another version or setting"
        )
    first, second = contenders.values()
    return compare_scored(
        found.table,
        found.pair,
        first,
        second,
        cost_unit=found.cost_unit,
        kinds=kinds_of(found),
        resamples=resamples,
    )


def by_policy(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """The contenders of a replay without its baselines, each with one entry per seed."""
    found: dict[str, list[Scored]] = {}
    for each in scored:
        if not each.baseline:
            found.setdefault(each.policy, []).append(each)
    return found


def compare_scored(
    table: OutcomeTable,
    pair: Pair,
    a: Sequence[Scored],
    b: Sequence[Scored],
    *,
    cost_unit: str,
    kinds: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """The comparison of two policies as a replay scored them, one entry per seed each, in the same order.

    `kinds`: a predicted kind per prompt of the table, to tell the difference by kind.
    """
    for before, after in zip(a, b, strict=True):
        if not np.array_equal(before.rows, after.rows):
            raise ValueError(f"{before.policy!r} and {after.policy!r} were scored on different rows")
    rows = np.unique(np.concatenate([each.rows for each in a]))

    def differences(of: Mapping[str, Floats]) -> Difference:
        return paired_difference(of["b"] - of["a"], resamples=resamples, seed=seed)

    quality = {"a": per_row(a, [s.quality for s in a], rows), "b": per_row(b, [s.quality for s in b], rows)}
    costs = {"a": per_row(a, [s.cost for s in a], rows), "b": per_row(b, [s.cost for s in b], rows)}
    shares = {
        "a": per_row(a, [large_calls(s, pair) for s in a], rows),
        "b": per_row(b, [large_calls(s, pair) for s in b], rows),
    }
    by_seed = [float((after.quality - before.quality).mean()) for before, after in zip(a, b, strict=True)]
    rankings = [[ranking(table, pair, s.rows, s.score) for s in side] for side in (a, b)]
    return Comparison(
        table=table.name,
        data_hash=table.digest,
        n=len(rows),
        seeds=tuple(each.seed for each in a),
        small=table.models[pair.small],
        large=table.models[pair.large],
        cost_unit=cost_unit,
        a=_side(a, quality["a"], costs["a"], shares["a"], np.mean([r.apgr() for r in rankings[0]])),
        b=_side(b, quality["b"], costs["b"], shares["b"], np.mean([r.apgr() for r in rankings[1]])),
        quality=differences(quality),
        cost=differences(costs),
        large_share=differences(shares),
        apgr=apgr_difference(*rankings, resamples=max(200, resamples // 2), seed=seed),
        same_share=_same_share(table, pair, a, b, rows, resamples=resamples, seed=seed),
        seed_range=(min(by_seed), max(by_seed)),
        slices=slice_differences(
            table, rows, quality["b"] - quality["a"], kinds=kinds, resamples=resamples, seed=seed
        ),
    )


def per_row(scored: Sequence[Scored], values: Sequence[Floats], rows: Rows) -> Floats:
    """The mean of every row's value over the seeds that scored it, in the order of `rows`."""
    total, times = np.zeros(len(rows)), np.zeros(len(rows))
    for each, found in zip(scored, values, strict=True):
        places = np.searchsorted(rows, each.rows)
        total[places] += found
        times[places] += 1
    return total / times


def large_calls(scored: Scored, pair: Pair) -> Floats:
    """1 where the large model answered, else 0."""
    return (scored.choice == pair.large).astype(np.float64)


def quality_at_share(score: Floats, small: Floats, large: Floats, calls: float) -> Floats:
    """Quality per prompt when the `calls` highest scores go to the large model; prompts of one score share alike."""
    order = np.argsort(-score, kind="stable")
    _, tie, sizes = np.unique(-score[order], return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    taken = np.clip((calls - before) / sizes, 0.0, 1.0)[tie]
    share = np.empty(len(score))
    share[order] = taken
    return small + share * (large - small)


def kinds_of(found: Replay) -> tuple[str, ...]:
    """The kind of every prompt as the shipped `learned` policy predicts it, whatever is compared."""
    from ..router.load import load_policy
    from .routed import decide, subtasks_of

    kinds = np.full(len(found.table), "", dtype=object)
    for each in found.scored:
        if each.policy == "learned" and each.p_reasoning is not None:
            kinds[each.rows] = np.where(each.p_reasoning >= 0.5, "reasoning", "knowledge")
    left = np.flatnonzero(kinds == "")
    decisions = decide(load_policy("learned"), subtasks_of(found.table.take(left)))
    kinds[left] = [decision.kind for decision in decisions]
    return tuple(kinds)


def _same_share(
    table: OutcomeTable,
    pair: Pair,
    a: Sequence[Scored],
    b: Sequence[Scored],
    rows: Rows,
    *,
    resamples: int,
    seed: int,
) -> Difference | None:
    if any(not np.isin(each.choice, (pair.small, pair.large)).all() for each in a):
        return None
    matched = [
        quality_at_share(
            after.score,
            table.correct[after.rows, pair.small],
            table.correct[after.rows, pair.large],
            float(large_calls(before, pair).sum()),
        )
        - before.quality
        for before, after in zip(a, b, strict=True)
    ]
    return paired_difference(per_row(a, matched, rows), resamples=resamples, seed=seed)


def _side(
    scored: Sequence[Scored], quality: Floats, cost: Floats, share: Floats, apgr: np.floating[Any]
) -> Side:
    return Side(
        policy=scored[0].policy,
        version=scored[0].version,
        quality=float(quality.mean()),
        cost=float(cost.mean()),
        large_share=float(share.mean()),
        apgr=float(apgr),
    )
