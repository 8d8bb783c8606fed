from __future__ import annotations

import os
from pathlib import Path

import pytest

from pilotfish.retrieval.lock import StoreLock, StoreLockedError


def test_the_holder_is_named_by_process_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/pilotfish", "ingest", "--key=secret"])
    with StoreLock(tmp_path), pytest.raises(StoreLockedError) as caught:
        StoreLock(tmp_path, timeout_s=0).__enter__()
    message = str(caught.value)
    assert f"process {os.getpid()} ('pilotfish ingest'" in message
    assert "secret" not in message
    assert str(tmp_path) in message


def test_a_released_lock_is_free_and_forgets_its_holder(tmp_path: Path) -> None:
    with StoreLock(tmp_path):
        pass
    with StoreLock(tmp_path, timeout_s=0):
        assert (tmp_path / "holder.json").exists()
    assert not (tmp_path / "holder.json").exists()


def test_a_torn_note_still_gives_a_message(tmp_path: Path) -> None:
    with StoreLock(tmp_path):
        (tmp_path / "holder.json").write_text("{")
        with pytest.raises(StoreLockedError, match="another process"):
            StoreLock(tmp_path, timeout_s=0).__enter__()
