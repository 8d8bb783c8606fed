"""A `knn` policy fitted on an outcome table, as a file: its exemplars with their gains, and how they vote. Plain JSON.

The vectors are not in it; the embedder's cache has them, or makes them again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import UsageError
from ..models.embedder import Embedder
from ..tracing.whole import write_whole
from .exemplars import Exemplar
from .knn import KnnPolicy, find_embedder
from .neighbours import Voting

FORMAT = 1


def write_knn(policy: KnnPolicy, path: Path) -> None:
    """Writes the policy to `path`, whole or not at all."""
    content = {
        "format": FORMAT,
        "embedder": {"model_id": policy.embedder.model_id, "digest": policy.embedder.digest},
        "voting": asdict(policy.voting),
        "exemplars": [asdict(exemplar) for exemplar in policy.exemplars],
    }
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=0))


def read_knn(
    path: Path, *, embedder: str | Embedder | None = None, home: Path | str | None = None
) -> KnnPolicy:
    """The policy in `path`, with the embedder it was fitted with unless another is given.

    Raises `UsageError` where the file is missing, of another form, or was fitted with other vectors.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = content["embedder"]
        found = find_embedder(embedder or known["model_id"], home=home)
        exemplars = [Exemplar(**exemplar) for exemplar in content["exemplars"]]
        voting = Voting(**content["voting"])
    except OSError as error:
        raise UsageError(f"no knn weights at {str(path)!r}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{str(path)!r} holds no knn policy; write one with: pilotfish lab train --what knn --table TABLE"
        ) from None
    if found.digest != known["digest"]:
        raise UsageError(
            f"{str(path)!r} was fitted with vectors of {known['model_id']!r}, which differ from those of "
            f"{found.model_id!r}; fit it again, or name that embedder"
        )
    return KnnPolicy(exemplars, found, voting=voting)
