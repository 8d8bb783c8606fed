"""Run by test_tasks in a process of its own: benches six tasks, and kills itself at the model call it is told."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from pilotfish.lab.tasks import run_tasks
from pilotfish.testing.chat import ScriptedChat


def main(home: str, kill_at: str) -> None:
    asked = Path(home) / "asked.txt"
    seen = 0

    def reply(text: str) -> str:
        nonlocal seen
        seen += 1
        if seen == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)
        with asked.open("a") as file:
            file.write(f"{text}\n")
        return f"Answer: {len(text)}"

    os.environ["PILOTFISH_HOME"] = home
    found = run_tasks(
        Path(home) / "tasks.jsonl",
        ["always-local", "random:share=0.5"],
        local=ScriptedChat(reply=reply),
        out=Path(home) / "out",
        concurrency=2,
    )
    rows = [(row.policy, row.id, row.status, row.answer, row.score, row.calls) for row in found.rows]
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
