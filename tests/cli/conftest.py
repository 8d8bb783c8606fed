"""The command line in this process: exit code, standard output, standard error."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pilotfish.cli.main import run
from pilotfish.models.load import spec_for
from pilotfish.testing.chat import ScriptedChat


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as one JSON value; fails when there is more or less than that."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    def call(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Puts a function in the place of every chat model that a command names."""

    def use(reply: Callable[[str], str]) -> None:
        chat = ScriptedChat(reply=reply)
        monkeypatch.setattr(
            "pilotfish.agents.assembly.load_chat", lambda _model, **_options: (chat, spec_for(chat))
        )

    return use
