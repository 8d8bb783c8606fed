"""A collector that is not there, does not answer, refuses or sends elsewhere: no run notices."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pilotfish import Agent, UsageError
from pilotfish.models.settings import Settings, load_settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy
from pilotfish.testing.model_server import ModelServer
from pilotfish.testing.otlp_receiver import OtlpReceiver, otlp_receiver
from pilotfish.tracing import otel
from pilotfish.tracing.otel import OtelTelemetry, open_telemetry
from pilotfish.tracing.otlp import Collector


@pytest.fixture
def receiver() -> Generator[OtlpReceiver]:
    with otlp_receiver() as listening:
        yield listening


def nobody_there() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


def answers(tmp_path: Path, collector: Collector) -> bool:
    telemetry = OtelTelemetry(collector.tracer_provider, collector.meter_provider, collector=collector)
    local = ScriptedChat(reply=lambda _text: "2 + 2 = 4, so the answer is 4")
    settings = Settings(home=tmp_path)
    asker = Agent(local=local, policy=FakePolicy(), settings=settings, telemetry=telemetry)
    return asker.run("How much is two apples and two apples?").status == "answered"


def test_a_run_is_answered_with_nobody_at_the_address_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = nobody_there()
    collector = Collector(endpoint, loopback=True)
    with caplog.at_level(logging.DEBUG, logger="opentelemetry"):
        for _ in range(3):
            assert answers(tmp_path, collector)
            assert not collector.flush(timeout_s=10)
    collector.close()
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert endpoint in warning.getMessage()
    assert "PILOTFISH_OTLP_ENDPOINT" in warning.getMessage()


def test_a_command_is_answered_too_and_its_user_told_once(tmp_path: Path) -> None:
    with ModelServer(reply=lambda _messages: "2 + 2 = 4") as server:
        command = ["pilotfish", "ask", "How much is 2 + 2?", "--local", server.model(), "--json"]
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import sys; sys.argv = {command!r}; from pilotfish.cli.main import main; main()",
            ],
            env={**os.environ, "PILOTFISH_HOME": str(tmp_path), "PILOTFISH_OTLP_ENDPOINT": nobody_there()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "2 + 2 = 4"
    assert [line for line in done.stderr.splitlines() if "do not reach" in line] == done.stderr.splitlines()
    assert done.stderr.count("\n") == 1


def test_a_collector_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    asked, release = threading.Event(), threading.Event()

    class Hangs(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            release.wait(30)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hangs)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    collector = Collector(f"http://127.0.0.1:{server.server_port}", loopback=True)
    try:
        assert answers(tmp_path, collector)
        assert not collector.flush(timeout_s=0.05)
        assert asked.wait(10)
        assert answers(tmp_path, collector)  # while the first request still hangs
        assert not release.is_set()
    finally:
        release.set()
        collector.close()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_collector_that_refuses_is_told_of_once(
    tmp_path: Path, receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    receiver.status = {"traces": status, "metrics": status}
    collector = Collector(receiver.endpoint, loopback=True)
    assert answers(tmp_path, collector)
    assert not collector.flush(timeout_s=10)
    collector.close()
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"HTTP {status}" in warning.getMessage()


def test_a_viewer_without_metrics_is_no_trouble(
    tmp_path: Path, receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = {"metrics": 404}
    collector = Collector(receiver.endpoint, loopback=True)
    assert answers(tmp_path, collector)
    assert collector.flush(timeout_s=10)
    collector.close()
    assert receiver.one("invoke_workflow")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_after_trouble_it_is_tried_again(tmp_path: Path, receiver: OtlpReceiver) -> None:
    receiver.status = {"traces": 400}
    collector = Collector(receiver.endpoint, loopback=True)
    assert answers(tmp_path, collector)
    assert not collector.flush(timeout_s=10)
    receiver.status = {}
    assert answers(tmp_path, collector)
    collector.tracer_provider.force_flush()
    assert receiver.one("invoke_workflow")  # the second; what was refused is lost
    assert collector.flush(timeout_s=10)
    collector.close()


def test_nothing_follows_a_redirect(tmp_path: Path, receiver: OtlpReceiver) -> None:
    with otlp_receiver() as elsewhere:
        receiver.status = {"traces": 307, "metrics": 307}
        receiver.location = elsewhere.endpoint
        collector = Collector(receiver.endpoint, loopback=True)
        assert answers(tmp_path, collector)
        assert not collector.flush(timeout_s=10)
        collector.close()
        assert not elsewhere.bodies


def test_a_proxy_does_not_see_what_goes_to_the_loopback(
    tmp_path: Path, receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.endpoint)
        collector = Collector(receiver.endpoint, loopback=True)
        assert answers(tmp_path, collector)
        assert collector.flush(timeout_s=10)
        collector.close()
        assert not proxy.bodies
    assert receiver.one("invoke_workflow")


def test_what_other_exporters_log_is_not_silenced(caplog: pytest.LogCaptureFixture) -> None:
    collector = Collector(nobody_there(), loopback=True)
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").error("somebody else's")
    collector.close()
    assert "somebody else's" in caplog.text


def test_without_the_exporter_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pilotfish.tracing.otlp", None)
    otel._collector.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'pilotfish\[otel\]'"):
        open_telemetry("http://127.0.0.1:4318", content=False, locality="local")


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="otlp_endpoint"):
        load_settings(otlp_endpoint=endpoint)


def test_off_loads_nothing_of_it() -> None:
    code = (
        "import sys; from pilotfish import Agent; from pilotfish.models.settings import load_settings;"
        "from pilotfish.testing.chat import ScriptedChat; from pilotfish.testing.lanes import FakePolicy;"
        "Agent(local=ScriptedChat(reply=lambda _: 'Answer: 4'), policy=FakePolicy()).run('How much is 2 + 2?');"
        "assert 'pilotfish.tracing.otel' not in sys.modules;"
        "assert 'opentelemetry.exporter' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
