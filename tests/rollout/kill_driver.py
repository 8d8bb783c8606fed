"""Drives a canary through all its stages and is killed by SIGKILL on the way: one process a life, for `test_kill.py`.

Prints JSON: for every record that a life can end at (before it, within the statement that writes it, after it), the
history that later lives came to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pilotfish.models.spec import ModelSpec
from pilotfish.prompts.prompt import Prompt
from pilotfish.rollout.identity import Identity, identity_of
from pilotfish.rollout.lease import Tenure
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.rollout import Rollout
from pilotfish.rollout.states import histories
from pilotfish.tracing import ledger as ledger_module
from pilotfish.tracing.ledger import Ledger

ID = "c-kill"
PLAN = RolloutPlan(
    ramp=(0.3, 0.7), shadow_pairs=2, min_requests=2, bake_requests=2, margin=0.9, metrics=("passed",)
)
REQUESTS = 60


def arm(version: str) -> Identity:
    prompt = Prompt(name="ask", version=version, messages=(("user", f"Text {version}"),))
    return identity_of(ModelSpec(id="tiny", engine="llamacpp", sha256="ab"), prompts=[prompt], spec=version)


def live(path: Path, fails_from: int, life: int) -> None:
    """Start or go on with the canary, carry out what was not carried out before, and leave."""
    ledger = Ledger(path)
    later = timedelta(minutes=life)  # the lease of the life before has run out
    tenure = Tenure(holder=f"life {life}", clock=lambda: datetime.now(UTC) + later)
    if ID in histories(ledger):
        rollout = Rollout.open(ledger, ID, tenure=tenure)
    else:
        rollout = Rollout.start(
            ledger, candidate=arm("2"), baseline=arm("1"), plan=PLAN, rollout_id=ID, tenure=tenure
        )
    rollout.settle()
    done = {record.key for record in ledger.records(ID, "observation")}
    for number in range(REQUESTS):
        if number == 4:
            pause_and_resume(rollout)
        request = f"r{number}"
        if rollout.shadows(request, pair=request) or f"{request}/baseline" in done:
            if f"{request}/candidate" not in done:
                for side in ("baseline", "candidate"):
                    see(rollout, request, side, number < fails_from, pair=request)
        elif request not in done and (side := rollout.assign(request)):
            see(rollout, request, side, number < fails_from, key=request)


def pause_and_resume(rollout: Rollout) -> None:
    """What a person does, once."""
    if all(step.stage.state != "paused" for step in rollout.history.transitions):
        rollout.pause("a look first")
    if rollout.state == "paused":
        rollout.resume("it is fine")


def see(rollout: Rollout, unit: str, side: Any, passed: bool, *, pair: str = "", key: str = "") -> None:
    passed = passed or side == "baseline"
    rollout.observe(Observation(arm=side, unit=unit, passed=passed, pair=pair, error=not passed), key=key)


def die_at(count: int, when: str) -> None:
    """Kill this process at its append number `count`: before, within or after the statement that writes it."""
    append, chain = Ledger.append, ledger_module.record_hash
    left = [count]

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def dying_append(self: Ledger, *arguments: Any, **named: Any) -> int:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            die()
        seq = append(self, *arguments, **named)
        if left[0] == 0:
            die()
        return seq

    def dying_chain(*fields: Any, **named: Any) -> str:
        if left[0] == 0 and when == "within":
            die()
        return chain(*fields, **named)

    Ledger.append = dying_append  # type: ignore[method-assign]
    ledger_module.record_hash = dying_chain


def life(act: Callable[[], None]) -> bool:
    """Whether a process that does this comes to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a life ended by an error, not by the signal")
    return os.WIFEXITED(status)


def told(path: Path) -> dict[str, Any]:
    """What the ledger says in the end, without times and without leases."""
    ledger = Ledger(path)
    rollout = Rollout.open(ledger, ID)
    return {
        "steps": [
            [str(step.stage), step.why, step.by, dict(step.evidence)] for step in rollout.history.transitions
        ],
        "ignored": len(rollout.history.ignored),
        "observations": [[record.key, record.body] for record in ledger.records(ID, "observation")],
        "counted": sum(counts.requests for counts in rollout.tally.counts.values()),
        "problems": ledger.verify(),
    }


def killed_at(path: Path, when: str, count: int, fails_from: int) -> bool:
    """Three lives: one killed at record `count`, one killed soon after, one that comes to its end.

    False where the first already came to its end, so that there is no such record.
    """

    def first() -> None:
        die_at(count, when)
        live(path, fails_from, 0)

    def second() -> None:
        die_at(2, when)
        live(path, fails_from, 1)

    if life(first):
        return False
    life(second)
    return life(lambda: live(path, fails_from, 2))


def main() -> None:
    folder, fails_from = Path(sys.argv[1]), int(sys.argv[2])
    whole = folder / "whole.db"
    life(lambda: live(whole, fails_from, 0))
    killed: list[dict[str, Any]] = []
    for when in sys.argv[3:]:
        for count in range(1, 1000):
            path = folder / f"{when}-{count}.db"
            if not killed_at(path, when, count, fails_from):
                break
            killed.append({"when": when, "count": count, **told(path)})
    print(json.dumps({"whole": told(whole), "killed": killed}))


main()
