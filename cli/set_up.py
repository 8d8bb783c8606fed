"""How a run's agent was set up when it began, so that the run can go on under its id."""

from __future__ import annotations

from typing import Any

from .. import UsageError
from ..agents.assembly import OBJECT
from ..models.settings import load_settings
from ..tracing.ledger import Ledger


def set_up_of(run_id: str) -> dict[str, Any]:
    """The agent's names, prompts and `approve` as the ledger has them; an unknown run raises `UsageError`."""
    ledger = Ledger(load_settings().home / "ledger.db")
    ledger.summary(run_id)
    (start, *_) = ledger.records(run_id, "run")
    names = {name: start.body.get(name) for name in ("local", "large", "corpus", "policy", "data_policy")}
    objects = [name for name, value in names.items() if value == OBJECT]
    if objects:
        raise UsageError(
            f"run {run_id!r} began in Python with an object as {', '.join(objects)}; "
            f"resume it there, with an agent made the same way: agent.resume({run_id!r})"
        )
    prompts = {name: ",".join(chosen) for name, chosen in (start.body.get("prompts") or {}).items()}
    return {**names, "prompts": prompts, "approve": bool(start.body.get("approve"))}
