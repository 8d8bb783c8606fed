"""Paired differences between the contenders of one replay, by name: what the answer and the tables rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .compare import large_calls, per_row
from .compare_ranking import apgr_difference, ranking
from .paired import Difference, paired_difference
from .table import Floats, Rows

if TYPE_CHECKING:
    from .replay import Replay
    from .scored import Scored

RESAMPLES = 2000


def scored_of(replay: Replay, name: str) -> list[Scored]:
    """What the policy or baseline of this name earned, one entry per seed; empty where there is none.

    `always-large` may be both: then the policy is meant.
    """
    found = [each for each in replay.scored if each.policy == name]
    return [each for each in found if not each.baseline] or found


def rows_of(replay: Replay) -> Rows:
    """The rows that any seed scored, ascending."""
    return np.unique(np.concatenate([each.rows for each in replay.scored]))


def quality_per_row(replay: Replay, name: str, rows: Rows) -> Floats:
    """Mean quality over the seeds that scored each row."""
    found = scored_of(replay, name)
    return per_row(found, [each.quality for each in found], rows)


def large_share_per_row(replay: Replay, name: str, rows: Rows) -> Floats:
    """Share of the seeds in which the large model was chosen for each row."""
    found = scored_of(replay, name)
    return per_row(found, [large_calls(each, replay.pair) for each in found], rows)


def quality_difference(replay: Replay, name: str, other: str) -> Difference | None:
    """Quality of one over another on the same prompts; None where there is no other."""
    if not scored_of(replay, other):
        return None
    rows = rows_of(replay)
    return paired_difference(
        quality_per_row(replay, name, rows) - quality_per_row(replay, other, rows), resamples=RESAMPLES
    )


def ranking_difference(replay: Replay, name: str, other: str) -> Difference | None:
    """APGR of one over another; None where there is no other or no APGR."""
    mine, theirs = scored_of(replay, name), scored_of(replay, other)
    if not mine or not theirs:
        return None
    rankings = [
        [ranking(replay.table, replay.pair, each.rows, each.score) for each in side]
        for side in (theirs, mine)
    ]
    return apgr_difference(*rankings, resamples=RESAMPLES // 2)
