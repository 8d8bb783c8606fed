"""The public `Agent`: what it is made of, and the ways to run it. It keeps no state of any run."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from langgraph.checkpoint.memory import InMemorySaver

from .. import UsageError
from ..models.air_gap import seal
from ..models.data_policy import INTERNAL, DataPolicy
from ..models.resilience import Resilience
from ..models.settings import Settings, load_settings
from ..prompts import choose_prompts
from ..retrieval.evidence import Retriever
from ..router.policy import LaneName, Policy
from ..tracing.langsmith_off import unseen_by_langsmith
from ..tracing.telemetry import Telemetry
from .admission import Admission, UnderWay
from .assembly import Parts, assemble
from .budget import Budget
from .candidates import may_shadow
from .codec import from_json
from .events import Event, RunFinished, RunStarted
from .feedback import give_feedback
from .lane import Lane
from .plan import Plan
from .planner import Planner
from .replay import start_replay
from .result import Result, SubtaskResult
from .run_graph import RunInput, RunState, run_graph
from .scope import RunScope, Services, Synthesiser, new_run_id, open_scope, start_run
from .spans import run_span, run_told
from .subtask_graph import subtask_graph
from .verifier import CheckFunction, Verifier

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import BaseTool
    from langgraph.graph.state import CompiledStateGraph

    from .assembly import GivenModel

Answered = TypeVar("Answered")


class Agent:
    """A hybrid agent: logic to a small local model, facts to a retriever or a large model, every answer checked.

    Every argument takes a name or an object of its seam. A model named here may be downloaded once, with its hash
    checked; models that come from settings or defaults must already be on disk, unless `fetch` is true.

    Args:
        local: the small model: a catalogue id, a `ModelSpec` or any langchain-core chat model. Several, as a list or
            with commas between the names, are asked in order when one cannot be reached.
        large: the large model, the same way; None runs without one, and answers say what was not verified.
        corpus: a folder to ground answers in, a `Retriever`, or a LangChain retriever.
        policy: the name of a router policy, `NAME:option=value,…`, or a `Policy`.
        planner: `"rules"`, `"llm"`, a fixed `Plan`, a function from task to `Plan`, or a `Planner`. None takes the
            large model where there is one, else the rules.
        prompts: versions of prompts other than those in use: `NAME@VERSION`, `NAME@V1,V2` for an A/B split by
            tenant or run, `NAME=FILE.md` for your own text.
        data_class: of a task that does not say its own.
        data_policy: which data may go where: a `DataPolicy` or the path of one in YAML or TOML; None takes the one in
            the settings, else the shipped one.
        name: what the agent is called in records, and in the plan of a canary.
        telemetry: where spans and metrics go, such as `tracing.otel.OtelTelemetry`; None sends them to the collector
            in the settings, where there is one.
        tools: langchain-core tools for the tool lane, besides Pilotfish's own.
        verifiers: checks that a subtask asks for by name: a `Verifier` or a function `(subtask, attempt)`.
        synthesise: makes the answer from the results; None joins the plan's leaves.
        lanes: lanes of your own, such as a `Canary`, in place of those made from the models.
        budget: limits of one run.
        resilience: retries, circuit breaker and limits of the models: a `Resilience` for all, or by model id or lane.
        max_runs: runs under way at once; further ones wait for a place. None is without limit.
        max_waiting: runs that may wait; one more raises `RefusedError` at once.
        slots: how many subtasks a lane carries out at once.
        approve: pause every run until its plan is approved.
        screening: whether sentences in documents and tool results that address a model are blanked before one reads
            them, and the router is kept from such text altogether.
        votes: most samples of one answer when only agreement can check it; 1 turns that off.
        timeout_s: longest that one attempt may take, in seconds.
        seed: seeds every call by subtask. The same seed gives the same answers as far as the engine is deterministic;
            llama.cpp's may differ by a word with what else is in its batch.
        settings: where state lives and how endpoints are reached; None reads environment and `pilotfish.toml`.
        fetch: whether any model needed may be downloaded.
    """

    def __init__(
        self,
        *,
        local: GivenModel | Sequence[GivenModel] | None = None,
        large: GivenModel | Sequence[GivenModel] | None = None,
        corpus: str | Path | Retriever | BaseRetriever | None = None,
        policy: str | Policy | None = None,
        planner: str | Plan | Planner | Callable[[str], Any] | None = None,
        prompts: Mapping[str, str] | Sequence[str] = (),
        data_class: str = INTERNAL,
        data_policy: DataPolicy | str | Path | None = None,
        name: str = "",
        telemetry: Telemetry | None = None,
        tools: Sequence[BaseTool] = (),
        verifiers: Mapping[str, Verifier | CheckFunction] | None = None,
        synthesise: Synthesiser | None = None,
        lanes: Mapping[LaneName, Lane] | None = None,
        budget: Budget | None = None,
        resilience: Resilience | Mapping[str, Resilience] | None = None,
        max_runs: int | None = None,
        max_waiting: int = 1024,
        slots: Mapping[LaneName, int] | None = None,
        approve: bool = False,
        screening: bool = True,
        votes: int = 5,
        timeout_s: float | None = 120.0,
        seed: int = 0,
        settings: Settings | None = None,
        fetch: bool = False,
    ) -> None:
        settings = settings or load_settings()
        if settings.air_gapped:
            seal()
        self._parts = Parts(
            local=local,
            large=large,
            corpus=corpus,
            policy=policy,
            planner=planner,
            prompts=choose_prompts(prompts),
            data_class=data_class,
            data_policy=data_policy,
            name=name,
            telemetry=telemetry,
            tools=tuple(tools),
            verifiers=dict(verifiers or {}),
            synthesise=synthesise,
            lanes=dict(lanes or {}),
            budget=budget or Budget(),
            resilience=resilience,
            slots=dict(slots or {}),
            approve=approve,
            screening=screening,
            votes=votes,
            timeout_s=timeout_s,
            seed=seed,
            settings=settings,
            fetch=fetch,
        )
        self._assembling = threading.Lock()
        self._admission = Admission(max_runs=max_runs, waiting=max_waiting)

    def __repr__(self) -> str:
        return f"Agent({self._parts.summary()})"

    async def __aenter__(self) -> Agent:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self, *, drain_s: float | None = 30.0) -> None:
        """Take no more runs, wait `drain_s` seconds for those under way (None: for all), then stop the rest.

        A run that is stopped raises `RefusedError` where it was awaited, and stays in the ledger to be resumed.
        """
        await self._admission.close(drain_s)
        if "services" in self.__dict__:
            await self.services.shadows.drain(drain_s)
            await asyncio.to_thread(self.services.calling.telemetry.flush)
            self.services.ledger.close()

    @cached_property
    def services(self) -> Services:
        """The parts, made on first use: models are loaded and the corpus is opened here, not in the constructor."""
        with self._assembling:  # two threads would make two sets of limits, and two ledgers
            made = self.__dict__.get("services")
            return assemble(self._parts) if made is None else made

    @cached_property
    def graph(self) -> CompiledStateGraph[RunState, RunScope, RunInput, RunState]:
        """The compiled run graph: a node for a graph of your own; set `task`, read `answer`, `status`, `results`."""
        return run_graph(self.services)

    def mermaid(self) -> dict[str, str]:
        """The `run` and `subtask` graphs as mermaid text. Works offline."""
        return {
            "run": self.graph.get_graph().draw_mermaid(),
            "subtask": subtask_graph().get_graph().draw_mermaid(),
        }

    def run(
        self, task: str, *, run_id: str | None = None, data_class: str | None = None, tenant: str = ""
    ) -> Result:
        """Carry out a task. See `arun`."""
        return self.blocking(self.arun(task, run_id=run_id, data_class=data_class, tenant=tenant))

    async def arun(
        self, task: str, *, run_id: str | None = None, data_class: str | None = None, tenant: str = ""
    ) -> Result:
        """Carry out a task; `run_id` names the run, for resuming it later. Raises `PlanError` for a bad plan.

        `data_class` says who may see the task and all that comes of it, `tenant` on whose behalf it is carried out.
        """
        begin = functools.partial(self._begin, task, run_id, data_class, tenant)
        return await self._carry_out(begin, emit=_ignore)

    def replay(self, run_id: str, *, task: str | None = None) -> Result:
        """Carry a recorded run out again with this agent. See `areplay`."""
        return self.blocking(self.areplay(run_id, task=task))

    async def areplay(self, run_id: str, *, task: str | None = None) -> Result:
        """Carry a recorded run out again with this agent, as a new run; see `agents.run_diff` for what changed.

        A model is called, and a tool run, only for what was not asked in the same words and on the same terms then;
        an LLM planner that did not change is not asked again. `task` is needed where its text was not kept.
        An unknown run raises `UsageError`.
        """
        begin = functools.partial(start_replay, self.services, run_id, task=task)
        return await self._carry_out(begin, emit=_ignore)

    def resume(self, run_id: str, *, approve: bool | None = None) -> Result:
        """Go on with a run. See `aresume`."""
        return self.blocking(self.aresume(run_id, approve=approve))

    async def aresume(self, run_id: str, *, approve: bool | None = None) -> Result:
        """Go on with a run that was killed or waits for approval; finished subtasks are not repeated.

        `approve` answers the approval that the run waits for. An unknown run raises `UsageError`.
        """
        return await self._carry_out(functools.partial(self._reopen, run_id, approve), emit=_ignore)

    async def astream(
        self,
        task: str | None = None,
        *,
        run_id: str | None = None,
        approve: bool | None = None,
        data_class: str | None = None,
        tenant: str = "",
    ) -> AsyncIterator[Event]:
        """The typed events of a run as they happen: a new one for `task`, else the run `run_id` resumed."""
        if task is None and run_id is None:
            raise UsageError("astream needs a task to run, or the run_id of a run to resume")
        if task is None:
            begin = functools.partial(self._reopen, run_id or "", approve)
        else:
            begin = functools.partial(self._begin, task, run_id, data_class, tenant)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        running = asyncio.create_task(self._carry_out(begin, emit=queue.put_nowait, resumed=task is None))
        running.add_done_callback(lambda _done: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            result = await running
            yield RunFinished(run_id=result.run_id, result=result)
            await self.adrain()
        finally:
            running.cancel()

    async def adrain(self) -> None:
        """Wait for what canaries carry out in shadow, which goes on after `arun` gave its answer.

        The end of `astream` waits by itself.
        """
        await self.services.shadows.drain()

    def drain(self) -> None:
        """Wait for what canaries carry out in shadow after `run` gave its answer, as the end of the process does."""
        self.services.shadows.join()

    def blocking(self, work: Coroutine[Any, Any, Answered]) -> Answered:
        """What a coroutine of this agent's comes to, as soon as it does.

        Where shadows are to be expected the event loop has a thread of its own, and outlives the answer.
        """
        with closing(work):  # where the parts cannot be made, it is never begun
            services = self.services
            if not may_shadow(services.lanes, services.candidates, services.ledger):
                return _blocking(work)
            return services.shadows.answer(work)

    def _begin(self, task: str, run_id: str | None, data_class: str | None, tenant: str) -> tuple[str, str]:
        if not task.strip():
            raise UsageError("the task is empty; say what is to be answered")
        try:
            task.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"the task is not Unicode text at character {error.start}; write it in UTF-8"
            ) from None
        self.services.calling.data_policy.require_rule(data_class or self.services.data_class)
        run_id = run_id or new_run_id()
        if self.services.ledger.records(run_id, "run"):
            raise UsageError(
                f"there is a run {run_id!r} already; resume it with resume({run_id!r}) or name another"
            )
        start_run(self.services, run_id, task, data_class, tenant)
        return run_id, task

    def _reopen(self, run_id: str, approve: bool | None) -> tuple[str, str]:
        self.services.ledger.summary(run_id)
        (start, *_) = self.services.ledger.records(run_id, "run")
        if start.content_missing:
            raise UsageError(
                f"run {run_id!r} cannot go on: the text of its task was not kept, or was purged; ask it again"
            )
        if approve is not None:
            self.services.ledger.append(run_id, "approval", {"approved": approve})
        return run_id, start.body["task"]

    def feedback(self, run_id: str, subtask_id: str, *, reward: float) -> None:
        """Say what a finished subtask's answer was worth, 0 to 1: it is kept in the ledger and taught to the policy.

        It counts besides what the verifiers said, each time it is given. Raises `UsageError` for a subtask that is
        not finished.
        """
        give_feedback(self.services, run_id, subtask_id, reward)

    async def _carry_out(
        self, begin: Callable[[], tuple[str, str]], *, emit: Callable[[Event], None], resumed: bool = False
    ) -> Result:
        """Begin a run once there is a place for it, so that none stands in the ledger that was not let in."""

        async def work(under_way: UnderWay) -> Result:
            under_way.run_id, task = begin()
            emit(RunStarted(run_id=under_way.run_id, task=task, resumed=resumed))
            return await self._result_of(under_way.run_id, task, emit)

        return await self._admission.carry(work)

    async def _result_of(self, run_id: str, task: str, emit: Callable[[Event], None]) -> Result:
        started = time.perf_counter()
        scope = open_scope(self.services, run_id, task, emit)
        # An interrupt needs a checkpointer; what survives the process is the ledger.
        graph = run_graph(self.services, InMemorySaver()) if scope.approve else self.graph
        config: RunnableConfig = {"configurable": {"thread_id": run_id}, "recursion_limit": 25}
        state: RunInput = {"task": task, "run_id": run_id}
        with run_span(scope) as span, unseen_by_langsmith(allowed=self._parts.settings.langsmith):
            final = await graph.ainvoke(state, config, context=scope)
            return run_told(span, _result(scope, final, (time.perf_counter() - started) * 1000))


def _result(scope: RunScope, state: Mapping[str, Any], wall_ms: float) -> Result:
    subtasks = tuple(from_json(SubtaskResult, row) for row in state.get("results") or [])
    paused = "__interrupt__" in state
    return Result(
        run_id=scope.run_id,
        answer="The plan waits for approval." if paused else state["answer"],
        status="awaiting_approval" if paused else state["status"],
        subtasks=subtasks,
        citations=tuple(dict.fromkeys(citation for subtask in subtasks for citation in subtask.citations)),
        spend=scope.meter.spend,
        wall_ms=round(wall_ms, 1),
        plan=state.get("plan") or {},
        extra={} if paused else state["extra"],
    )


def _ignore(_event: Event) -> None:
    """Nobody listens."""


def _blocking(work: Coroutine[Any, Any, Answered]) -> Answered:
    """Run a coroutine to its end, also from within a running loop (a notebook), where a thread takes it."""
    if not _inside_a_loop():
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # A thread does not inherit context variables, such as the span that is current.
        return pool.submit(copy_context().run, asyncio.run, work).result()


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
