"""How a run's agent was set up when it began, so that the run can go on under its id, or again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from .. import UsageError
from ..agents.assembly import OBJECT
from .ledger import open_ledger

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger, Record


def set_up_of(run_id: str) -> dict[str, Any]:
    """The agent's names, prompts and `approve` as the ledger has them; an unknown run raises `UsageError`."""
    start = began(open_ledger(), run_id)
    names = {name: start.body.get(name) for name in ("local", "large", "corpus", "policy", "data_policy")}
    refuse_objects(start, names, verb="resume")
    return {**names, "prompts": spelt(start.body.get("prompts")), "approve": bool(start.body.get("approve"))}


def began(ledger: Ledger, run_id: str) -> Record:
    """The record a run begins with; an unknown run raises `UsageError`."""
    ledger.summary(run_id)
    (start, *_) = ledger.records(run_id, "run")
    return start


def spelt(prompts: Mapping[str, Iterable[str]] | None) -> dict[str, str]:
    """Chosen prompts as `Agent(prompts=…)` takes them, from how a run keeps them."""
    return {name: ",".join(references) for name, references in (prompts or {}).items()}


def refuse_objects(
    start: Record, names: Mapping[str, object], more: Iterable[str] = (), *, verb: Literal["resume", "replay"]
) -> None:
    """Raises `UsageError` where a part was given as an object, which only its maker can give again."""
    objects = [*(name for name, value in names.items() if value == OBJECT), *more]
    if objects:
        raise UsageError(
            f"run {start.run_id!r} began in Python with an object as {', '.join(objects)}; "
            f"{verb} it there, with an agent made the same way: agent.{verb}({start.run_id!r})"
        )
