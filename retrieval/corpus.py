"""A corpus: a folder of documents with a store of its own under the home folder, opened and kept up to date."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .. import UsageError
from ..models.data_policy import DataPolicy
from ..models.embedder import Embedder
from .store import HybridStore


def open_corpus(
    folder: Path | str, *, home: Path, embedder: Embedder, data_policy: DataPolicy | None = None
) -> HybridStore:
    """The store under `home` that mirrors `folder`, brought up to date.

    An unchanged corpus is recognised by sizes, time stamps and hashes, without loading a model or an index. Waits
    up to ten minutes for another process that is ingesting the same corpus.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"the corpus {str(folder)!r} is not a folder; give a folder of documents")
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    store = HybridStore.open(
        home / "stores" / name, embedder=embedder, create=True, lock_timeout_s=600, data_policy=data_policy
    )
    store.ingest(folder)
    return store
