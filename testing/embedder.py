"""A public fake of the embedding model: deterministic vectors from hashed words, no weights, no download."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..models.spec import Locality


class FakeEmbedder:
    """Texts that share words get near vectors. The same text has the same vector in every process."""

    locality: ClassVar[Locality] = "local"

    def __init__(self, *, model_id: str = "fake-embedder", dimension: int = 64) -> None:
        self.model_id = model_id
        self.digest = hashlib.sha256(f"{model_id} {dimension}".encode()).hexdigest()
        self.encoded: list[str] = []
        """Every text asked for, in order, so that a test can tell what was embedded again."""
        self._dimension = dimension

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        vectors = [self._embed(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self._dimension)

    def _embed(self, text: str) -> NDArray[np.float32]:
        total = np.full(self._dimension, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(self._dimension).astype(np.float32)
        return (total / np.linalg.norm(total)).astype(np.float32)
