"""How long a policy takes for one decision, beside one MiniLM encode of the same texts in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .. import UnavailableError
from ..router.policy import Policy
from ..router.subtask import Subtask


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
    encode = _encoder(home)
    decisions: list[float] = []
    encodes: list[float] = []
    for subtask in subtasks:
        decisions.append(_timed(lambda subtask=subtask: policy.decide([subtask])))
        if encode is not None:
            encodes.append(_timed(lambda encode=encode, subtask=subtask: encode(subtask.text)))
    return Speed(
        decisions_per_second=len(subtasks) / batch,
        p50_decision_s=median(decisions),
        p50_encode_s=median(encodes) if encodes else None,
    )


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _encoder(home: Path) -> Callable[[str], object] | None:
    """Encodes one text with MiniLM, past the cache; None when its weights are absent."""
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
    return lambda text: embedder.encode_query([text])
