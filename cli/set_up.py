"""How a run's agent was set up when it began, so that the run can go on under its id."""

from __future__ import annotations

from typing import Any

from ..models.settings import load_settings
from ..tracing.ledger import Ledger


def set_up_of(run_id: str) -> dict[str, Any]:
    """`local`, `large`, `corpus`, `policy` and `approve` as the ledger has them; an unknown run raises `UsageError`."""
    ledger = Ledger(load_settings().home / "ledger.db")
    ledger.summary(run_id)
    (start, *_) = ledger.records(run_id, "run")
    names = {name: start.body.get(name) for name in ("local", "large", "corpus", "policy")}
    return {**names, "approve": bool(start.body.get("approve"))}
