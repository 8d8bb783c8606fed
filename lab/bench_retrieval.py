"""`lab bench retrieval`: nDCG@10 of the hybrid store beside each leg alone, and its cost beside plain Chroma."""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import UsageError
from ..models.embedder import Embedder
from ..retrieval.chunks import Chunk
from ..retrieval.evidence import Evidence
from ..retrieval.store import HybridStore
from .bench import Report
from .retrieval_cases import make_chunk
from .retrieval_data import SETS, RetrievalSet, read_set

CUTOFF = 10
_DEEP = 200
_RESAMPLES = 10_000
_ROUNDS = 2
_QUERIES = 40
_DOCUMENTS = 60
MakeEmbedder = Callable[[Path], Embedder]
"""An embedder whose cache is the file at the path."""
Scores = NDArray[np.float64]


def run(data: Path | None, /) -> Report:
    """Measure every set that `data` holds. Vectors are kept in the cache of PILOTFISH_HOME between runs."""
    if data is None:
        raise UsageError("the retrieval bench needs the public data sets; name their folder with --data")
    from ..models.catalogue import find_model
    from ..models.embedder import SentenceEmbedder
    from ..models.settings import load_settings
    from ..models.weights import resolve_weights

    home = load_settings().home
    spec = find_model("minilm-l6")
    weights = resolve_weights(spec, home=home, fetch=False)

    def make(cache: Path) -> Embedder:
        return SentenceEmbedder(spec, weights, cache=cache)

    return measure(data, make, cache=home / "cache" / "embeddings.db")


