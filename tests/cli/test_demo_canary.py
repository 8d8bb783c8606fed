from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pilotfish.cli.main import app
from pilotfish.demos import shipping_canary
from pilotfish.models.settings import Settings, load_settings
from pilotfish.rollout.states import histories
from pilotfish.testing.chat import ScriptedChat
from pilotfish.tracing.ledger import Ledger


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The user's, of a machine whose model says nothing."""
    real = shipping_canary.reading_agent
    silent = ScriptedChat(reply=lambda _prompt: "{}", model_name="silent")

    def agent(requests: Any, settings: Settings) -> Any:
        return real(requests, settings, local=silent)

    monkeypatch.setattr(shipping_canary, "reading_agent", agent)
    monkeypatch.setattr("pilotfish.cli.demo.fetch_weights", lambda *_more, **_named: None)
    return Ledger(load_settings().home / "ledger.db")


def test_a_prompt_against_itself_is_told_of_and_leaves_nothing_under_way(ledger: Ledger) -> None:
    done = CliRunner().invoke(app, ["demo", "shipping-canary", "--same", "--requests", "2", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["arms"]["shadow"]["candidate"]["requests"] == 2
    assert report["state"] in ("shadow", "ramp")
    (history,) = histories(ledger).values()
    assert history.stage.state == "rolled_back"


def test_a_candidate_that_does_well_stays_and_it_is_said_how_to_end_it(
    tmp_path: Path, ledger: Ledger
) -> None:
    prompt = shipping_canary.same_prompt(tmp_path / "mine")
    done = CliRunner().invoke(app, ["demo", "shipping-canary", "--candidate", str(prompt), "--requests", "2"])
    assert done.exit_code == 0, done.output
    (history,) = histories(ledger).values()
    assert history.is_open
    assert f"End it with `pilotfish canary rollback {history.rollout_id}`" in done.stdout
