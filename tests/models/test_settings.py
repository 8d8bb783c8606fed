from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.models.settings import load_settings


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_arguments_beat_environment_beat_file_beat_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().policy == "learned"
    Path("pilotfish.toml").write_text('policy = "rules"\nlocal = "from-file"\nlarge = "openai/from-file"\n')
    monkeypatch.setenv("PILOTFISH_POLICY", "random")
    monkeypatch.setenv("PILOTFISH_LOCAL", "from-environment")
    settings = load_settings(policy="always-local", local=None)
    assert (settings.policy, settings.local, settings.large) == (
        "always-local",
        "from-environment",
        "openai/from-file",
    )


def test_an_unknown_key_names_the_nearest_one_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown setting 'polcy'; the nearest one is 'policy'"):
        load_settings(polcy="rules")
    Path("pilotfish.toml").write_text("lokal = 'x'\n")
    with pytest.raises(UsageError, match=r"key of pilotfish\.toml 'lokal'; the nearest one is 'local'"):
        load_settings()
    Path("pilotfish.toml").unlink()
    monkeypatch.setenv("PILOTFISH_OPENAI_URL", "http://127.0.0.1")
    with pytest.raises(
        UsageError, match="'PILOTFISH_OPENAI_URL'; the nearest one is 'PILOTFISH_OPENAI_BASE_URL'"
    ):
        load_settings()


def test_a_bad_value_and_a_broken_file_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="'threads'"):
        load_settings(threads=0)
    Path("pilotfish.toml").write_text("policy = \n")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_settings()


def test_a_bad_value_of_a_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="'keep_content' is 'maybe'; write true or false"):
        load_settings(keep_content="maybe")
    monkeypatch.setenv("PILOTFISH_KEEP_CONTENT", "maybe")
    with pytest.raises(UsageError, match="'PILOTFISH_KEEP_CONTENT' is 'maybe'; write true or false"):
        load_settings()


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTFISH_OPENAI_API_KEY", "very-secret")
    assert "very-secret" not in repr(load_settings())


def test_a_home_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(home="~/fish").home == tmp_path / "fish"
