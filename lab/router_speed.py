"""How long policies take for a decision, beside a MiniLM encode of the same texts in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from .. import UnavailableError
from ..router.policy import Policy
from ..router.subtask import Subtask

Work = Callable[[Sequence[str]], object]
"""Something that is done to texts."""
BATCH = 64
ROUNDS = 3
SLOW_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Medians of one work, in seconds for each text."""

    single_s: float
    batch_s: float
    slow: bool
    """Whether it was timed on fewer texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Times of single decisions and encodes."""

    decisions_per_second: float
    """In one batch."""
    p50_decision_s: float
    p50_encode_s: float | None
    """None when the embedding weights are not on this machine."""


def measure_speed(policy: Policy, texts: Sequence[str], *, home: Path) -> Speed:
    """Decides and encodes `texts` in turn, so that both see the same load of the machine."""
    subtasks = [Subtask(id=str(index), text=text) for index, text in enumerate(texts)]
    policy.decide(subtasks)
    start = time.perf_counter()
    policy.decide(subtasks)
    batch = time.perf_counter() - start
    encode = uncached_encoder(home)
    decisions: list[float] = []
    encodes: list[float] = []
    for subtask in subtasks:
        decisions.append(_timed(lambda subtask=subtask: policy.decide([subtask])))
        if encode is not None:
            encodes.append(_timed(lambda encode=encode, subtask=subtask: encode([subtask.text])))
    return Speed(
        decisions_per_second=len(subtasks) / batch,
        p50_decision_s=median(decisions),
        p50_encode_s=median(encodes) if encodes else None,
    )


def measure(
    works: Mapping[str, Work], texts: Sequence[str], *, batch: int = BATCH, rounds: int = ROUNDS
) -> dict[str, Timing]:
    """Times every work on every text alone, then on batches, all works taking turns on the same piece.

    No text is given twice: a mark at its end makes it a new one each time, so that no cache knows it. Works that take
    longer than `SLOW_S` see every eighth text and one batch. One untimed call warms each up.
    """
    marks = count()
    slow: set[str] = set()
    for name, work in works.items():
        work(_marked(texts[:1], marks))
        if _timed(partial(work, _marked(texts[:1], marks))) > SLOW_S:
            slow.add(name)
    singles: dict[str, list[float]] = {name: [] for name in works}
    for place, text in enumerate(texts):
        for name, work in works.items():
            if name not in slow or place % 8 == 0:
                singles[name].append(_timed(partial(work, _marked([text], marks))))
    batches: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds):
        for name, work in works.items():
            if name not in slow or turn == 0:
                piece = _marked([texts[place % len(texts)] for place in range(batch)], marks)
                batches[name].append(_timed(partial(work, piece)) / batch)
    return {
        name: Timing(single_s=median(singles[name]), batch_s=median(batches[name]), slow=name in slow)
        for name in works
    }


def _marked(texts: Sequence[str], marks: Iterator[int]) -> list[str]:
    return [f"{text}\n[{next(marks)}]" for text in texts]


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def uncached_encoder(home: Path) -> Work | None:
    """Encodes texts with MiniLM in a cache of its own, empty at first; None when its weights are absent."""
    from ..models.catalogue import find_model
    from ..models.embedder import SentenceEmbedder
    from ..models.weights import resolve_weights

    spec = find_model("minilm-l6")
    try:
        folder = resolve_weights(spec, home=home, fetch=False)
    except UnavailableError:
        return None
    scratch = Path(tempfile.mkdtemp(prefix="pilotfish-bench-"))
    embedder = SentenceEmbedder(spec, folder, cache=scratch / "embeddings.db")
    embedder.encode_query(["warm up"])
    return embedder.encode_query
