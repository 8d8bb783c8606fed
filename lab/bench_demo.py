"""The shipping demo: how many requests it reads and routes right, and where the time of one run goes.

Every request of the test set is read and routed with real retrieval; the reference reads the expected query with the
figures of the whole corpus. The small model's own reading and choice are scored on a sample, since the words of the
request and the optimiser overrule it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from ..demos.optimiser import Optimum, optimise
from ..demos.reading import FIELDS, read_request
from ..demos.shipping import CORPUS, plan_of, shipping_agent
from ..demos.shipping_tools import places
from ..demos.voyage_constraints import Constraints, read_constraints
from ..demos.voyage_query import VoyageQuery
from ..models.embedder import load_embedder
from ..models.settings import Settings, load_settings
from ..retrieval.corpus import open_corpus
from ..retrieval.evidence import Evidence, Retriever
from ..tracing.ledger import Ledger
from .bench import Report

_SAMPLE = 8
_PASSAGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request of the test set with what should come of it."""

    id: str
    split: str
    request: str
    today: date
    status: str
    query: dict[str, Any] | None


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - the test set ships with the demo
    """Read and route every request, run a sample through the whole agent, and take one run's time apart."""
    rows = load_requests()
    read = [_reads_right(row) for row in rows]
    routable = [row for row in rows if row.status == "ok"]
    routed = _routed_right(routable)
    alone = _model_alone(routable[:: max(1, len(routable) // _SAMPLE)][:_SAMPLE])
    stages = _stages()
    figures = {
        "query_exact": statistics.mean(read),
        "route_optimal": statistics.mean(routed),
        "requests": float(len(rows)),
        **alone,
        **stages,
    }
    return Report(figures=figures, text=_text(rows, read, figures))


def load_requests() -> list[Row]:
    """The test set that ships with the demo."""
    text = (resources.files("pilotfish.demos") / "data" / "requests.jsonl").read_text(encoding="utf-8")
    return [_row(json.loads(line)) for line in text.splitlines() if line.strip()]


def _row(data: dict[str, Any]) -> Row:
    expected = data["expect"]
    return Row(
        id=data["id"],
        split=data["split"],
        request=data["request"],
        today=date.fromisoformat(data["today"]),
        status=expected["status"],
        query=expected.get("query"),
    )


def _reads_right(row: Row) -> bool:
    """Status and, where one is expected, every field of the query."""
    reading = read_request(row.request, today=row.today)
    if reading.status != row.status:
        return False
    return row.query is None or all(_same(reading.partial[name], row.query[name]) for name in FIELDS)


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return sorted(found) == sorted(expected)
    if isinstance(expected, float):
        return isinstance(found, int | float) and abs(found - expected) < 0.005
    return found == expected


def _routed_right(rows: Sequence[Row]) -> list[bool]:
    """Whether the route by retrieved figures is the optimum by all figures, for the expected query."""
    whole = _whole_corpus()
    settings = load_settings()
    embedder = load_embedder(home=settings.home)
    retriever = _Remembering(open_corpus(CORPUS, home=settings.home, embedder=embedder))
    right: list[bool] = []
    for row in rows:
        query = read_request(row.request, today=row.today).query
        expected = optimise(_query(row), whole, places(_query(row)), today=row.today)
        right.append(query is not None and _same_route(_planned(row, query, retriever), expected))
    return right


def _planned(row: Row, query: VoyageQuery, retriever: _Remembering) -> Optimum:
    """What the planner's own plan comes to, its readers and choosers left out."""
    questions = [subtask.text for subtask in plan_of(row.request, row.today) if subtask.lane == "retrieval"]
    found = [passage for question in questions for passage in retriever.search(question, _PASSAGES)]
    constraints = read_constraints((each.text, each.source, each.heading or "") for each in found)
    return optimise(query, constraints, places(query), today=row.today)


class _Remembering:
    """A retriever that asks once for each question: requests between the same waters ask the same."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._found: dict[str, list[Evidence]] = {}

    def search(self, query: str, k: int = 5, /) -> list[Evidence]:
        """The passages."""
        if query not in self._found:
            self._found[query] = self._retriever.search(query, k)
        return self._found[query]


def _same_route(found: Optimum, expected: Optimum) -> bool:
    if found.best is None or expected.best is None:
        return found.best is expected.best
    same_way = found.best.passages == expected.best.passages and found.best.speed_kn == expected.best.speed_kn
    return same_way and abs(found.best.cost_usd["total"] - expected.best.cost_usd["total"]) < 1.0


def _whole_corpus() -> Constraints:
    return read_constraints(
        (path.read_text(encoding="utf-8"), path.name, "") for path in sorted(CORPUS.glob("*.md"))
    )


def _query(row: Row) -> VoyageQuery:
    assert row.query is not None  # noqa: S101 - the rows with a route have one
    days = {name: row.query[name] and date.fromisoformat(row.query[name]) for name in ("ready", "arrive_by")}
    fields: dict[str, Any] = {**row.query, **days, "avoid": tuple(row.query["avoid"])}
    return VoyageQuery(**fields)


def _model_alone(rows: Sequence[Row]) -> dict[str, float]:
    """How often the small model's reading and choice stood without being overruled."""
    stood: dict[str, list[bool]] = {"read": [], "choose": []}
    with tempfile.TemporaryDirectory() as home:
        for row in rows:
            settings = _borrowed(Path(home))
            result = shipping_agent(today=row.today, settings=settings).run(row.request)
            for subtask in result.subtasks:
                if subtask.id in stood:
                    stood[subtask.id].append(subtask.lane == "local" and subtask.status == "accepted")
    return {f"model_alone_{name}": statistics.mean(found) for name, found in stood.items() if found}


def _borrowed(home: Path) -> Settings:
    """Settings with a ledger of their own and the weights, stores and caches there are."""
    settings = load_settings()
    for name in ("models", "cache", "stores"):
        if not (home / name).exists():
            (settings.home / name).mkdir(parents=True, exist_ok=True)
            (home / name).symlink_to(settings.home / name, target_is_directory=True)
    return settings.model_copy(update={"home": home})


def _stages() -> dict[str, float]:
    """Shares of the wall time of one `pilotfish demo shipping`, run twice and timed the second time."""
    with tempfile.TemporaryDirectory() as home:
        settings = _borrowed(Path(home))
        _demo(settings.home)
        started = time.time()
        run_id = _demo(settings.home)
        ended = time.time()
        return _shares(settings.home, run_id, started, ended)


def _demo(home: Path) -> str:
    code = "from pilotfish.cli.main import main; main()"
    command = [sys.executable, "-c", code, "demo", "shipping", "--json", "--out", str(home / "out")]
    environment = {**os.environ, "PILOTFISH_HOME": str(home)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)["run_id"]


def _shares(home: Path, run_id: str, started: float, ended: float) -> dict[str, float]:
    records = Ledger(home / "ledger.db").records(run_id)
    at = {record.kind: datetime.fromisoformat(record.at).timestamp() for record in records}
    calls = [record for record in records if record.kind == "call"]
    ends = [datetime.fromisoformat(call.at).timestamp() for call in calls]
    model = _union(
        [(end - call.body["latency_ms"] / 1000, end) for call, end in zip(calls, ends, strict=True)]
    )
    wall = ended - started
    return {
        "model_share": model / wall,
        "share_start": (at["run"] - started) / wall,
        "share_plan": (at["plan"] - at["run"]) / wall,
        "share_other_work": (at["answer"] - at["plan"] - model) / wall,
        "share_output": (ended - at["answer"]) / wall,
    }


def _union(spans: list[tuple[float, float]]) -> float:
    """Seconds during which at least one of the spans was under way."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _text(rows: Sequence[Row], read: Sequence[bool], figures: dict[str, float]) -> str:
    splits = sorted({row.split for row in rows})
    by_split = {
        split: [ok for row, ok in zip(rows, read, strict=True) if row.split == split] for split in splits
    }
    lines = [
        f"{len(rows)} requests written for this planner; those first scored unseen have been looked at since.",
        "",
        "| what | share |",
        "|---|---|",
        f"| status and query exact | {figures['query_exact']:.3f} |",
        *(
            f"| … of {split} ({len(found)}) | {statistics.mean(found):.3f} |"
            for split, found in by_split.items()
        ),
        f"| route optimal, of those that can be routed | {figures['route_optimal']:.3f} |",
        f"| the small model's reading stood (sample of {_SAMPLE}) | {figures['model_alone_read']:.2f} |",
        f"| the small model's choice stood | {figures['model_alone_choose']:.2f} |",
        "",
        "Where the time of one warm run goes:",
        "",
        "| stage | share of the wall time |",
        "|---|---|",
        f"| start of the process, imports, models opened | {figures['share_start']:.2f} |",
        f"| planning | {figures['share_plan']:.2f} |",
        f"| a model call under way | {figures['model_share']:.2f} |",
        f"| retrieval, routes and checks with no call under way | {figures['share_other_work']:.2f} |",
        f"| map and output | {figures['share_output']:.2f} |",
    ]
    return "\n".join(lines) + "\n"
