"""Who is asked to try the candidate: a stable hash puts every unit at one place in [0, 1).

A share is the range from 0 up to it, so the ranges nest: raising the share moves nobody out of the candidate. The
place depends on the salt and the unit alone, never on the process, the machine or the order of requests.
"""

from __future__ import annotations

import hashlib
import math

from .. import UsageError

_BITS = 53  # what a float holds exactly, so that no place rounds up to 1.0


def position(unit: str, *, salt: str) -> float:
    """Where `unit` stands in [0, 1) under `salt`; another salt shuffles all units anew."""
    # The length keeps ("a", "bc") and ("ab", "c") apart; a lone surrogate is still somebody's identity.
    named = f"{len(salt)}:{salt}:{unit}".encode(errors="surrogatepass")
    digest = hashlib.sha256(named).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / (1 << _BITS)


def in_candidate(unit: str, *, salt: str, share: float) -> bool:
    """Whether `unit` is among the first `share` of all units; 0 is nobody, 1 is everybody."""
    if math.isnan(share) or not 0 <= share <= 1:
        raise UsageError(f"share {share!r} is not a share: give a number from 0 (nobody) to 1 (everybody)")
    return position(unit, salt=salt) < share
