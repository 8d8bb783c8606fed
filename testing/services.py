"""An agent's services built from fakes around a real ledger, and a run of a plan through the real graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..agents.events import Event
from ..agents.lane import Lane
from ..agents.plan import Plan
from ..agents.planner import as_planner
from ..agents.rule_planner import RulePlanner
from ..agents.run_graph import run_graph
from ..agents.scope import LANE_SLOTS, Services, new_run_id, open_scope, start_run
from ..agents.synthesis import synthesise
from ..agents.verifier import Verifier, as_verifier
from ..router.policy import LaneName, Policy
from ..tracing.ledger import Ledger
from .lanes import FakePolicy


def fake_services(
    home: Path,
    lanes: Mapping[LaneName, Lane],
    *,
    policy: Policy | None = None,
    standard: tuple[Verifier, ...] | None = None,
    named: Mapping[str, Verifier] | None = None,
    slots: Mapping[LaneName, int] | None = None,
) -> Services:
    """Services over `lanes`, with a ledger under `home`; unless `standard` is given every answer passes."""
    return Services(
        planner=RulePlanner(),
        policy=policy or FakePolicy(),
        lanes=lanes,
        standard=(as_verifier("passes", _passes),) if standard is None else standard,
        named=named or {},
        synthesise=synthesise,
        ledger=Ledger(home / "ledger.db"),
        slots={**LANE_SLOTS, **(slots or {})},
    )


async def run_plan(
    services: Services,
    plan: Plan,
    *,
    run_id: str | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> dict[str, Any]:
    """Carry `plan` out through the run graph; its final state. The same `run_id` again resumes."""
    services = dataclasses.replace(services, planner=as_planner(plan))
    run_id = run_id or new_run_id()
    if not services.ledger.records(run_id, "run"):
        start_run(services, run_id, "a fixed plan", None, "")
    scope = open_scope(services, run_id, "a fixed plan", emit)
    return await run_graph(services).ainvoke({"task": "a fixed plan"}, context=scope)


async def _passes(_subtask: object, _attempt: object) -> bool:
    return True
