"""LangSmith's switch in the environment, against a stub of its service on the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

_RUN = """
import asyncio, sys
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langchain_core.tracers.langchain import wait_for_all_tracers
from pilotfish import Agent
from pilotfish.agents.run_graph import RunState
from pilotfish.models.settings import load_settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy

agent = Agent(local=ScriptedChat(reply=lambda _: "Answer: Periwinkle"), policy=FakePolicy(), votes=1)

async def within(_given):
    return (await agent.arun("Narwhal or not?")).answer

if sys.argv[1] == "alone":
    agent.run("Narwhal or not?")
elif sys.argv[1] == "node":
    graph = StateGraph(RunState)
    graph.add_node("ours", agent.graph)
    graph.add_edge(START, "ours")
    asyncio.run(graph.compile().ainvoke({"task": "Narwhal or not?"}))
else:
    asyncio.run(RunnableLambda(within).ainvoke("the caller's own words"))
wait_for_all_tracers()
"""


@pytest.fixture
def service() -> Generator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_PATCH = do_POST  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def run(address: str, home: Path, how: str, **more: str) -> None:
    switched_on = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": address,
        "LANGSMITH_API_KEY": "stub",
        "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
        "PILOTFISH_HOME": str(home),
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, how],
        env={**os.environ, **switched_on, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_switch_alone_sends_nothing_of_a_run(tmp_path: Path, service: tuple[str, list[bytes]]) -> None:
    address, bodies = service
    run(address, tmp_path, "alone")
    assert not bodies


def test_with_the_users_word_it_does(tmp_path: Path, service: tuple[str, list[bytes]]) -> None:
    address, bodies = service
    run(address, tmp_path, "alone", PILOTFISH_LANGSMITH="true")
    assert any(b"Narwhal" in body and b"Periwinkle" in body for body in bodies)


def test_a_traced_caller_sends_what_is_his_and_nothing_of_the_run(
    tmp_path: Path, service: tuple[str, list[bytes]]
) -> None:
    address, bodies = service
    run(address, tmp_path, "within")
    assert any(b"the caller's own words" in body for body in bodies)
    assert not any(b"Narwhal" in body for body in bodies)


def test_as_a_node_of_a_traced_graph_its_state_is_seen_and_no_request_to_a_model(
    tmp_path: Path, service: tuple[str, list[bytes]]
) -> None:
    address, bodies = service
    run(address, tmp_path, "node")
    assert any(b"Narwhal" in body for body in bodies), "the caller's own state"
    assert not any(b"You answer the question you are given" in body for body in bodies)
