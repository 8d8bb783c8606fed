"""Two arms that differ in a prompt, and a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish.models.spec import ModelSpec
from pilotfish.prompts.prompt import Prompt
from pilotfish.rollout.identity import Identity, identity_of
from pilotfish.tracing.ledger import Ledger

MODEL = ModelSpec(id="tiny", engine="llamacpp", sha256="ab" * 32)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def baseline() -> Identity:
    return _arm("1", "tiny")


@pytest.fixture
def candidate() -> Identity:
    return _arm("2", "tiny:prompt=ask@2")


def _arm(version: str, spec: str) -> Identity:
    prompt = Prompt(name="ask", version=version, messages=(("user", f"Text {version}: $question"),))
    return identity_of(MODEL, prompts=[prompt], spec=spec)
