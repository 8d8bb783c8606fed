"""A voyage: one way, at one speed, with its days, costs and CO2, and how it stands against each limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ..tools.sea_network import LonLat
from .limits import Limit

Kind = Literal["avoid", "verified", "status", "size", "draft", "arrive_by", "max_cost"]
"""What a check is about. The last three and `avoid` can be relaxed by whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a voyage stands against one limit."""

    kind: Kind
    name: str
    """What is limited, such as `draft in the Panama Canal`."""
    limit: float | None
    """None where the limit is a yes or no."""
    value: float | None
    slack: float
    """Room left, in `unit`; below zero is a violation."""
    unit: str
    reason: str = ""
    """Why it is violated, for people; empty if it is not."""
    source: Limit | None = None
    """The figure behind the limit, if it came from the corpus."""

    @property
    def violated(self) -> bool:
        """Whether the voyage breaks it. The tolerance is for sums of decimals."""
        return self.slack < -1e-9

    @property
    def tightness(self) -> float:
        """Slack as a share of the limit; the smallest is the binding one."""
        return self.slack / max(abs(self.limit or 1.0), 1e-9)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "name": self.name,
            "limit": self.limit,
            "value": None if self.value is None else round(self.value, 2),
            "slack": round(self.slack, 2),
            "unit": self.unit,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Voyage:
    """One way at one speed."""

    label: str
    """Its name beside the others, such as `Suez Canal`."""
    passages: tuple[str, ...]
    distance_nm: float
    speed_kn: float
    days: float
    """At sea, in canals and waiting."""
    waiting_days: float
    """Of these, waiting for a closed passage to open."""
    eta: date | None
    """Days rounded up; None without a ready date."""
    vessel_class: str
    fuel_t: float
    areas: tuple[str, ...]
    """Emission control areas in force that it crosses."""
    area_nm: float
    """Nautical miles inside emission control areas in force."""
    transfer_teu: float
    """Containers landed and carried past a canal to lighten the ship."""
    co2_t: float
    cost_usd: Mapping[str, float]
    checks: tuple[Check, ...]
    coordinates: tuple[LonLat, ...]
    rejected: str | None = None
    """Why another voyage was preferred; None for the chosen one."""

    @property
    def violations(self) -> tuple[Check, ...]:
        """Checks it fails."""
        return tuple(check for check in self.checks if check.violated)

    @property
    def feasible(self) -> bool:
        """Whether it keeps every limit."""
        return not self.violations

    @property
    def binding(self) -> Check | None:
        """The limit with the least room, or the one most broken; None if nothing limits it."""
        measured = [check for check in self.checks if check.limit is not None]
        broken = [check for check in self.violations if check.limit is None]
        return next(iter(broken), None) or min(measured, key=lambda each: each.tightness, default=None)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, without the coordinates."""
        return {
            "label": self.label,
            "passages": list(self.passages),
            "distance_nm": round(self.distance_nm, 1),
            "speed_kn": self.speed_kn,
            "days": round(self.days, 2),
            "waiting_days": round(self.waiting_days, 2),
            "eta": self.eta.isoformat() if self.eta else None,
            "vessel_class": self.vessel_class,
            "fuel_t": round(self.fuel_t, 1),
            "areas": list(self.areas),
            "area_nm": round(self.area_nm, 1),
            "transfer_teu": round(self.transfer_teu),
            "cost_usd": {part: round(usd) for part, usd in self.cost_usd.items()},
            "co2_t": round(self.co2_t, 1),
            "feasible": self.feasible,
            "binding": self.binding.as_json() if self.binding else None,
            "rejected": self.rejected,
        }
