from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAVY = {"torch", "transformers", "chromadb", "sentence_transformers", "langgraph", "langchain_core", "bm25s"}
COMMANDS = [
    ["ask"], ["classify"], ["ingest"], ["search"], ["demo"], ["demo", "shipping"], ["models"], ["models", "list"],
    ["models", "pull"], ["models", "check"], ["lab"], ["lab", "bench"], ["lab", "train"], ["runs"], ["runs", "list"],
    ["runs", "show"], ["runs", "verify"],
]  # fmt: skip


@pytest.mark.parametrize("group", [[], ["demo"], ["models"], ["lab"], ["runs"]])
def test_command_lists_hold_whole_sentences(command: Any, group: list[str]) -> None:
    outcome = command(*group, "--help")
    assert outcome.code == 0
    listed = outcome.out.split("Commands:")[1].strip().splitlines()
    assert listed
    assert all(line.endswith(".") and not line.endswith("..") for line in listed)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: Any, path: list[str]) -> None:
    outcome = command(*path, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: pilotfish {' '.join(path)}")


def test_version(command: Any) -> None:
    assert command("--version").out.startswith("pilotfish ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["ask", "--bogus", "x"], "--bogus"),
        (["ask"], "QUESTION"),
        (["ask", ""], "empty"),
        (["ask", "hi", "--resume", "x"], "--resume"),
        (["ask", "hi", "--yes"], "--resume"),
        (["ask", "hi", "--max-calls", "-1"], "--max-calls"),
        (["ask", "--resume", "x", "--local", "y"], "--local"),
        (["ask", "--resume", "nope"], "nope"),
        (["ask", "hi", "--local", "smollm"], "smollm2-135m"),
        (["classify", "--policy", "learnd"], "learned"),
        (["ingest", "nowhere", "--store", "st"], "nowhere"),
        (["ingest", "."], "--store"),
        (["search", "x", "--store", "st", "-k", "0"], "-k"),
        (["models", "check", "minilm-l7"], "minilm-l6"),
        (["models", "pull", "nope"], "nope"),
        (["runs", "show", "nope"], "runs list"),
        (["lab", "bench", "nope"], "overhead"),
        (["lab", "train"], "--data"),
        (["lab", "train", "--data", ".", "--what", "nope"], "grading"),
    ],
)
def test_a_wrong_command_exits_with_2_and_names_what_is_wrong(
    command: Any, scripted: Callable[..., None], arguments: list[str], named: str
) -> None:
    if "--local" not in arguments:
        scripted(str)
    plain = command(*arguments)
    assert (plain.code, plain.out) == (2, "")
    assert named in plain.err
    machine = command(*arguments, "--json")
    assert machine.code == 2
    assert set(machine.data) == {"error"}
    assert machine.data["error"]["exit_code"] == 2
    assert named in machine.data["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["ask", "hi"], "pilotfish models pull smollm2-135m"),
        (["search", "x", "--store", "st"], "pilotfish models pull minilm-l6"),
        (["models", "check", "minilm-l6"], "pilotfish models pull minilm-l6"),
    ],
)
def test_missing_weights_exit_with_4_and_the_remedy(command: Any, arguments: list[str], remedy: str) -> None:
    outcome = command(*arguments, "--json")
    assert outcome.code == 4
    assert outcome.data["error"]["exit_code"] == 4
    assert remedy in outcome.data["error"]["message"]
    assert remedy in outcome.err


def test_an_unknown_setting_names_the_nearest(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTFISH_POLCY", "rules")
    outcome = command("runs", "list")
    assert outcome.code == 2
    assert "PILOTFISH_POLICY" in outcome.err


def test_a_path_that_cannot_be_is_a_wrong_command(command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise NotADirectoryError(20, "Not a directory", "some/file")

    monkeypatch.setattr("pilotfish.models.settings.load_settings", fail)
    outcome = command("runs", "list", "--json")
    assert outcome.code == 2
    assert "some/file" in outcome.data["error"]["message"]


def test_an_interruption_exits_with_130_and_says_how_to_go_on(
    command: Any, scripted: Any, monkeypatch: Any
) -> None:
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    scripted(str)
    monkeypatch.setattr("pilotfish.cli.watch.watch", interrupt)
    outcome = command("ask", "hi")
    assert outcome.code == 130
    assert "--resume" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--help"], ""),
        (["runs", "list"], ""),
        (["models", "list"], ""),
        (["classify"], '{"id": 1, "text": "Who wrote Hamlet?"}\n'),
    ],
)
def test_light_commands_load_nothing_heavy(arguments: list[str], stdin: str) -> None:
    code = (
        f"import sys, atexit; sys.argv = ['pilotfish', *{arguments!r}]\n"
        f"atexit.register(lambda: print('LOADED', *sorted({HEAVY!r} & set(sys.modules))))\n"
        "from pilotfish.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "LOADED"


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="there are no broken pipes here")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": 1, "text": "Who wrote Hamlet?"}\n' * 3000)
    reader, writer = os.pipe()
    os.close(reader)
    command = "from pilotfish.cli.main import main; main()"
    with rows.open() as stdin, os.fdopen(writer, "w") as unread:
        done = subprocess.run(
            [sys.executable, "-c", command, "classify", "--policy", "rules"],
            stdin=stdin,
            stdout=unread,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_libraries_do_not_chatter_on_standard_error(tmp_path: Path) -> None:
    code = (
        "import sys, logging, warnings; sys.argv = ['pilotfish', 'runs', 'list', '--json']\n"
        "from pilotfish.cli.main import _set_up_streams; _set_up_streams()\n"
        "loud = logging.getLogger('loud'); loud.setLevel(logging.DEBUG); loud.debug('chatter')\n"
        "logging.getLogger('other').warning('chatter'); warnings.warn('chatter')\n"
        "logging.getLogger('pilotfish.retrieval').warning('ours')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stderr == "WARNING pilotfish.retrieval: ours\n"
