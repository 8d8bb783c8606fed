from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pilotfish.retrieval.folder import list_files, stamp_files


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("a.md", ".hidden.md", "sub/b.md", ".git/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    files, refused = list_files(tmp_path)
    assert list(files) == ["a.md", "sub/b.md"]
    assert refused == {}


def test_a_settled_file_is_not_read_and_a_fresh_one_is(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("one")
    os.utime(path, ns=(10**9, 10**9))
    known = stamp_files({"a.md": path}, {}, scanned_ns=0)
    path.write_text("two")
    os.utime(path, ns=(10**9, 10**9))
    settled = stamp_files({"a.md": path}, known, scanned_ns=10**12)
    assert settled == known
    racy = stamp_files({"a.md": path}, known, scanned_ns=2 * 10**9)
    assert racy["a.md"].sha256 != known["a.md"].sha256


def test_a_touched_file_keeps_its_hash_and_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_text("torn")
    known = stamp_files({"a.pdf": path}, {}, scanned_ns=0)
    known = {"a.pdf": replace(known["a.pdf"], skipped="is torn")}
    os.utime(path, ns=(5, 5))
    now = stamp_files({"a.pdf": path}, known, scanned_ns=10**18)["a.pdf"]
    assert (now.mtime_ns, now.sha256, now.skipped) == (5, known["a.pdf"].sha256, "is torn")
