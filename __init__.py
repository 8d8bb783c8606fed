"""Pilotfish: hybrid agents that send logic to a small model, facts to a retriever, and check every answer.

Importing this package loads nothing else: public names resolve on first use (PEP 562). The root of the error
tree lives here because every folder may raise one; a subclass stands beside the code that raises it.

    PilotfishError                  exit code 2
    ├── UsageError                  the caller's input is wrong; the message names it and the remedy
    │   ├── PlanError               agents.plan: a plan that is not a DAG of known subtasks
    │   ├── ToolInputError          tools: an argument a tool cannot work with
    │   ├── PromptError             prompts: an unknown prompt, a missing value, a changed text
    │   └── StoreError              retrieval: a store that does not fit what is asked of it
    ├── TooFewRowsError             exit code 3; lab.risk_control: the data cannot support what is asked of it
    └── UnavailableError            exit code 4: something needed is missing or cannot be reached
        ├── WeightsError            models.weights: absent, altered or half-written weights
        ├── EndpointError           models.failures: an endpoint refused a request, or sent no answer
        ├── RefusedError            models.resilience: a full queue, an open breaker, an agent that is closed
        ├── EngineError             models.local_chat: a local engine refused or lost a request
        ├── LedgerError             tracing.ledger: the record of runs cannot be opened or written
        └── StoreLockedError        retrieval: another process holds the store
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .agents.agent import Agent
    from .agents.canary import Canary
    from .agents.plan import Plan
    from .agents.result import Result
    from .models.data_policy import DataPolicy
    from .models.spec import ModelSpec
    from .retrieval.evidence import Evidence, Retriever
    from .router.policy import Decision, Policy
    from .router.subtask import Subtask

__all__ = [
    "Agent",
    "Canary",
    "DataPolicy",
    "Decision",
    "Evidence",
    "ModelSpec",
    "PilotfishError",
    "Plan",
    "Policy",
    "Result",
    "Retriever",
    "Subtask",
    "UnavailableError",
    "UsageError",
]

_HOMES = {
    "Agent": ".agents.agent",
    "Canary": ".agents.canary",
    "DataPolicy": ".models.data_policy",
    "Decision": ".router.policy",
    "Evidence": ".retrieval.evidence",
    "ModelSpec": ".models.spec",
    "Plan": ".agents.plan",
    "Policy": ".router.policy",
    "Result": ".agents.result",
    "Retriever": ".retrieval.evidence",
    "Subtask": ".router.subtask",
}


class PilotfishError(Exception):
    """Whatever Pilotfish raises on purpose. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 2


class UsageError(PilotfishError, ValueError):
    """The caller's input is wrong; the message names the thing and the remedy."""


class UnavailableError(PilotfishError):
    """Something needed (weights, a server, a lock) is missing or cannot be reached; the message says how to get it."""

    exit_code: ClassVar[int] = 4


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
