from __future__ import annotations

import numpy as np
import pytest

from pilotfish.models.embedder import Embedder
from pilotfish.testing.embedder import FakeEmbedder


def test_it_stands_in_for_an_embedder() -> None:
    fake = FakeEmbedder(dimension=16)
    assert isinstance(fake, Embedder)
    vectors = fake.encode_document(["one", "", "three words here"])
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert fake.encode_query([]).shape == (0, 16)


def test_shared_words_make_texts_near() -> None:
    suez, also, cake = FakeEmbedder().encode_document(["suez canal draft", "draft of the suez", "cake"])
    assert suez @ also > suez @ cake


def test_another_model_has_another_digest() -> None:
    assert FakeEmbedder().digest == FakeEmbedder().digest
    assert FakeEmbedder().digest != FakeEmbedder(dimension=8).digest
