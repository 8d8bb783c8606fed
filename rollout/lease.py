"""The lease: which process moves a canary on, for how long, and how a holder that fell asleep is kept out.

A lease is a record among the canary's own, and each record must follow the one before it. So whoever takes the lease
over has, by that alone, made everything that an earlier holder may still try to write come too late.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

LEASE_SECONDS = 30.0
"""How long a holder keeps the lease without taking it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may move a canary on."""

    holder: str = ""
    term: int = 0
    """Counts the leases of one canary."""
    until: str = ""
    """ISO 8601, UTC; empty where nobody holds it."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Lease:
        """The lease that `body` wrote."""
        return cls(holder=data.get("holder", ""), term=data.get("term", 0), until=data.get("until", ""))

    def is_held(self, now: datetime) -> bool:
        """Whether it still runs."""
        return bool(self.until) and now < datetime.fromisoformat(self.until)

    def body(self, *, follows: int) -> dict[str, Any]:
        """The lease as its record holds it."""
        return {"lease": asdict(self), "follows": follows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """One process's claim to leases: its name, its clock, and how long it asks for."""

    holder: str
    seconds: float = LEASE_SECONDS
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def has(self, lease: Lease) -> bool:
        """Whether the lease is ours and still runs."""
        return lease.holder == self.holder and lease.is_held(self.clock())

    def may_take(self, lease: Lease) -> bool:
        """Whether nobody else holds it."""
        return lease.holder == self.holder or not lease.is_held(self.clock())

    def next(self, lease: Lease, *, at_once: bool = False) -> Lease:
        """The lease after this one, held by us; `at_once`: it ends as soon as it begins, for a single command."""
        until = self.clock() + timedelta(seconds=0 if at_once else self.seconds)
        return Lease(holder=self.holder, term=lease.term + 1, until=until.isoformat(timespec="milliseconds"))


def new_holder() -> str:
    """A name for this process that no other has, nor this one after a restart."""
    return f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
