"""A small, fixed vector for a subtask's text: hashed words, a few signs of form, and how reasoning-heavy it is."""

from __future__ import annotations

import math
import re
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
VERSION = "1"
"""Of what the numbers mean: another version's weights do not fit."""
_WORDS_READ = 1000
_SIGNS = 6
_SCALE = 0.6
"""Of everything but the constant: under a standard normal prior an arm's mean is believed long before its words are."""
_WORD = re.compile(r"[^\W\d_]+|\d|[^\w\s]")
_OPTIONS = re.compile(r"\n\s*\(?[A-D][.):]\s")


def size(buckets: int) -> int:
    """Length of the vector with this many buckets of words."""
    return buckets + _SIGNS


@lru_cache(maxsize=4096)
def vector(text: str, *, p_reasoning: float, buckets: int) -> Floats:
    """The text as a vector of `size(buckets)`, not to be changed: its words, 1, then the signs."""
    found = np.zeros(size(buckets))
    words = [match.group() for match in _WORD.finditer(text)][:_WORDS_READ]
    for word in words:
        code = zlib.crc32(word.casefold().encode("utf-8", "surrogatepass"))
        found[code % buckets] += 1.0 if code & 0x8000_0000 else -1.0
    hashed = found[:buckets]
    hashed[:] = np.sign(hashed) * np.sqrt(np.abs(hashed))
    length = float(np.linalg.norm(hashed))
    if length:
        hashed /= length
    found[buckets:] = (
        1.0,
        p_reasoning,
        min(1.0, math.log1p(len(text)) / 9.0),
        min(1.0, 4.0 * sum(word.isdigit() for word in words) / max(1, len(words))),
        1.0 if _OPTIONS.search(text) else 0.0,
        min(1.0, text.count("\n") / 20.0),
    )
    found *= _SCALE
    found[buckets] = 1.0
    found.flags.writeable = False
    return found
