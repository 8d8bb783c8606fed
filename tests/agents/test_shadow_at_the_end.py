from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENDING = """
import sys, time
from pathlib import Path
from pilotfish.agents.agent import Agent
from pilotfish.agents.canary import Canary
from pilotfish.agents.model_lane import ModelLane
from pilotfish.agents.caller import Model
from pilotfish.agents.lane import LaneContext
from pilotfish.agents.verifier import as_verifier
from pilotfish.models.load import spec_for
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLane
import asyncio, threading

if {unhooked}:
    from pilotfish.agents import shadow
    shadow.finish_shadows.__code__ = (lambda: None).__code__

class Rollout:
    id = "r1"
    def assign(self, unit, **scope): return "baseline"
    def shadows(self, unit, **scope): return True
    def forgo(self, pair): print("forgone", flush=True)
    def observe(self, seen, *, key=""): print(seen.arm, "error" if seen.error else "fine", flush=True)

async def late(subtask, context):
    while {unhooked} and threading.main_thread().is_alive():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # the script has ended by now
    await asyncio.to_thread(time.sleep, 0)
    return "4"

chat = ScriptedChat(reply=lambda _prompt: "4", model_name="four")
stable = ModelLane(name="local", model=Model(chat=chat, spec=spec_for(chat)))
canary = Canary(stable, FakeLane("local", late), Rollout())
agent = Agent(local=chat, lanes={{"local": canary}}, policy="always-local", settings=Settings(home=Path(sys.argv[1])))
print(agent.run("What is 2 + 2?").answer, flush=True)
"""


@pytest.mark.parametrize(
    ("unhooked", "told"), [(False, ["baseline fine", "candidate fine"]), (True, ["forgone"])]
)
def test_the_end_of_the_process_is_no_error_of_the_candidate(
    tmp_path: Path, unhooked: bool, told: list[str]
) -> None:
    """Shadows are waited for before thread pools end; where they cannot be, they are given up without a word."""
    code = ENDING.format(unhooked=unhooked)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == told
