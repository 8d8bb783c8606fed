"""How a conformance check says which promise of a seam was broken."""

from __future__ import annotations


def require(kept: bool, otherwise: str) -> None:
    """Raise `AssertionError` with `otherwise` unless the promise was kept. Unlike `assert`, also under `python -O`."""
    if not kept:
        raise AssertionError(otherwise)
