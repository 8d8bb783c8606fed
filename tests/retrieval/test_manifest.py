from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotfish.retrieval.manifest import FileStamp, Manifest, StoreError, read_manifest, write_manifest

MANIFEST = Manifest(
    model_id="m", model_digest="d", generation=3, files={"a.md": FileStamp(size=1, mtime_ns=2, sha256="s")}
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "files": {}, "more": 1}'])
def test_a_torn_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    data = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(data | {"format": 99}))
    with pytest.raises(StoreError, match="another version"):
        read_manifest(tmp_path)
