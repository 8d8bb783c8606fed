"""What the rows of a bench are kept under: the identity of all that answers, and of the policy that decides.

A row that matches is taken for this work's, so whatever can change an answer is in here; when in doubt it counts.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from .. import UsageError
from ..agents.caller import Model
from ..agents.codec import digest
from ..agents.lane import Lane
from ..agents.scope import Services
from ..models.request import model_identity, plain
from ..prompts import load_prompt, prompt_names
from ..retrieval.evidence import Retriever
from ..router.policy import Decision, Policy
from ..router.subtask import Subtask
from ..router.wrapper import learner

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""It says nothing, and changes."""
_PROBE = Subtask(id="probe", text="Which version decides?", tool="probe")
"""It has a tool, so that a policy which asks a model makes no call for it."""


def services_identity(services: Services) -> dict[str, Any]:
    """The identity of lanes, prompts and limits, as JSON data."""
    return {
        "lanes": {name: _lane(lane) for name, lane in services.lanes.items()},
        "prompts": digest([asdict(load_prompt(name)) for name in prompt_names()]),
        "timeout_s": services.timeout_s,
    }


async def policy_identity(policy: Policy) -> list[Any]:
    """What a policy says of itself, and the versions that a decision of it bears: those tell fits apart.

    Of one whose repr is an address nothing is known, so it is no other's equal.
    """
    found: list[Decision] | Awaitable[list[Decision]] = policy.decide([_PROBE])
    decisions = await found if inspect.isawaitable(found) else found
    unknown = uuid.uuid4().hex if _ADDRESS.search(repr(policy)) else ""
    return [_described(policy), unknown, *([decision.policy, decision.version] for decision in decisions)]


def refuse_learner(label: str, policy: Policy) -> None:
    """Raises `UsageError` for a policy that learns: its rows would be those of as many policies as it had lessons."""
    if learner(policy) is not None:
        raise UsageError(
            f"policy {label!r} learns while it runs, and rows of several of its states would mix; measure it with "
            "'pilotfish lab replay', or let it learn in an agent"
        )


def _lane(lane: Lane) -> dict[str, Any]:
    settings: Mapping[str, Any] = {}
    if is_dataclass(lane):
        settings = {each.name: _part(getattr(lane, each.name)) for each in fields(lane)}
    return {"type": type(lane).__qualname__, **settings}


def _part(value: Any) -> Any:
    if isinstance(value, Model):
        return model_identity(value.chat, value.spec)
    return _corpus(value) if isinstance(value, Retriever) else plain(value)


def _corpus(retriever: Retriever) -> list[str]:
    """A corpus by its passages and embedder where it can tell them, else by what it says of itself."""
    from ..retrieval.store import HybridStore

    if not isinstance(retriever, HybridStore):
        return [_described(retriever)]
    embedder = retriever._embedder  # pyright: ignore[reportPrivateUsage] - nothing public tells it
    passages = sorted(f"{chunk.source} {chunk.sha256}" for chunk in retriever.list_chunks())
    return [embedder.model_id, embedder.digest, digest(passages)]


def _described(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__} {_ADDRESS.sub('', repr(thing))}"
