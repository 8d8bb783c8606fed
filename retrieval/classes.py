"""The data classes of documents: what the owner of a corpus says of them, and what they say of themselves.

The owner speaks in `data_classes.yaml` in the folder (globs to classes) or by an argument; a document in the front
matter of Markdown. A document can add a class to what the owner says, and takes none away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import yaml

from .. import UsageError
from ..models.data_policy import INTERNAL, DataPolicy
from ..models.spec import Locality
from .chunks import Chunk
from .documents import Document, front_matter
from .manifest import StoreError

CLASSES_FILE = "data_classes.yaml"
"""Name of the file in a corpus that maps globs to data classes."""
UNREADABLE = "unreadable"
"""The class of a document whose own word for it is no name; without a rule of its own it goes nowhere."""
_VERSION = 1
"""Counts the changes to how documents are classed: a store classed by an older one is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What the owner of a corpus says about its documents."""

    globs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Data class by glob, matched against the path in the corpus; `*` crosses folders. The last that matches counts."""
    default: str | None = None
    """Of documents that no glob matches."""

    @property
    def digest(self) -> str:
        """The identity of all this, for the store that was classed by it."""
        said = json.dumps([_VERSION, list(self.globs.items()), self.default])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def of(self, source: str) -> str | None:
        """What the owner says of a document; None where nothing."""
        matched = [name for glob, name in self.globs.items() if fnmatchcase(source, glob)]
        return matched[-1] if matched else self.default

    def mark(self, chunks: Iterable[Chunk], document: Document) -> list[Chunk]:
        """The passages of a document with its data classes."""
        owner, own = self.of(document.source), own_class(document)
        also = (own,) if own is not None and owner not in (None, own) else ()
        return [replace(chunk, data_class=owner or own or INTERNAL, also=also) for chunk in chunks]


def read_classes(folder: Path, default: str | None = None) -> Classes:
    """What `data_classes.yaml` in `folder` says, and `default` of the rest. `UsageError` names what will not do."""
    path = folder / CLASSES_FILE
    if not path.is_file():
        return Classes(default=default)
    try:
        found: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - strings only
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{str(path)!r} cannot be read as YAML: {error}") from None
    if not found:
        return Classes(default=default)
    if not isinstance(found, dict):
        raise UsageError(f"{str(path)!r} is {found!r}; write globs with classes, such as 'hr/*': restricted")
    globs = cast("dict[Any, Any]", found)
    for glob, name in globs.items():
        if not isinstance(glob, str) or not isinstance(name, str) or not name.strip():
            raise UsageError(
                f"{str(path)!r} gives {glob!r} the class {name!r}; write a glob and the name of a data class"
            )
    return Classes(globs={glob: name.strip() for glob, name in globs.items()}, default=default)


def own_class(document: Document) -> str | None:
    """What a document says of itself: `data_class` in its front matter."""
    if not document.source.lower().endswith((".md", ".markdown")):
        return None
    matter = front_matter(document.text)
    try:
        found: Any = yaml.load(matter, Loader=yaml.BaseLoader) if matter else None  # noqa: S506 - strings only
    except (yaml.YAMLError, RecursionError):
        found = None
    found = cast("dict[str, Any]", found) if isinstance(found, dict) else _lines_of(matter)
    said = found.get("data_class")
    if said is None or said == "":
        return None
    return said.strip() if isinstance(said, str) else UNREADABLE


def check_embedding(
    chunks: Sequence[Chunk], data_policy: DataPolicy, *, locality: Locality, embedder: str
) -> None:
    """Raise `StoreError` where a passage may not be seen by the embedding model."""
    if locality == "local":
        return
    for chunk in chunks:
        classes = {chunk.data_class, *chunk.also, *data_policy.detected(chunk.indexed)}
        place = f"the remote embedding model {embedder!r}"
        why = data_policy.refusal(classes, locality=locality, place=place)
        if why is not None:
            raise StoreError(
                f"{chunk.source!r} cannot be embedded: {why}; take a local model, which says so by "
                "locality = 'local', or leave the document out"
            )


def _lines_of(matter: str) -> dict[str, Any]:
    """Front matter that is not YAML may still hold the line."""
    pairs = (line.partition(":") for line in matter.splitlines())
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
