"""Three processes that observe one canary at the same time, for `test_kill.py`; prints what they came to as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

from pilotfish.models.spec import ModelSpec
from pilotfish.prompts.prompt import Prompt
from pilotfish.rollout.identity import Identity, identity_of
from pilotfish.rollout.lease import Tenure, new_holder
from pilotfish.rollout.observation import Observation
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.rollout.rollout import Rollout
from pilotfish.tracing.ledger import Ledger

PROCESSES, REQUESTS = 3, 80
PLAN = RolloutPlan(
    ramp=(0.3, 0.7), shadow_pairs=10, min_requests=10, bake_requests=10, margin=0.9, metrics=("passed",)
)


def arm(version: str) -> Identity:
    prompt = Prompt(name="ask", version=version, messages=(("user", f"Text {version}"),))
    return identity_of(ModelSpec(id="tiny", engine="llamacpp", sha256="ab"), prompts=[prompt], spec=version)


def observe_all(path: Path, rollout_id: str, process: int, start: int) -> None:
    os.read(start, 1)  # all begin together
    # Leases of no length: every process tries to move the canary on, at every moment.
    rollout = Rollout.open(Ledger(path), rollout_id, tenure=Tenure(holder=new_holder(), seconds=0))
    for number in range(REQUESTS):
        unit = f"p{process}r{number}"
        if rollout.shadows(unit, pair=unit):
            for side in ("baseline", "candidate"):
                rollout.observe(Observation(arm=side, unit=unit, passed=True, pair=unit))
        elif (side := rollout.assign(unit)) is not None:
            rollout.observe(Observation(arm=side, unit=unit, passed=True), key=unit)
            rollout.observe(Observation(arm=side, unit=unit, passed=True), key=unit)  # said twice


def main() -> None:
    path = Path(sys.argv[1])
    started = Rollout.start(Ledger(path), candidate=arm("2"), baseline=arm("1"), plan=PLAN)
    waits, start = os.pipe()
    children: list[int] = []
    for process in range(PROCESSES):
        child = os.fork()
        if child == 0:
            observe_all(path, started.id, process, waits)
            os._exit(0)
        children.append(child)
    os.write(start, b"." * PROCESSES)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    ledger = Ledger(path)
    rollout = Rollout.open(ledger, started.id)
    keys = Counter(record.key for record in ledger.records(rollout.id, "observation"))
    print(
        json.dumps(
            {
                "statuses": statuses,
                "stages": [str(step.stage) for step in rollout.history.transitions],
                "ignored": [each.why for each in rollout.history.ignored],
                "written_twice": [key for key, times in keys.items() if times > 1],
                "written": len(keys),
                "counted": sum(counts.requests for counts in rollout.tally.counts.values()),
                "problems": ledger.verify(),
            }
        )
    )


main()
