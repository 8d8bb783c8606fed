"""`lab bench TASKS.jsonl`: real models on the user's own tasks, one policy beside another, scored by the tasks' checks.

Every task goes through the agent's own graphs. Calls are cached and rows kept, so that swapping a policy makes no
call twice and a killed bench goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import UsageError
from ..agents.agent import Agent
from ..agents.attempt import PASSING
from ..agents.codec import digest
from ..agents.model_lane import ModelLane
from ..agents.retrieval_lane import RetrievalLane
from ..agents.scope import Services
from ..models.settings import Settings, load_settings
from ..models.spec import ModelSpec
from ..retrieval.evidence import Retriever
from ..router.fixed import FixedPolicy
from ..router.load import load_policy, parse_policy
from ..router.policy import Kind, LaneName, Policy
from ..tracing.ledger import Ledger
from .tasks_cache import CallCache
from .tasks_carry import LANES_ALONE, Contender, carry_out, one_step
from .tasks_file import Task, read_tasks
from .tasks_identity import policy_identity, refuse_learner, services_identity
from .tasks_rows import Row, RowFile
from .tasks_summary import TaskBench

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.retrievers import BaseRetriever

PlanKind = Literal["one", "rules", "llm"]
"""`one`: the task is its only subtask; else the agent's planners."""
Progress = Callable[[int, int, Row], None]
"""Told rows done, rows in all, and the row just done; rows kept from before come first."""
_LANE_KINDS: Mapping[LaneName, Kind] = {"local": "reasoning", "retrieval": "knowledge", "large": "knowledge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    contender: Contender
    task: Task


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What one run of the bench shares between its jobs."""

    cache: CallCache
    file: RowFile
    total: int
    progress: Progress | None
    rows: dict[str, Row] = field(default_factory=dict)

    def done(self, row: Row) -> None:
        self.rows[row.key] = row
        if self.progress is not None:
            self.progress(len(self.rows), self.total, row)


def run_tasks(tasks: Path | str | Sequence[Task], policies: Sequence[str | Policy], **how: Any) -> TaskBench:
    """Carry the tasks out under every policy; `how` as in `arun_tasks`. In a notebook, await `arun_tasks`."""
    return asyncio.run(arun_tasks(tasks, policies, **how))


async def arun_tasks(
    tasks: Path | str | Sequence[Task],
    policies: Sequence[str | Policy],
    *,
    local: str | ModelSpec | BaseChatModel | None = None,
    large: str | ModelSpec | BaseChatModel | None = None,
    corpus: str | Path | Retriever | BaseRetriever | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    plan: PlanKind = "one",
    votes: int = 5,
    seed: int = 0,
    concurrency: int = 4,
    timeout_s: float | None = 120.0,
    lanes_alone: bool = False,
    settings: Settings | None = None,
    fetch: bool = False,
    progress: Progress | None = None,
) -> TaskBench:
    """The rows of every policy on every task, those kept from an earlier run included.

    Args:
        tasks: a file for `read_tasks`, or its tasks.
        policies: names with options as for `--policy`, or policies. One named twice is run once; one that learns
            while it runs is refused.
        local: the small model, as for `Agent`; so are `large`, `corpus`, `votes`, `timeout_s`, `seed`, `fetch`.
        large: the large model; None runs without one.
        corpus: what the retrieval lane searches; None runs without it.
        out: folder for `results.jsonl` and the ledger; `bench/NAME` under PILOTFISH_HOME unless given.
        name: what the tasks are called; the file's unless given.
        plan: `one` takes each task as its only subtask; `rules` and `llm` are the agent's planners.
        votes: most samples of one answer where only agreement can check it; 1 turns that off.
        seed: of all sampling.
        concurrency: tasks carried out at once.
        timeout_s: longest that one attempt may take, in seconds.
        lanes_alone: also carry every task out in each lane alone, for `TaskBench.table`.
        settings: where state lives; None reads environment and `pilotfish.toml`.
        fetch: whether any model needed may be downloaded.
        progress: told of every row.
    """
    _check_numbers(concurrency=concurrency, votes=votes)
    named = _named(policies)
    settings = settings or load_settings()
    name = name or (Path(tasks).stem if isinstance(tasks, str | Path) else "tasks")
    listed = read_tasks(tasks) if isinstance(tasks, str | Path) else list(tasks)
    folder = Path(out) if out is not None else settings.home / "bench" / name
    parts: dict[str, Any] = {"local": local, "large": large, "corpus": corpus, "fetch": fetch}
    parts |= {"votes": votes, "timeout_s": timeout_s, "seed": seed, "settings": settings}
    agent = Agent(policy="always-local", planner=one_step if plan == "one" else plan, **parts)
    services = replace(agent.services, ledger=Ledger(folder / "ledger.db"))
    setting = {"name": name, "plan": plan, "votes": votes, "seed": seed}
    entrants = await _Entrants.of(services, named, setting, lanes_alone=lanes_alone)
    rows = await _rows(entrants, listed, settings.home, folder, concurrency, progress)
    return TaskBench(
        tasks=tuple(listed),
        policies=tuple(each.label for each in entrants.policies),
        rows=tuple(rows[each.key(task)] for each in entrants.all() for task in listed),
        lanes={each.label: _model_name(services, each.label) for each in entrants.alone},
        folder=folder,
        setting=setting,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entrants:
    """Who takes part."""

    policies: Sequence[Contender]
    alone: Sequence[Contender]

    @classmethod
    async def of(
        cls,
        services: Services,
        policies: Mapping[str, Policy],
        setting: Mapping[str, Any],
        *,
        lanes_alone: bool,
    ) -> _Entrants:
        """Rows depend on all of the setting but what the tasks are called, and on all that answers."""
        terms = {key: value for key, value in setting.items() if key != "name"}
        terms |= services_identity(services)
        return cls(
            policies=[await _contender(services, *each, terms) for each in policies.items()],
            alone=await _alone(services, terms) if lanes_alone else [],
        )

    def all(self) -> list[Contender]:
        return [*self.policies, *self.alone]


async def _rows(
    entrants: _Entrants,
    tasks: Sequence[Task],
    home: Path,
    folder: Path,
    concurrency: int,
    progress: Progress | None,
) -> dict[str, Row]:
    # Task by task: what a bench that was stopped has done, it has done under every policy.
    jobs = [_Job(contender=each, task=task) for task in tasks for each in entrants.all()]
    cache = CallCache(home / "cache" / "calls.db")
    desk = _Desk(cache=cache, file=RowFile(folder / "results.jsonl"), total=len(jobs), progress=progress)
    try:
        await _work(desk, jobs, concurrency)
    finally:
        cache.close()
        for each in entrants.all():
            each.services.ledger.close()
    return desk.rows


async def _work(desk: _Desk, jobs: Sequence[_Job], concurrency: int) -> None:
    """Jobs in order, `concurrency` at a time; those with a row that is kept are not done again."""
    kept = desk.file.read()
    left: list[_Job] = []
    for job in jobs:
        row = kept.get(job.contender.key(job.task))
        if row is None or row.failure in PASSING:
            left.append(job)
        else:
            desk.done(_rescored(row, job.task))
    waiting = iter(left)

    async def worker() -> None:
        for job in waiting:  # shared: each job goes to one worker
            row = await carry_out(job.contender, job.task, desk.cache)
            desk.file.append(row)
            desk.done(row)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    except ExceptionGroup as several:
        # Such as a check that crashes: callers handle the error itself, not its group.
        raise several.exceptions[0] from several


def _rescored(row: Row, task: Task) -> Row:
    """A kept row by the task's check of today, which may not be the one it was first scored by."""
    score = task.check.score(row.answer) if row.answer else 0.0
    return replace(row, score=score, kind=task.kind, group=task.group)


def _named(policies: Sequence[str | Policy]) -> dict[str, Policy]:
    """Every policy once, by its label; raises before anything is loaded for those that will not do."""
    found: dict[str, Policy] = {}
    for at, given in enumerate(policies):
        if given in policies[:at]:
            continue
        policy = _loaded(given) if isinstance(given, str) else given
        label = given if isinstance(given, str) else repr(given)
        refuse_learner(label, policy)
        if label in found:  # such as two fits of one kind
            label = f"{label} #{1 + sum(name == label or name.startswith(f'{label} #') for name in found)}"
        found[label] = policy
    return found


def _loaded(given: str) -> Policy:
    name, options = parse_policy(given)
    return load_policy(name, **options)


async def _contender(
    services: Services, label: str, policy: Policy, setting: Mapping[str, Any], *, alone: bool = False
) -> Contender:
    identity = await policy_identity(policy)
    return Contender(
        label=label,
        services=replace(services, policy=policy),
        setting=digest(dict(setting), identity, sorted(services.lanes)),
        alone=alone,
    )


async def _alone(services: Services, setting: Mapping[str, Any]) -> list[Contender]:
    """Each lane with nothing to escalate to."""
    contenders: list[Contender] = []
    for lane in LANES_ALONE:
        if lane in services.lanes:
            policy = FixedPolicy(name=f"{lane} alone", kind=_LANE_KINDS[lane], lane=lane)
            only = replace(services, lanes={lane: services.lanes[lane]})
            contenders.append(await _contender(only, f"lane:{lane}", policy, setting, alone=True))
    return contenders


def _model_name(services: Services, label: str) -> str:
    """What an outcome table calls a lane alone: its model, and `+retrieval` where it reads evidence."""
    lane = services.lanes[_lane_of(label)]
    if isinstance(lane, RetrievalLane):
        return f"{lane.reader.spec.id}+retrieval"
    return lane.model.spec.id if isinstance(lane, ModelLane) else label


def _lane_of(label: str) -> LaneName:
    return next(lane for lane in LANES_ALONE if label == f"lane:{lane}")


def _check_numbers(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise UsageError(f"{name} of {number!r} is too small; give at least 1")
