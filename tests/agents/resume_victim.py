"""Run by test_resume in a process of its own: carries a plan out, and kills itself where it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from pilotfish.agents.lane import LaneContext
from pilotfish.agents.plan import Plan
from pilotfish.router.subtask import Subtask
from pilotfish.testing.lanes import FakeLane
from pilotfish.testing.services import fake_services, run_plan
from pilotfish.tracing.ledger import Entry, Ledger

PLAN = Plan(
    [
        Subtask(id="a", text="first"),
        Subtask(id="b", text="second"),
        Subtask(id="c", text="of #a", depends_on=("a",)),
        Subtask(id="d", text="of #a and #b", depends_on=("a", "b")),
        Subtask(id="e", text="of #c and #d", depends_on=("c", "d")),
    ]
)


def main(home: str, run_id: str, kill_at: str) -> None:
    attempts = Path(home) / "attempts.txt"
    seen = 0

    def die_at(point: str) -> None:
        if kill_at == point:
            os.kill(os.getpid(), signal.SIGKILL)

    async def answer(subtask: Subtask, context: LaneContext) -> str:
        nonlocal seen
        with attempts.open("a") as file:
            file.write(f"{subtask.id}\n")
        seen += 1
        die_at(f"attempt {seen}")
        # Subtasks overtake one another, in an order that differs from one start to the next.
        for _ in range((ord(subtask.id) * 7 + len(attempts.read_text())) % 5):
            await asyncio.sleep(0)
        return f"<{subtask.id}:{subtask.text}:{sorted(item.text for item in context.upstream.values())}>"

    append, written = Ledger.append_all, 0

    def dying_append(self: Ledger, entries: Iterable[Entry]) -> list[int]:
        nonlocal written
        written += 1
        die_at(f"before record {written}")
        numbers = append(self, entries)
        die_at(f"after record {written}")
        return numbers

    Ledger.append_all = dying_append  # type: ignore[method-assign]
    services = fake_services(Path(home), {"local": FakeLane("local", answer)})
    state = asyncio.run(run_plan(services, PLAN, run_id=run_id))
    print(json.dumps({"answer": state["answer"], "results": state["results"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
