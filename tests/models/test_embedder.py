from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish import ModelSpec, UnavailableError
from pilotfish.models import embedder
from pilotfish.models.embedder import Embedder, SentenceEmbedder, load_embedder
from pilotfish.models.weights import WeightsError


class Encoder:
    """Stands for the sentence-transformers model: each text becomes a vector of its length."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []

    def encode_query(self, texts: list[str], **options: Any) -> Any:
        return self._encode("query", texts)

    def encode_document(self, texts: list[str], **options: Any) -> Any:
        return self._encode("document", texts)

    def _encode(self, kind: str, texts: list[str]) -> Any:
        self.seen.append((kind, list(texts)))
        return np.array([[len(text), 1.0 if kind == "query" else 0.0] for text in texts], dtype=np.float32)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    encoder = Encoder()
    monkeypatch.setattr(embedder, "_load", lambda folder: encoder)
    return encoder


def make(tmp_path: Path, sha256: str = "abc") -> Embedder:
    spec = ModelSpec(id="m", engine="sentence-transformers", sha256=sha256)
    return SentenceEmbedder(spec, tmp_path, cache=tmp_path / "cache" / "e.db")


def rows(vectors: Any) -> list[Sequence[float]]:
    return vectors.tolist()


def test_only_texts_not_seen_before_are_computed(encoder: Encoder, tmp_path: Path) -> None:
    assert rows(make(tmp_path).encode_document(["a", "bb", "a"])) == [[1, 0], [2, 0], [1, 0]]
    assert rows(make(tmp_path).encode_document(["ccc", "bb"])) == [[3, 0], [2, 0]]
    assert encoder.seen == [("document", ["a", "bb"]), ("document", ["ccc"])]


def test_queries_documents_and_other_weights_have_vectors_of_their_own(
    encoder: Encoder, tmp_path: Path
) -> None:
    make(tmp_path).encode_document(["a"])
    assert rows(make(tmp_path).encode_query(["a"])) == [[1, 1]]
    make(tmp_path, sha256="other").encode_query(["a"])
    assert [kind for kind, _ in encoder.seen] == ["document", "query", "query"]


def test_more_texts_than_a_statement_can_name(encoder: Encoder, tmp_path: Path) -> None:
    texts = [f"{n:05d}" for n in range(1201)]
    make(tmp_path).encode_document(texts)
    assert make(tmp_path).encode_document(texts).shape == (1201, 2)
    assert len(encoder.seen) == 1


def test_no_texts_are_no_vectors(encoder: Encoder, tmp_path: Path) -> None:
    assert make(tmp_path).encode_query([]).shape[0] == 0
    assert encoder.seen == []


def test_absent_weights_are_found_out_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pilotfish models pull minilm-l6"):
        load_embedder(home=tmp_path)


PROGRAM = """
import sys
from pathlib import Path
from pilotfish.models.embedder import SentenceEmbedder, load_embedder
made = load_embedder(home=Path(sys.argv[1]))
own = SentenceEmbedder(__import__("pilotfish.models.catalogue").models.catalogue.find_model("minilm-l6"),
                       made._folder, cache=Path(sys.argv[2]))
query = own.encode_query(["Which city is the capital of France?"])
pages = own.encode_document(["Paris is the capital of France.", "Bananas are yellow."])
near, far = (pages @ query[0]).tolist()
lengths = ((pages ** 2).sum(axis=1) ** 0.5).round(4).tolist()
print(near > far + 0.3, pages.shape, str(pages.dtype), lengths, "torch" in sys.modules)
"""


@pytest.mark.weights
def test_the_real_model_is_quiet_and_a_warm_run_never_loads_torch(weights: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(weights), str(tmp_path / "e.db")]
    cold, warm = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert cold.stdout == "True (2, 384) float32 [1.0, 1.0] True\n"
    assert warm.stdout == "True (2, 384) float32 [1.0, 1.0] False\n"
    assert cold.stderr == warm.stderr == ""


def test_a_damaged_cache_names_itself_and_the_remedy(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "e.db").write_text(
        "no database, and long enough to be read as the head of one" * 20
    )
    with pytest.raises(UnavailableError, match=r"e\.db.*Delete it"):
        make(tmp_path).encode_query(["a"])
