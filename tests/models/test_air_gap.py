"""Air-gapped mode: nothing leaves, by any way Python has, and the whole demo works without a route out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.models.load import load_chat
from pilotfish.models.settings import Settings

HERE = Path(__file__).parent
PILOTFISH = "from pilotfish.cli.main import main; main()"
ATTEMPTS = [sys.executable, str(HERE / "air_gap_attempts.py")]


def _namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(
            ["unshare", "--net", "--map-root-user", "true"], capture_output=True, check=False
        ).returncode
        == 0
    )


in_a_namespace = pytest.mark.skipif(not _namespaces(), reason="this machine makes no network namespaces")


def run_without_routes(command: list[str], folder: Path, **environment: str) -> tuple[str, int]:
    """What the command prints, and how many packets it tried to send beyond this machine, as the kernel counts."""
    count = folder / "count"
    wrapped = [
        "unshare",
        "--net",
        "--map-root-user",
        sys.executable,
        str(HERE / "namespace_count.py"),
        str(count),
    ]
    done = subprocess.run(
        [*wrapped, *command], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, int(count.read_text())


@in_a_namespace
def test_no_way_out_of_python_gets_a_packet_to_the_kernel(tmp_path: Path) -> None:
    said, packets = run_without_routes([*ATTEMPTS, "sealed"], tmp_path)
    found: dict[str, Any] = json.loads(said)
    assert found["got_out"] == []
    assert found["loopback"], "the loopback, Unix sockets and child processes go on"
    assert packets == 0
    assert found["refused"] >= 20


@in_a_namespace
def test_the_kernel_sees_the_same_attempts_where_the_gap_is_open(tmp_path: Path) -> None:
    said, packets = run_without_routes([*ATTEMPTS, "open"], tmp_path)
    assert packets >= 20, "else the count above would prove nothing"
    assert json.loads(said)["refused"] == 0


@in_a_namespace
@pytest.mark.weights
def test_the_whole_demo_runs_without_a_single_attempt_to_connect(weights: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(weights / "models")
    command = [
        sys.executable,
        "-c",
        PILOTFISH,
        "demo",
        "shipping",
        "--json",
        "--out",
        str(tmp_path / "out"),
    ]
    said, packets = run_without_routes(command, tmp_path, PILOTFISH_AIR_GAPPED="1", PILOTFISH_HOME=str(home))
    result = json.loads(said)
    assert result["status"] == "answered"
    assert result["totals"]["calls"] > 0
    assert packets == 0


def test_the_setting_seals_the_process(tmp_path: Path) -> None:
    code = (
        "from pilotfish.models.settings import load_settings; load_settings(); import socket\n"
        "try: socket.create_connection(('192.0.2.1', 80))\n"
        "except OSError as error: print(error)"
    )
    environment = {**os.environ, "PILOTFISH_AIR_GAPPED": "1", "PILOTFISH_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert "air-gapped mode refuses looking up '192.0.2.1'" in done.stdout
    assert "PILOTFISH_AIR_GAPPED" in done.stdout


def test_fetching_weights_says_how_they_get_here(tmp_path: Path) -> None:
    environment = {**os.environ, "PILOTFISH_AIR_GAPPED": "1", "PILOTFISH_HOME": str(tmp_path)}
    command = [sys.executable, "-c", PILOTFISH, "models", "pull", "smollm2-135m"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 4
    assert "air-gapped mode fetches nothing" in done.stderr
    assert "copy PILOTFISH_HOME/models" in done.stderr


def test_a_remote_model_is_refused_before_anything_is_asked() -> None:
    settings = Settings(air_gapped=True)
    with pytest.raises(UsageError, match="air-gapped mode reaches this machine only"):
        load_chat("openai/big@https://models.example.com/v1", settings=settings)
    load_chat("openai/big@http://127.0.0.1:9/v1", settings=settings)
