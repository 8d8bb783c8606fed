"""What accepted answers cost: every call in the ledger counts, whatever it was made for and however it ended.

Answers of replays are left out: nobody waited for them, and what they take from the record is no call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from .ledger import Ledger

_CALLS = """
SELECT coalesce(purpose, 'answer'), model_id, count(*), sum(coalesce(attempt, 1) > 1),
       sum(input_tokens), sum(output_tokens), sum(cost_usd),
       sum(CASE WHEN coalesce(attempt, 1) > 1 THEN cost_usd ELSE 0.0 END),
       sum(failure IS NOT NULL OR finish_reason IN ('cancelled', 'error'))
FROM calls WHERE at >= ?1
AND seq NOT IN (SELECT seq FROM records WHERE kind = 'call' AND json_extract(body, '$.replayed'))
GROUP BY 1, 2 ORDER BY 7 DESC, 3 DESC, 1, 2
"""
_PRICES = "SELECT DISTINCT coalesce(price_version, '') FROM calls WHERE at >= ? ORDER BY 1"
_SUBTASKS = """
SELECT count(*), coalesce(sum(status = 'accepted'), 0)
FROM (SELECT status, max(seq) FROM subtasks WHERE at >= ? AND run_id NOT IN
(SELECT run_id FROM records WHERE kind = 'run' AND json_extract(body, '$.replays') IS NOT NULL)
GROUP BY run_id, subtask_id)
"""
_RUNS = """
SELECT count(*), coalesce(sum(status = 'answered'), 0) FROM
(SELECT json_extract(body, '$.status') AS status, max(seq) FROM records
 WHERE kind = 'answer' AND at >= ? AND run_id NOT IN
 (SELECT run_id FROM records WHERE kind = 'run' AND json_extract(body, '$.replays') IS NOT NULL) GROUP BY run_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Calls of one purpose to one model."""

    purpose: str
    """`answer`, `sample`, `plan`, `route`, `verify`, `judge` or `shadow`."""
    model_id: str
    calls: int
    retries: int
    """Of these, requests that the retry loop made again."""
    failed: int
    """Of these, those that gave no answer, or were cancelled before they could."""
    input_tokens: int
    output_tokens: int
    cost_usd: float
    retries_usd: float
    """The retries' share of the cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of a period."""

    since: str
    """ISO 8601, UTC; empty for all there is."""
    rows: tuple[CostRow, ...]
    """Dearest first."""
    price_versions: tuple[str, ...]
    """The price tables behind the dollars; an empty one stands for prices of the models' own specs."""
    subtasks: int
    accepted: int
    """Subtasks whose answer passed its checks."""
    runs: int
    """Runs that came to an end."""
    answered: int

    @property
    def total_usd(self) -> float:
        """Of all calls: retries, samples, planning, routing, judges and shadows with the answers."""
        return sum(row.cost_usd for row in self.rows)

    @property
    def billed_usd(self) -> float:
        """Without shadow calls, which answer nobody."""
        return sum(row.cost_usd for row in self.rows if row.purpose != "shadow")

    @property
    def per_accepted_usd(self) -> float | None:
        """The total over the accepted answers; None without any."""
        return self.total_usd / self.accepted if self.accepted else None

    @property
    def per_answered_usd(self) -> float | None:
        """The total over the answered runs; None without any."""
        return self.total_usd / self.answered if self.answered else None


def costs(ledger: Ledger, *, since: datetime | None = None) -> Costs:
    """Add up what was recorded from `since` on. A subtask carried out twice counts once, as it ended."""
    start = "" if since is None else since.astimezone(UTC).isoformat(timespec="milliseconds")
    with ledger.reading() as connection:
        rows = tuple(
            CostRow(
                purpose=purpose,
                model_id=model,
                calls=calls,
                retries=retries,
                failed=failed,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cost_usd=cost,
                retries_usd=again,
            )
            for purpose, model, calls, retries, tokens_in, tokens_out, cost, again, failed in connection.execute(
                _CALLS, (start,)
            )
        )
        versions = tuple(row[0] for row in connection.execute(_PRICES, (start,)))
        subtasks, accepted = connection.execute(_SUBTASKS, (start,)).fetchone()
        runs, answered = connection.execute(_RUNS, (start,)).fetchone()
    return Costs(
        since=start,
        rows=rows,
        price_versions=versions,
        subtasks=subtasks,
        accepted=accepted,
        runs=runs,
        answered=answered,
    )