def measure(data: Path, make: MakeEmbedder, *, cache: Path) -> Report:
    """The bench with any embedder; quality uses `cache`, timing uses empty ones."""
    found, absent = _read_sets(data)
    if not found:
        raise UsageError(
            f"none of {', '.join(SETS)} is under {str(data)!r}; docs/retrieval.md names their sources"
        )
    figures: dict[str, float] = {}
    embedder = make(cache)
    lines = ["| set | hybrid | BM25 | dense |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        for each in found:
            scores = score_set(each, embedder, Path(place) / each.name)
            figures |= {f"{each.name}_{leg}": float(values.mean()) for leg, values in scores.items()}
            lines.append(f"| {each.name} | {' | '.join(map(describe_mean, scores.values()))} |")
        figures["ingest_over_plain"] = time_ingest(min(found, key=_count), make, Path(place))
        figures["query_over_chroma"] = time_queries(max(found, key=_count), make, Path(place), embedder)
    return Report(figures=figures, text=_write_text(lines, figures, found, absent))


def _count(each: RetrievalSet) -> int:
    return len(each.texts)


def _read_sets(data: Path) -> tuple[list[RetrievalSet], list[str]]:
    found: list[RetrievalSet] = []
    absent: list[str] = []
    for name in SETS:
        if (data / name).is_dir():
            found.append(read_set(name, data))
        else:
            absent.append(name)
    return found, absent


def score_set(each: RetrievalSet, embedder: Embedder, path: Path) -> dict[str, Scores]:
    """nDCG@10 of every query, for the fused ranking and for each leg's own."""
    ranked: dict[str, list[list[int]]] = {"hybrid": [], "bm25": [], "dense": []}
    embedder.encode_query(each.queries)
    with HybridStore.open(path, embedder=embedder, create=True) as store:
        store.put([make_chunk(row, text) for row, text in enumerate(each.texts)])
        for query in each.queries:
            hits = store.search(query, _DEEP)
            ranked["hybrid"].append([int(hit.chunk_id) for hit in hits[:CUTOFF]])
            for leg in ("bm25", "dense"):
                ranked[leg].append(_rank_leg(hits, leg))
    return {
        leg: np.array([measure_ndcg(rows, gold) for rows, gold in zip(lists, each.relevant, strict=True)])
        for leg, lists in ranked.items()
    }


def _rank_leg(hits: Sequence[Evidence], leg: str) -> list[int]:
    found = sorted((hit for hit in hits if leg in hit.scores), key=lambda hit: -hit.scores[leg])
    return [int(hit.chunk_id) for hit in found[:CUTOFF]]


def measure_ndcg(ranked: Sequence[int], relevant: frozenset[int]) -> float:
    """nDCG at 10 with binary relevance (Järvelin and Kekäläinen, TOIS 2002)."""
    gain = sum(1 / np.log2(place + 2) for place, row in enumerate(ranked[:CUTOFF]) if row in relevant)
    ideal = sum(1 / np.log2(place + 2) for place in range(min(CUTOFF, len(relevant))))
    return float(gain / ideal)


def describe_mean(values: Scores) -> str:
    """The mean with its 95 % bootstrap interval over queries."""
    picks = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def time_ingest(each: RetrievalSet, make: MakeEmbedder, place: Path) -> float:
    """Time of ingesting the texts as files, over embedding the same passages and adding them to Chroma."""
    folder = place / "documents"
    folder.mkdir()
    for row, text in enumerate(each.texts[:_DOCUMENTS]):
        (folder / f"{row:05d}.txt").write_text(text, encoding="utf-8")
    for heavy in ("bm25s", "chromadb"):  # so that the clock does not see them load
        importlib.import_module(heavy)
    ours: list[float] = []
    plain: list[float] = []
    for number in range(_ROUNDS):
        embedder = _warm(make(place / f"ours-{number}.db"))
        start = time.perf_counter()
        with HybridStore.open(place / f"ours-{number}", embedder=embedder, create=True) as store:
            store.ingest(folder)
            ours.append(time.perf_counter() - start)
            chunks = store.list_chunks()
        embedder = _warm(make(place / f"plain-{number}.db"))
        start = time.perf_counter()
        _fill_chroma(place / f"plain-{number}", chunks, embedder)
        plain.append(time.perf_counter() - start)
    return sum(ours) / sum(plain)


def time_queries(each: RetrievalSet, make: MakeEmbedder, place: Path, embedder: Embedder) -> float:
    """Median over queries of our search, over a plain Chroma query; both embed the query, which no cache holds.

    The store of `each` is under `place`; `embedder` has the vectors of its texts.
    """
    ours, plain = _warm(make(place / "ours.db")), _warm(make(place / "plain.db"))
    texts = [make_chunk(row, text) for row, text in enumerate(each.texts)]
    collection = _fill_chroma(place / "plain", texts, embedder)
    ratios: list[float] = []
    with HybridStore.open(place / each.name, embedder=ours) as store:
        store.search("warm", CUTOFF)
        for query in each.queries[:_QUERIES]:
            start = time.perf_counter()
            store.search(query, CUTOFF)
            middle = time.perf_counter()
            collection.query(query_embeddings=list(plain.encode_query([query])), n_results=CUTOFF)
            ratios.append((middle - start) / (time.perf_counter() - middle))
    return statistics.median(ratios)


def _warm(embedder: Embedder) -> Embedder:
    """Load the model before the clock runs."""
    embedder.encode_query(["warm"])
    embedder.encode_document(["warm"])
    return embedder


def _fill_chroma(path: Path, chunks: Sequence[Chunk], embedder: Embedder) -> Any:
    """What anyone would write: embed everything, add it to a collection in batches."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "plain", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    vectors = embedder.encode_document([chunk.indexed for chunk in chunks])
    size = client.get_max_batch_size()
    for start in range(0, len(chunks), size):
        part = chunks[start : start + size]
        collection.add(
            ids=[chunk.id for chunk in part],
            embeddings=vectors[start : start + size],
            documents=[chunk.text for chunk in part],
            metadatas=[{"source": chunk.source} for chunk in part],
        )
    return collection


def _write_text(
    lines: Sequence[str], figures: Mapping[str, float], found: Sequence[RetrievalSet], absent: Sequence[str]
) -> str:
    sizes = ", ".join(
        f"{each.name} {len(each.texts)} texts and {len(each.queries)} queries" for each in found
    )
    parts = [
        f"nDCG@{CUTOFF} with 95 % bootstrap intervals over queries ({sizes}):",
        "\n".join(lines),
        f"Ingest takes {figures['ingest_over_plain']:.2f} times a plain loop that embeds the same passages and adds "
        f"them to Chroma; a query takes {figures['query_over_chroma']:.2f} times a plain Chroma query, embedding "
        "included in both.",
    ]
    if absent:
        parts.append(f"Left out because the data folder does not hold them: {', '.join(absent)}.")
    return "\n\n".join(parts)
