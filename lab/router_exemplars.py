"""Our own exemplars as training rows: the patterns of `router/weights/exemplars.txt`, each filled in several times."""

from __future__ import annotations

from collections.abc import Iterator

from ..router.exemplar_patterns import SHIPPED, read_patterns
from .router_data import Row

VARIANTS = 8
"""Sentences made from one pattern that has slots."""


def load_exemplars() -> list[Row]:
    """Every exemplar as a row of the set `exemplars`; `twins` names the set whose form a section shares."""
    return list(parse_exemplars(SHIPPED.read_text(encoding="utf-8")))


def parse_exemplars(text: str) -> Iterator[Row]:
    """Rows of an exemplar file. Raises `UsageError` as `read_patterns` does."""
    for pattern in read_patterns(text):
        for filled in pattern.fill(VARIANTS):
            label = 1 if pattern.reasoning else 0
            yield Row(text=filled, label=label, dataset="exemplars", twins=pattern.twins)
