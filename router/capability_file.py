"""A trained capability model as a file: numpy arrays and one JSON header in an npz archive, without any pickle."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..tracing.whole import write_whole
from . import question_form, question_terms
from .capability_model import CapabilityModel, Familiar, Forms, Mix
from .forest import Forest
from .question_terms import Vocabulary

FORMAT = f"pilotfish-capability-1.{question_form.VERSION}.{question_terms.VERSION}"
REMEDY = "train one with: pilotfish lab train --what capability --table TABLE"
_UNREADABLE = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def save_capability(model: CapabilityModel, path: Path) -> None:
    """Writes the model to `path`, whole or not at all."""
    header = {"format": FORMAT, "version": model.version, **model.header}
    data = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez_compressed(content, header=data, **model.arrays)  # pyright: ignore[reportArgumentType] - names of arrays
    write_whole(path, content.getvalue())


def load_capability(path: Path | str) -> CapabilityModel:
    """The model in `path`. Raises `UsageError` where the file is missing, of another form, or altered."""
    path = Path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
        header: dict[str, Any] = json.loads(arrays.pop("header").tobytes())
        known, version = header["format"], header["version"]
    except OSError as error:
        raise UsageError(f"no capability weights at {str(path)!r} ({error.strerror}); {REMEDY}") from None
    except _UNREADABLE:
        raise UsageError(f"{str(path)!r} holds no capability weights; {REMEDY}") from None
    if known != FORMAT:
        raise UsageError(f"{str(path)!r} is of format {known!r} and this version reads {FORMAT!r}; {REMEDY}")
    try:
        model = model_of(header, arrays)
    except _UNREADABLE:
        raise UsageError(f"capability weights {str(path)!r} are not whole; {REMEDY}") from None
    if model.version != version:
        raise UsageError(
            f"capability weights {str(path)!r} were altered: their content is {model.version!r} and they say "
            f"{version!r}; restore the file, or {REMEDY}"
        )
    return model


def settled(model: CapabilityModel) -> CapabilityModel:
    """The model with the precision it has on disk: what is decided before and after saving is the same."""
    return model_of(model.header, model.arrays)


def model_of(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> CapabilityModel:
    """The model of a header and its arrays."""
    found = {name: values.astype(np.float64) for name, values in arrays.items() if values.dtype == np.float32}
    terms = arrays["terms"].tobytes().decode("utf-8", "surrogatepass")
    index = {term: place for place, term in enumerate(terms.split("\n"))} if terms else {}
    return CapabilityModel(
        models=tuple(header["models"]),
        small=int(header["small"]),
        large=int(header["large"]),
        mix=Mix(**header["mix"]),
        familiar=Familiar(**header["familiar"]),
        vocabulary=Vocabulary(index=index, idf=found["idf"]),
        weights=found["weights"],
        forms=Forms(centre=found["centre"], spread=found["spread"], rows=found["rows"]),
        dual=found["dual"],
        forest=Forest.of(arrays),
        prior=found["prior"],
        cost=found.get("cost"),
        mean_cost=found.get("mean_cost"),
        embedder=header["embedder"],
        embedder_digest=header["embedder_digest"],
        vectors=found.get("vectors"),
        trained_on=arrays["trained_on"].astype(np.int64),
        notes=header["notes"],
    )
