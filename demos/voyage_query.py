"""The typed question of the shipping planner: what the request asked for, and nothing it did not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class VoyageQuery:
    """One shipment or sailing. `None` and the empty tuple mean that the request is silent."""

    origin: str
    """LOCODE of the port of loading, such as `CNSHA`."""
    destination: str
    """LOCODE of the port of discharge."""
    teu: int | None = None
    """Containers to carry, in twenty-foot equivalent units."""
    draft_m: float | None = None
    """Loaded draft of the vessel in metres."""
    ready: date | None = None
    """First day the cargo or vessel can leave."""
    arrive_by: date | None = None
    """Last day it may arrive."""
    max_cost_usd: float | None = None
    """Most the whole voyage may cost, in dollars."""
    avoid: tuple[str, ...] = ()
    """Passages not to use, under their searoute names (`suez`, `babalmandab`, …)."""
