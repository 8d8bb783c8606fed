from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.tracing.whole import write_whole


@pytest.mark.parametrize("data", ["déjà\r\nvu\n", b"\x00\xff"])
def test_the_file_holds_what_was_given_and_nothing_stays_beside_it(tmp_path: Path, data: bytes | str) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    write_whole(path, data)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_content_stays_where_writing_breaks_off(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"


def test_a_path_that_cannot_be_a_file_is_refused_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder"):
        write_whole(tmp_path, "text")
    with pytest.raises(UsageError, match=r"nowhere/a.csv' is in no folder"):
        write_whole(tmp_path / "nowhere" / "a.csv", "text")
    assert not list(tmp_path.iterdir())
