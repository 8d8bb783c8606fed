"""On what terms an agent's models are called: who keeps the records, which data may go where, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..tracing.call import Call
from ..tracing.telemetry import OFF, Telemetry
from .data_policy import DataPolicy
from .guard import Guards
from .prices import PriceTable
from .recorded import Recorded


def _unheard(_call: Call) -> None:
    """Nobody keeps it."""


def _affordable() -> str | None:
    """Nobody counts."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What every model call of one run goes through, whoever makes it: a lane, a planner, a policy, a judge."""

    record: Callable[[Call], None] = _unheard
    """Takes each call, whatever became of it."""
    keep: Callable[[str], object] | None = None
    """Keeps the text of a prompt or an answer under its hash; None keeps hashes only."""
    data_policy: DataPolicy = field(default_factory=DataPolicy)
    prices: PriceTable = field(default_factory=PriceTable)
    guards: Guards = field(default_factory=Guards)
    unaffordable: Callable[[], str | None] = _affordable
    """Why a request may not be repeated, where a budget is used up; asked before each repetition."""
    recorded: Recorded | None = None
    """Replies that are taken instead of asking a model, where the request is the same."""
    telemetry: Telemetry = OFF
